"""From a request to photos, and from photos to a recognition."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from faceauth import outcomes
from faceauth.conf import conf
from faceauth.liveness import sessions
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.policy import capacity, photo_logins
from faceauth.recognition import search
from faceauth.rekognition.errors import RekognitionError, Throttled
from faceauth.vision.photos import Photo, read_photo
from faceauth.web.uploads import frames_in, picture_in

if TYPE_CHECKING:
    pass


logger = logging.getLogger(__name__)


@sensitive_variables()
def photos_in(request: HttpRequest) -> tuple[list[Photo] | Refusal, SignIn.Method]:
    """The photos that somebody wants to be recognised by: the frames of a look, or one that needs no look here."""
    frames = frames_in(request)
    if frames is not None:
        return (
            sessions.redeem(request.session, frames) if isinstance(frames, list) else frames
        ), SignIn.Method.LIVENESS
    photo, method = photo_in(request)
    if isinstance(photo, Refusal):
        return photo, method
    if conf().LIVENESS == "always" or (conf().LIVENESS == "camera" and method == SignIn.Method.CAMERA):
        photo.close()
        return Refusal(Reason.LIVENESS_REQUIRED), method
    return [photo], method


@sensitive_variables()
def photo_in(request: HttpRequest) -> tuple[Photo | Refusal, SignIn.Method]:
    picture, method = picture_in(request)
    return (read_photo(picture) if isinstance(picture, bytes) else picture), method


@sensitive_variables()
def ask(request: HttpRequest, photos: Sequence[Photo], enrol: bool, consent: str = "") -> Recognition:
    """What the authentication backends say. What is broken becomes `throttled` or `unavailable`."""
    with unbroken() as broken:
        authenticate(request, photos=[photo.copy() for photo in photos], enrol=enrol, consent=consent)
    return broken[0] if broken else cast(Recognition, request.recognition)  # type: ignore[attr-defined]


def opens(recognition: Recognition, method: str) -> bool:
    """False for somebody on a photo that their notebook does not open for."""
    return recognition.user is None or photo_logins.may_sign_in_by(recognition.user, method)


def as_stranger(photos: Sequence[Photo]) -> Recognition:
    """What a stranger hears. Whoever shows somebody's photo shall not learn that they have a notebook here."""
    with unbroken() as broken:
        bad = search.as_stranger(photos)
    if broken:
        return broken[0]
    if capacity.enrolment_closed():
        return outcomes.refused(Reason.CLOSED)
    if bad is not None:
        return outcomes.refused(bad.reason, searched=True)
    # An open house would remember a stranger now. That would be a second notebook of one person, so here it shows.
    if conf().ENROLMENT == "open":
        return outcomes.refused(Reason.LIVENESS_REQUIRED, searched=True)
    return Recognition(Outcome.STRANGER)


@contextmanager
def unbroken() -> Iterator[list[Recognition]]:
    """What a person hears of it when Rekognition cannot answer; the log says more."""
    broken: list[Recognition] = []
    try:
        yield broken
    except Throttled as error:
        logger.warning("Somebody was turned away at the door: %s", error)
        broken.append(Recognition(Outcome.THROTTLED))
    except RekognitionError as error:
        logger.error("The door cannot see: %s", error)
        broken.append(Recognition(Outcome.UNAVAILABLE))

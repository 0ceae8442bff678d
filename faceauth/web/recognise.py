"""From photos to a recognition: the authentication backend is asked, and an outage becomes an outcome."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.views.decorators.debug import sensitive_variables

from faceauth import outcomes
from faceauth.backends import FaceBackend
from faceauth.enrolment import claim as claiming
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.recognition.matching import A_PHOTO, Evidence
from faceauth.rekognition.errors import RekognitionError, Throttled
from faceauth.vision.photos import Photo

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)


@sensitive_variables()
def recognise(photos: Sequence[Photo] | Refusal, evidence: Evidence = A_PHOTO) -> Recognition:
    """Who is on the photos."""
    if isinstance(photos, Refusal):
        return outcomes.refused(photos.reason)
    return answered(lambda: FaceBackend().recognise(photos, evidence))


@sensitive_variables()
def enrol(
    photos: Sequence[Photo], consent: str = "", method: str = "", apart_from: "User | None" = None
) -> Recognition:
    """Who is on the photos; a stranger becomes a new person. `consent` is the version of the text they agreed to."""
    return answered(lambda: FaceBackend().enrol(photos, consent, method, apart_from))


@sensitive_variables()
def claim(user: "User", photos: Sequence[Photo]) -> Recognition:
    """Give the user's notebook to whom these photos of a liveness check show."""
    return answered(lambda: claiming.claim(user, photos))


@sensitive_variables()
def as_stranger(photos: Sequence[Photo]) -> Recognition:
    """What a stranger hears who shows these photos, at the same cost."""
    return answered(lambda: FaceBackend().as_stranger(photos))


def answered(ask: Callable[[], Recognition]) -> Recognition:
    """The answer. While Rekognition cannot give one, the person hears to wait; the log says more."""
    try:
        return ask()
    except Throttled as error:
        logger.warning("Rekognition throttled a sign-in: %s", error)
        return Recognition(Outcome.THROTTLED)
    except RekognitionError as error:
        logger.error("Rekognition is unavailable: %s", error)
        return Recognition(Outcome.UNAVAILABLE)


def of_user(recognition: Recognition, user: object) -> Recognition:
    """The same, refused where it is not this user's."""
    if recognition.outcome == Outcome.STRANGER or (recognition.user and recognition.user != user):
        return outcomes.refused(Reason.DIFFERENT_PERSON, recognition.similarity, user)  # type: ignore[arg-type]
    return recognition

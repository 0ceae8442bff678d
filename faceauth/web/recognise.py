"""From photos to a recognition: the authentication backend is asked, and an outage becomes an outcome."""

import logging
from collections.abc import Callable, Sequence

from django.views.decorators.debug import sensitive_variables

from faceauth import outcomes
from faceauth.backends import FaceBackend
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.rekognition.errors import RekognitionError, Throttled
from faceauth.vision.photos import Photo

logger = logging.getLogger(__name__)


@sensitive_variables()
def recognise(photos: Sequence[Photo] | Refusal) -> Recognition:
    """Who is on the photos."""
    if isinstance(photos, Refusal):
        return outcomes.refused(photos.reason)
    return answered(lambda: FaceBackend().recognise(photos))


@sensitive_variables()
def enrol(photos: Sequence[Photo], consent: str = "") -> Recognition:
    """Who is on the photos; a stranger becomes a new person. `consent` is the version of the text they agreed to."""
    return answered(lambda: FaceBackend().enrol(photos, consent))


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

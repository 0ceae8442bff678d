"""A photo as a credential."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from faceauth import outcomes
from faceauth.enrolment import enrol as enrolment
from faceauth.outcomes import Outcome, Reason, Recognition
from faceauth.policy import accounts, capacity
from faceauth.recognition import search
from faceauth.recognition.matching import A_PHOTO, Evidence
from faceauth.vision.photos import Photo

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class FaceBackend(ModelBackend):
    """Signs in whoever is on a photo: `authenticate(request, photo=photo)`.

    Or on all of `photos`, one to three of the same person from one liveness check, the best first: they are recognised
    together. `enrol=True` also makes a new user for a face that nobody here has; ask for consent first.

    Django's `authenticate` says who it is or None. `recognise` and `enrol` say all that is known: why not, how similar,
    and whether the face alone must not open the session (`Recognition.needs_mfa`).

    Django sends the credentials of a failed attempt to every receiver of `user_login_failed`, and masks none that is
    called `photo`. So `authenticate` closes each photo before it returns: what they receive is empty. Keep a
    `photo.copy()` if it is needed afterwards.
    """

    @sensitive_variables()
    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        photo: Photo | None = None,
        photos: Sequence[Photo] | None = None,
        enrol: bool = False,
        consent: str = "",
    ) -> "User | None":
        if photo is None and photos is None:
            return None
        given = [*([] if photo is None else [photo]), *(photos or [])]
        with ExitStack() as stack:
            for one in given:
                if isinstance(one, Photo):
                    stack.enter_context(one)
            if not all(isinstance(one, Photo) for one in given):
                raise TypeError("A photo is made by faceauth.vision.photos.read_photo(): raw bytes are no credential.")
            recognition = self.enrol(given, consent) if enrol else self.recognise(given)
        return recognition.user if recognition.user and not recognition.needs_mfa else None

    @sensitive_variables()
    def recognise(self, photos: Sequence[Photo], evidence: Evidence = A_PHOTO) -> Recognition:
        """Who is on the photos, one to three of one person. Raises `RekognitionError`."""
        return search.recognise(photos, evidence)

    @sensitive_variables()
    def enrol(
        self, photos: Sequence[Photo], consent: str = "", method: str = "", apart_from: "User | None" = None
    ) -> Recognition:
        """Who is on the photos; a face that nobody here has becomes a new user. Raises `RekognitionError`."""
        return enrolment.enrol(photos, consent, method, apart_from)

    @sensitive_variables()
    def as_stranger(self, photos: Sequence[Photo]) -> Recognition:
        """What a stranger hears who shows these photos, at the same cost. Raises `RekognitionError`."""
        bad = search.as_stranger(photos)
        if capacity.enrolment_closed():
            return outcomes.refused(Reason.CLOSED)
        if bad is not None:
            return outcomes.refused(bad.reason, searched=True)
        return Recognition(Outcome.STRANGER)

    def user_can_authenticate(self, user: Any) -> bool:
        """Asked again at every request: a person who is made inactive, or an operator, is out at once."""
        return accounts.may_sign_in(user)

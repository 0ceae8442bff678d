"""A photo as a credential."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from faceauth.enrolment import enrol as enrolment
from faceauth.policy import accounts
from faceauth.recognition import search
from faceauth.vision.photos import Photo

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class FaceBackend(ModelBackend):
    """Signs in whoever is on the photo: `authenticate(request, photo=photo)`.

    Or on all of `photos`, one to three of the same person from one look, the best first: they are recognised together.

    `remember=True` also makes a new user for a face that nobody here has; ask for consent first. The user is None
    for a stranger or a refused photo; what exactly happened is then in `request.recognition`. Where
    `request.recognition.lock` is set, the face alone must not open the session: see `faceauth.policy.thresholds`.

    Django sends the credentials of a failed attempt to every receiver of `user_login_failed`, and masks none that is
    called `photo`. So each photo is closed before this returns: what they receive is empty. Keep a `photo.copy()` if
    it is needed afterwards.
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
                raise TypeError(
                    "A photo is a faceauth.vision.photos.Photo: make one with faceauth.vision.photos.read_photo()."
                )
            recognition = enrolment.enrol(given, consent) if enrol else search.recognise(given)
        if request is not None:
            request.recognition = recognition  # type: ignore[attr-defined]
        return recognition.user

    def user_can_authenticate(self, user: Any) -> bool:
        """Asked again at every request: a person who is made inactive, or an operator, is out at once."""
        return accounts.may_sign_in(user)

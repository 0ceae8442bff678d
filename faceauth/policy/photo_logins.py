"""What a photo may open. A photo does not show a living person, so everybody decides for themselves."""

from typing import TYPE_CHECKING

from faceauth.conf import conf
from faceauth.mfa import authenticators, resets
from faceauth.models import PhotoLogin, SignIn

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Choice = PhotoLogin.Choice


def offered() -> bool:
    """Whether there is a choice. A site without liveness checks has only photos."""
    return conf().LIVENESS != "off"


def choice_of(user: "User") -> Choice:
    row = PhotoLogin.objects.filter(user_id=user.pk).first()
    return Choice(row.choice) if row else Choice.OPEN


def choose(user: "User", choice: Choice) -> None:
    PhotoLogin.objects.update_or_create(user_id=user.pk, defaults={"choice": choice})


def may_sign_in_by(user: "User", method: str) -> bool:
    """Whether a picture that came this way may sign the user in: a `SignIn.Method`, or "" if it is unknown.

    Photos sign nobody in whose second factor is being reset. The choice stays in force on a site that has stopped
    asking for liveness checks: it was made to keep photos out.
    """
    if method == SignIn.Method.LIVENESS:
        return True
    if offered() and resets.pending(user):
        return False
    choice = choice_of(user)
    return choice == Choice.OPEN or (choice == Choice.WITH_LOCK and authenticators.has_mfa(user))

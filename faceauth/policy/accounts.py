"""Which accounts a face may open."""

from typing import TYPE_CHECKING

from faceauth.models.operators import is_operator

__all__ = ["is_operator", "may_sign_in"]

if TYPE_CHECKING:  # the site's user model; the type checker knows Django's
    from django.contrib.auth.models import User


def may_sign_in(user: "User") -> bool:
    """Whether a face may sign this user in: active people, but never operators, who have a password."""
    return user.is_active and not is_operator(user)

"""Which accounts a face may open."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User


def may_sign_in(user: "User") -> bool:
    """Whether a face may open this user's session: active people, never operators, who use a password."""
    return user.is_active and not is_operator(user)


def is_operator(user: "User") -> bool:
    return getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)

"""Which accounts a face may open."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the site's user model; the type checker knows Django's
    from django.contrib.auth.models import User


def may_sign_in(user: "User") -> bool:
    """Whether a face may sign this user in: active people, but never operators, who have a password."""
    return user.is_active and not is_operator(user)


def is_operator(user: "User") -> bool:
    return getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)

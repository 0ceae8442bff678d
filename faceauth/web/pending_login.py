"""A sign-in whose face is known and whose second factor is still missing.

It waits for five minutes in an anonymous session. Nobody is signed in meanwhile: nothing in the site can take a
half-open session for an open one, because there is none.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model, logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from faceauth.backends import FaceBackend
from faceauth.models import SignIn

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PENDING = "faceauth.web.pending_login"
SECONDS = 300
MOST_TRIES = 5  # then the face is verified again, which the rate limits count


@dataclass(frozen=True, slots=True)
class Pending:
    user: "User"
    verified: float
    """When the face was verified, in seconds since 1970."""
    method: str
    sign_in: int
    """The primary key of its row in the sign-in log."""


def begin(request: HttpRequest, user: "User", sign_in: SignIn) -> None:
    """Let the sign-in wait, in a session that is new: whoever knew the old one's key does not come in with it."""
    logout(request)
    request.session[PENDING] = {
        "user": user._meta.pk.value_to_string(user),
        "verified": time.time(),
        "method": sign_in.method,
        "sign_in": sign_in.pk,
        "tries": 0,
    }


def current(request: HttpRequest) -> Pending | None:
    """The sign-in that waits in this session, if its time is not over and its person may still come in."""
    kept = request.session.get(PENDING)
    if kept is None or request.user.is_authenticated:
        return None
    user = person(kept["user"]) if time.time() - kept["verified"] <= SECONDS else None
    if user is None:
        end(request)
        return None
    return Pending(user, kept["verified"], kept["method"], kept["sign_in"])


def person(pk: str) -> "User | None":
    try:
        key = get_user_model()._meta.pk.to_python(pk)
    except ValidationError:
        return None
    return FaceBackend().get_user(key)


def failed(request: HttpRequest) -> bool:
    """One more wrong second factor. True if it was the last that is allowed, and the sign-in is over."""
    kept = request.session[PENDING]
    kept["tries"] += 1
    request.session[PENDING] = kept
    if kept["tries"] >= MOST_TRIES:
        end(request)
        return True
    return False


def end(request: HttpRequest) -> None:
    request.session.pop(PENDING, None)

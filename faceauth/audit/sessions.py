"""The sessions that sign-ins opened, and ending them."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model, update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils import timezone

from faceauth.models import SignIn

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def open_sessions(user: "User") -> Iterator[SignIn]:
    """The visits whose session is still open, the newest first. One that has lapsed is asked for once."""
    lapsing = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    for sign_in in SignIn.objects.filter(user_id=user.pk).exclude(session_key=""):
        if store(sign_in.session_key).load().get(SESSION_KEY) == str(user.pk):
            yield sign_in
        elif sign_in.at < lapsing:  # or it has only just begun, and is saved with its answer
            SignIn.objects.filter(pk=sign_in.pk).update(session_key="")


def end_session(sign_in: SignIn) -> None:
    store().delete(sign_in.session_key)
    SignIn.objects.filter(pk=sign_in.pk).update(session_key="")


def end_sessions(user: "User", besides: HttpRequest | None = None) -> None:
    """End all sessions of the user, but for the one of a request.

    Those in the log of the door are deleted. Any other ends because Django takes no session that knows another
    password: a person has none, and what stands in its place may change.
    """
    if user.has_usable_password():
        end_sessions_of_operator(user, besides)
    else:
        user.password = make_password(None)
        get_user_model()._default_manager.filter(pk=user.pk).update(password=user.password)
        if besides is not None:
            keep_session(besides, user)
    for sign_in in open_sessions(user):
        if besides is None or sign_in.session_key != besides.session.session_key:
            end_session(sign_in)


def end_sessions_of_operator(user: "User", besides: HttpRequest | None) -> None:
    """The log of the door does not know who came in by a password, and only they can change it: all are looked through.

    Where sessions are not in the database they end by themselves.
    """
    sessions = getattr(store(), "model", None)
    for session in sessions.objects.filter(expire_date__gt=timezone.now()).iterator() if sessions else ():
        own = besides is not None and session.session_key == besides.session.session_key
        if not own and session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def keep_session(request: HttpRequest, user: "User") -> None:
    """Let the request's session know the new password, under a new key."""
    before = request.session.session_key
    update_session_auth_hash(request, user)
    SignIn.objects.filter(session_key=before).update(session_key=request.session.session_key)

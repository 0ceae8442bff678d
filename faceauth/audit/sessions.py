"""The sessions that sign-ins opened, and ending them."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model, update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from faceauth.models import SignIn

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def stored_key(session: SessionBase) -> str:
    """What the sign-in log keeps of a session.

    The name of its row, where the session engine gives rows names that open nothing; with Django's own, its key.
    """
    return getattr(session, "row_key", session.session_key) or ""


def load_stored(key: str) -> dict[str, Any]:
    engine = store()
    data: dict[str, Any] = engine.load_row(key) if hasattr(engine, "load_row") else store(key).load()
    return data


def delete_stored(key: str) -> None:
    engine = store()
    (engine.delete_row if hasattr(engine, "delete_row") else engine.delete)(key)


def open_sessions(user: "User") -> Iterator[SignIn]:
    """The sign-ins whose session is still open, the newest first. Each session is read once."""
    lapsing = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    for sign_in in SignIn.objects.filter(user_id=user.pk).exclude(session_key=""):
        if load_stored(sign_in.session_key).get(SESSION_KEY) == str(user.pk):
            yield sign_in
        elif sign_in.at < lapsing:  # or it has only just begun, and is saved with its answer
            SignIn.objects.filter(pk=sign_in.pk).update(session_key="")


def end_session(sign_in: SignIn) -> None:
    delete_stored(sign_in.session_key)
    SignIn.objects.filter(pk=sign_in.pk).update(session_key="")


def end_sessions(user: "User", besides: HttpRequest | None = None) -> None:
    """End all sessions of the user, but for the one of a request.

    Those in the sign-in log are deleted. Any other ends because Django takes no session that knows another
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
        if besides is None or sign_in.session_key != stored_key(besides.session):
            end_session(sign_in)


def end_sessions_of_operator(user: "User", besides: HttpRequest | None) -> None:
    """The sign-in log does not name who signed in with a password, so all sessions are read.

    Where sessions are not in the database they end by themselves.
    """
    sessions = getattr(store(), "model", None)
    for session in sessions.objects.filter(expire_date__gt=timezone.now()).iterator() if sessions else ():
        own = besides is not None and session.session_key == stored_key(besides.session)
        if not own and session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def keep_session(request: HttpRequest, user: "User") -> None:
    """Let the request's session know the new password, under a new key."""
    before = stored_key(request.session)
    update_session_auth_hash(request, user)
    SignIn.objects.filter(session_key=before).update(session_key=stored_key(request.session))

"""People with a second factor, and what they do with it."""

import time
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from faceauth.mfa import authenticators, resets
from faceauth.mfa.authenticators import Verdict
from faceauth.models import AuthenticatorApp, Face, MFAReset
from faceauth.outcomes import Outcome, Recognition
from faceauth.tests import pictures
from faceauth.tests.authenticator import Authenticator, options_in
from faceauth.web import http
from faceauth.web.reauthentication import MFA_VERIFIED

BACKEND = "faceauth.backends.FaceBackend"


def code_of(app: AuthenticatorApp, later: int = 0) -> str:
    """What the app shows now, or so many times thirty seconds later."""
    totp = TOTP(app.bin_key, drift=app.drift)
    totp.time = time.time() + 30 * later
    return f"{totp.token():06d}"


def with_app(user: User) -> AuthenticatorApp:
    """An authenticator app that was confirmed with a code of long ago, so that every code of now is new."""
    app = authenticators.app_to_confirm(user, None)
    assert authenticators.confirm_app(user, app, code_of(app), "telephone") == Verdict.OPEN
    AuthenticatorApp.objects.filter(pk=app.pk).update(last_t=-1)
    app.refresh_from_db()
    return app


def reset(user: User) -> bool:
    """An operator's reset of the user's second factor, whose wait is over now."""
    MFAReset.objects.create(user=user, reason="lost", due=timezone.now())
    return resets.apply_due(user)


def open_notebook(user: User, seen: bool = True, lock: bool = True) -> Client:
    """An open session of the user, who has just shown their face and second factor."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    session = client.session
    session[http.MFA_SETTLED] = str(user.pk)
    if seen:
        session[http.FACE_VERIFIED] = time.time()
    if lock:
        session[MFA_VERIFIED] = time.time()
    session.save()
    return client


def add_passkey(client: Client, name: str = "") -> Authenticator:
    device = Authenticator()
    answer = device.make(options_in(client.get("/account/mfa/passkey/")))
    assert client.post("/account/mfa/passkey/", {"credential": answer, "name": name}).status_code in (200, 302)
    return device


def looking_like(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever shows a picture is now recognised as the user, with nothing to compute."""

    def ask(*args: Any, **kwargs: Any) -> Recognition:
        return Recognition(Outcome.RECOGNISED, user=user, similarity=99.5)

    monkeypatch.setattr("faceauth.backends.FaceBackend.recognise", ask)
    monkeypatch.setattr("faceauth.backends.FaceBackend.enrol", ask)


def show_face(client: Client, headers: Any = None, **fields: Any) -> Any:
    """A chosen file, of whoever; see `looking_like`."""
    file = SimpleUploadedFile("me.jpg", pictures.landscape(), "image/jpeg")
    return client.post("/login/", {"file": file, **fields}, headers=headers)


def enrolled(user: User) -> User:
    """With a row for a face, as everybody has who signs in by it."""
    Face.objects.create(user=user, face_id=uuid4(), image_id=uuid4(), collection_id="secretly", person=user.username)
    return user

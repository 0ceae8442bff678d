"""Second factors: passkeys, an authenticator app, and recovery codes for when both are lost.

A person has a second factor as soon as there is a passkey or a confirmed app. Recovery codes alone are none: they come
with the first factor and go with the last.
"""

import base64
import enum
import math
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from faceauth import crypto
from faceauth.mfa import resets
from faceauth.models import AuthenticatorApp, Passkey, PhotoLogin, RecoveryCode
from privatekit.rotation import Progress

if TYPE_CHECKING:
    from django.contrib.auth.models import User

HOW_MANY_CODES = 10
CODE_LENGTH = 16  # of 32 letters: 80 bits
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letters that look alike
ALIKE = str.maketrans("ilou", "110v")

APP_SECRET = 20  # bytes, as RFC 4226, 4 recommends; authenticator apps expect this

KINDS: dict[str, type[Passkey] | type[AuthenticatorApp]] = {"passkey": Passkey, "app": AuthenticatorApp}


class Verdict(enum.Enum):
    """The result of checking a code."""

    OPEN = "open"
    WRONG = "wrong"
    WAIT = "wait"
    """Too soon after wrong ones: it was not checked."""
    RESTS = "rests"
    """Too many wrong ones: it was not checked, and waiting does not help."""


@dataclass(frozen=True, slots=True)
class Factor:
    kind: str
    pk: int
    name: str
    added: datetime | None
    last_used: datetime | None
    host: str = ""
    """The host name under which it works; any, if this is empty."""


# Reading --------------------------------------------------------------------------------------------------------------


def has_mfa(user: "User") -> bool:
    """Whether there is a second factor. A reset whose wait is over takes effect at this question.

    One that was deleted in the database alone is still asked for, and then nothing opens but by a reset.
    """
    found = is_there(user) or PhotoLogin.of(user.pk).has_mfa
    return found and not resets.apply_due(user)


def is_there(user: "User") -> bool:
    return Passkey.objects.filter(user_id=user.pk).exists() or app_of(user) is not None


def note_factors(user: "User") -> None:
    """To be called where one was added or removed."""
    PhotoLogin.note(user.pk, has_mfa=is_there(user))


def app_of(user: "User") -> AuthenticatorApp | None:
    """At most one: a second app would double the chance of a guess."""
    app: AuthenticatorApp | None = (
        AuthenticatorApp.objects.filter(user_id=user.pk, confirmed=True).order_by("pk").first()
    )
    return app


def factors_of(user: "User") -> Iterator[Factor]:
    """Passkeys first."""
    for passkey in Passkey.objects.filter(user_id=user.pk).order_by("created_at", "pk"):
        yield Factor("passkey", passkey.pk, passkey.name, passkey.created_at, passkey.last_used_at, host=passkey.host)
    app = app_of(user)
    if app is not None:
        yield Factor("app", app.pk, app.name, app.created_at, app.last_used_at)


def codes_left(user: "User") -> int:
    return RecoveryCode.objects.filter(user_id=user.pk).count()


# The authenticator app ------------------------------------------------------------------------------------------------


@sensitive_variables()
def app_to_confirm(user: "User", pk: int | None) -> AuthenticatorApp:
    """The app that is not confirmed yet: the one that this session began to set up, or a new one.

    A secret that another session showed is never used: somebody else may have seen it there.
    """
    waiting = AuthenticatorApp.objects.filter(user_id=user.pk, confirmed=False)
    app: AuthenticatorApp | None = waiting.filter(pk=pk).first()
    if app is None:
        waiting.delete()
        app = AuthenticatorApp(user=user, confirmed=False)
        app.keep_secret(os.urandom(APP_SECRET))
        app.save()
    return app


def drawing(app: AuthenticatorApp) -> str:
    """The QR code that an app reads, as a data URL of an SVG."""
    try:
        import segno
    except ModuleNotFoundError:  # the extra "mfa": the secret can be typed
        return ""
    return segno.make(app.config_url, error="m").svg_data_uri(border=4, dark="#000", light="#fff")


def secret_text(app: AuthenticatorApp) -> str:
    """The same secret in groups of four, for typing."""
    return in_fours(base64.b32encode(app.bin_key).decode())


@transaction.atomic
def confirm_app(user: "User", app: AuthenticatorApp, code: str, name: str) -> Verdict:
    """Make the app the person's, if the code is right."""
    if app_of(user) is not None:
        return Verdict.WRONG
    verdict = check_app(app, tidied(code))
    if verdict == Verdict.OPEN:
        AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=True, name=name, created_at=timezone.now())
        note_factors(user)
    return verdict


# Recovery codes -------------------------------------------------------------------------------------------------------


@sensitive_variables()
@transaction.atomic
def make_recovery_codes(user: "User") -> list[str]:
    """Ten new codes, which replace the old ones. Only their hashes are kept: show them now."""
    get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    RecoveryCode.objects.filter(user_id=user.pk).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(HOW_MANY_CODES)]
    salt = secrets.token_hex(8)
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, salt=salt, digest=RecoveryCode.hashed(salt, code)) for code in codes
    )
    return [in_fours(code) for code in codes]


def remove_codes(user: "User", salt: str) -> None:
    """Delete the recovery codes that were made with this salt; newer ones stay."""
    RecoveryCode.objects.filter(user_id=user.pk, salt=salt).delete()


def in_fours(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


# Checking -------------------------------------------------------------------------------------------------------------


@sensitive_variables()
def check(user: "User", code: str) -> Verdict:
    """Check a code of the user's app, or a recovery code. Each is accepted once.

    Raises `crypto.CannotOpen` where the secret of an app cannot be read; recovery codes open all the same.
    """
    code = tidied(code)
    if code.isdecimal() and len(code) <= 8:
        app = app_of(user)
        return Verdict.WRONG if app is None else check_app(app, code)
    for kept in RecoveryCode.objects.filter(user_id=user.pk):
        if kept.opens(code.translate(ALIKE)) and kept.delete()[0]:  # whoever deletes it uses it
            relent(user)
            return Verdict.OPEN
    return Verdict.WRONG


def tidied(code: str) -> str:
    """The code without the spaces and hyphens between its groups."""
    return "".join(code.lower().replace("-", " ").split())[: CODE_LENGTH * 2]


@sensitive_variables()
@transaction.atomic
def check_app(app: AuthenticatorApp, code: str) -> Verdict:
    """Check a code with the row locked: of two equal codes at the same moment one is accepted."""
    now = AuthenticatorApp.objects.select_for_update().filter(pk=app.pk).first()
    if now is None:
        return Verdict.WRONG
    if now.rests:
        return Verdict.RESTS
    allowed, _why = now.verify_is_allowed()
    if not allowed:
        return Verdict.WAIT
    return Verdict.OPEN if now.verify_token(code) else Verdict.WRONG


def wait(user: "User") -> int:
    """Seconds until a code of the app is checked again; 0 is now."""
    app = app_of(user)
    if app is None or app.allowed_from is None:
        return 0
    return max(0, math.ceil((app.allowed_from - timezone.now()).total_seconds()))


def relent(user: "User") -> None:
    """Forget wrong codes: the owner has used something that cannot be guessed."""
    AuthenticatorApp.objects.filter(user_id=user.pk).update(
        throttling_failure_count=0, throttling_failure_timestamp=None
    )


# Removing -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def remove(user: "User", kind: str, pk: int, keep_last: bool = False) -> bool:
    """Remove one of the user's factors; the recovery codes go with the last one.

    Return False if it does not exist, or is the last one and to be kept.
    """
    get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    if keep_last and len(list(factors_of(user))) == 1:
        return False
    deleted, _rows = KINDS[kind]._default_manager.filter(user_id=user.pk, pk=pk).delete()
    note_factors(user)
    if not is_there(user):
        resets.remove_all(user)
    return bool(deleted)


# New keys for old -----------------------------------------------------------------------------------------------------


def rotate_keys() -> Iterator[Progress]:
    """Seal the secret of every app with the first of ENCRYPTION_KEYS, those too that are under it already: nothing
    says which they are.

    Raises `crypto.CannotOpen`.
    """
    apps = list(AuthenticatorApp.objects.values_list("pk", flat=True))
    yield Progress(0, len(apps))
    for done, pk in enumerate(apps, 1):
        with transaction.atomic():
            app = AuthenticatorApp.objects.select_for_update().filter(pk=pk).first()
            if app is not None:
                AuthenticatorApp.objects.filter(pk=pk).update(key=crypto.seal(app.bin_key, app.place))
        yield Progress(done, len(apps))

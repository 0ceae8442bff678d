"""Trusted devices: browsers that may know a person, and count as something that they have.

A browser holds a cookie with 256 random bits, of which the server keeps a keyed hash, and a P-256 key that its own
scripts cannot read out (Web Cryptography API, `extractable: false`). Each sign-in takes both: the cookie says which
browser this is, and a signature of a fresh challenge says that the cookie was not copied. The challenge lies in the
session, so that it can be answered once, and there alone. A browser that could not make a key has the cookie alone.

People who share a browser share its cookie and its key, and have a row each.
"""

import base64
import binascii
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from faceauth.conf import conf
from faceauth.models import Face, TrustedDevice, fields
from privatekit.crypto import bytes_of, derived

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_DEVICES = 10  # of one person; with one more the one that was not used for longest is trusted no longer
MOST_PEOPLE = 5  # of one browser that are compared: with more people the threshold would have to rise

SECRET = 32  # bytes
PUBLIC_KEY = 91  # bytes of a P-256 key as SubjectPublicKeyInfo (RFC 5480)
SIGNATURE = 64  # bytes: r and s, as the browser gives them (IEEE P1363)
COOKIE_AGE = timedelta(days=400)  # the most that a browser keeps (RFC 6265bis, 5.5); the server's own limit is shorter

# In the session: what the browser was last asked to sign, and when; and which key has signed, and when.
CHALLENGE = "faceauth.device_challenge"
PROOF = "faceauth.device_proof"
CHALLENGE_FOR = 300  # seconds
PROOF_FOR = 600  # seconds: a sign-in with its second factor, or what is asked for again soon after


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """That a browser is one person's."""

    pk: int
    user: "User"
    name: str
    keyed: bool
    """Whether the browser has shown its key; otherwise it has the cookie alone."""
    last_used: datetime


# The cookie -----------------------------------------------------------------------------------------------------------


def cookie_name(request: HttpRequest) -> str:
    """`__Host-`: no neighbour in the same domain can plant it (RFC 6265bis). Browsers refuse that without HTTPS.

    Django masks what has TOKEN in its name in reports of errors.
    """
    return "__Host-device_token" if request.is_secure() else "device_token"


def set_cookie(request: HttpRequest, response: HttpResponse, secret: str) -> None:
    response.set_cookie(
        cookie_name(request), secret, COOKIE_AGE, secure=request.is_secure(), httponly=True, samesite="Strict"
    )


@sensitive_variables()
def hashes_of(secret: str) -> list[str]:
    """The hash under each of ENCRYPTION_KEYS, the one that writes first."""
    keys = (derived(bytes_of(key), "faceauth trusted device") for key in conf().ENCRYPTION_KEYS)
    return [hmac.new(key, secret.encode(), hashlib.sha256).hexdigest() for key in keys]


def expired_before() -> datetime:
    return timezone.now() - timedelta(days=conf().TRUSTED_DEVICE_DAYS)


def in_force() -> QuerySet[TrustedDevice]:
    return TrustedDevice.objects.filter(last_used__gt=expired_before())


@sensitive_variables()
def rows_of(request: HttpRequest) -> QuerySet[TrustedDevice]:
    """Everybody whom the cookie names, whether or not its key was shown."""
    secret = request.COOKIES.get(cookie_name(request), "")
    return in_force().filter(cookie_hash__in=hashes_of(secret)) if secret else TrustedDevice.objects.none()


# The key --------------------------------------------------------------------------------------------------------------


def challenge(request: HttpRequest) -> str:
    """What the browser has to sign next, in this session, within five minutes: 32 random bytes in base64url."""
    made = base64.urlsafe_b64encode(os.urandom(SECRET)).decode().rstrip("=")
    request.session[CHALLENGE] = [made, time.time()]
    return made


def taken_challenge(request: HttpRequest) -> str | None:
    """What was asked, which can be answered once."""
    made, at = request.session.pop(CHALLENGE, None) or ("", 0.0)
    return made if made and 0 <= time.time() - at <= CHALLENGE_FOR else None


def message_of(asked: str) -> bytes:
    """What is signed. The first line keeps signatures from being of use anywhere else."""
    return f"faceauth trusted device, version 1\n{asked}".encode()


def decoded(text: str, length: int) -> bytes | None:
    """Base64url without padding, of so many bytes exactly."""
    try:
        given = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return given if len(given) == length else None


@sensitive_variables()
def signed_by(public_key: bytes, signature: bytes, asked: str) -> bool:
    try:
        key = load_der_public_key(public_key)
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return False
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        key.verify(encode_dss_signature(r, s), message_of(asked), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()


def asks_for_proof(request: HttpRequest) -> bool:
    """Whether the browser's key would tell more than its cookie does."""
    return any(row.public_key and not proven(request, row) for row in rows_of(request))


def proven(request: HttpRequest, row: TrustedDevice) -> bool:
    """Whether this session has shown the key of the row in the last ten minutes."""
    shown, at = request.session.get(PROOF) or ("", 0.0)
    return shown == fingerprint(bytes(row.public_key)) and 0 <= time.time() - at <= PROOF_FOR


@sensitive_variables()
def prove(request: HttpRequest, signature: str) -> bool:
    """Take the browser's answer to `challenge`; whether the key of one of its people signed it."""
    asked, given = taken_challenge(request), decoded(signature, SIGNATURE)
    if asked is None or given is None:
        return False
    for key in {bytes(row.public_key) for row in rows_of(request)} - {b""}:
        if signed_by(key, given, asked):
            request.session[PROOF] = [fingerprint(key), time.time()]
            return True
    return False


@sensitive_variables()
def new_key(request: HttpRequest, public_key: str, signature: str) -> bytes | None:
    """The key that a browser made, which has signed `challenge` with it; None where that does not hold."""
    asked, key, given = taken_challenge(request), decoded(public_key, PUBLIC_KEY), decoded(signature, SIGNATURE)
    if asked is None or key is None or given is None or not signed_by(key, given, asked):
        return None
    request.session[PROOF] = [fingerprint(key), time.time()]
    return key


# Whose device this is -------------------------------------------------------------------------------------------------


def usable_rows(request: HttpRequest) -> list[TrustedDevice]:
    """The sealed rows of the cookie whose key was shown, or that have none; who came last before the others."""
    if not request.COOKIES.get(cookie_name(request)):
        return []  # Django takes a millisecond to find out that a query is empty
    enrolled = Face.objects.filter(user_id=OuterRef("user_id"))
    rows = rows_of(request).filter(Exists(enrolled), **fields.of_user({"is_active": True}, "user__"))
    shown = [row for row in rows.select_related("user") if not row.public_key or proven(request, row)]
    return [row for row in shown if row.is_sealed()]


def people_of(request: HttpRequest) -> list[KnownDevice]:
    """Whose device this is: at most five people, who came last before the others."""
    return [
        KnownDevice(row.pk, row.user, row.name, bool(row.public_key), row.last_used)
        for row in usable_rows(request)[:MOST_PEOPLE]
    ]


def device_of(request: HttpRequest, user: "User") -> TrustedDevice | None:
    """This browser, as a device of the person; None where it is not trusted, or has not shown its key."""
    return next((row for row in usable_rows(request) if row.user_id == user.pk), None)


def is_trusted(request: HttpRequest, user: "User") -> bool:
    """Whether this browser counts as a second factor of the person. It changes nothing: see `used`."""
    return device_of(request, user) is not None


@sensitive_variables()
def used(request: HttpRequest, user: "User") -> None:
    """The person has signed in here: the 90 days begin anew, and the hash is of the key that writes."""
    row = device_of(request, user)
    if row is not None:
        row.last_used = timezone.now()
        move(row, hashes_of(request.COOKIES[cookie_name(request)])[0])


def move(row: TrustedDevice, cookie_hash: str) -> None:
    """Give a sealed row another hash. Of a row that was deleted meanwhile nothing comes back."""
    row.cookie_hash = cookie_hash
    row.renew_seal()
    TrustedDevice.objects.filter(pk=row.pk).update(last_used=row.last_used, cookie_hash=cookie_hash, seal=row.seal)


# Trust and its end ----------------------------------------------------------------------------------------------------


@sensitive_variables()
@transaction.atomic
def trust(request: HttpRequest, user: "User", name: str, public_key: bytes | None = None) -> str:
    """Let this browser know the person, who has just passed a liveness check and their second factor.

    The answer is the cookie's new value, for `set_cookie`. `public_key` comes from `new_key`. Without one the browser
    keeps the key that it has shown in this session, for whoever else uses it.

    Each time the cookie gets a new value, so that one which somebody planted or copied before is worth nothing after.
    People whom the browser knew move on with it. But a cookie that did not show the key which it should have takes
    nobody along: it may be a copy.
    """
    get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    secret = base64.urlsafe_b64encode(os.urandom(SECRET)).decode().rstrip("=")
    written = hashes_of(secret)[0]
    rows = [row for row in rows_of(request).select_for_update() if row.is_sealed()]
    shown = [row for row in rows if row.public_key and proven(request, row)]
    if all(not row.public_key or row in shown for row in rows):
        for row in rows:
            move(row, written)
    key = public_key or (bytes(shown[0].public_key) if shown else b"")
    known = next((row for row in rows if row.user_id == user.pk and row.cookie_hash == written), None)
    device = known or TrustedDevice(user=user, cookie_hash=written)
    device.public_key, device.name, device.last_used = key, name[:64], timezone.now()
    device.renew_seal()
    device.save()
    delete_surplus(user)
    return secret


def delete_surplus(user: "User") -> None:
    kept = [device.pk for device in devices_of(user)[:MOST_DEVICES]]
    TrustedDevice.objects.filter(user_id=user.pk).exclude(pk__in=kept).delete()


def devices_of(user: "User") -> QuerySet[TrustedDevice]:
    """Those in force, the last used before the others."""
    return in_force().filter(user_id=user.pk)


def end(user: "User", pk: int) -> bool:
    """End one device of the person; False where there is none such."""
    deleted, _rows = TrustedDevice.objects.filter(user_id=user.pk, pk=pk).delete()
    return bool(deleted)


def end_all(user: "User") -> int:
    """End all devices of the person; how many there were."""
    deleted, _rows = TrustedDevice.objects.filter(user_id=user.pk).delete()
    return deleted


def end_without_face() -> None:
    """End the devices of everybody who has no face any more."""
    faces = Face.objects.filter(user_id=OuterRef("user_id"))
    TrustedDevice.objects.filter(~Exists(faces)).delete()


def delete_expired() -> int:
    deleted, _rows = TrustedDevice.objects.filter(last_used__lte=expired_before()).delete()
    return deleted

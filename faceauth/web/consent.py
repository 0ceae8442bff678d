"""One to three photos on their way to the browser and back, while a stranger is asked for consent.

Until they say yes the server keeps nothing: the page carries the photos, encrypted. The key is derived from SECRET_KEY
and from a nonce in the person's session, so that a seal opens once, in that session alone, for two minutes.
"""

import base64
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables

SECONDS = 120


NONCE = "faceauth.seals"


MOST = 3  # pictures in a seal


LENGTH = 4  # bytes that say how long the next picture is


def session_cipher(nonce: str) -> MultiFernet:
    """The cipher of one session's seal (HKDF, RFC 5869)."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derive_key(key, nonce))) for key in keys])


def derive_key(key: str | bytes, nonce: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=nonce.encode(), info=NONCE.encode()).derive(force_bytes(key))


@sensitive_variables()
def seal(jpegs: Sequence[bytes], session: SessionBase) -> str:
    """Encrypt the pictures, one to three, for this session, and invalidate what was sealed for it before."""
    if not 1 <= len(jpegs) <= MOST:
        raise ValueError(f"One to {MOST} pictures are sealed, not {len(jpegs)}.")
    nonce = session[NONCE] = secrets.token_urlsafe(24)
    return session_cipher(nonce).encrypt(b"".join(len(jpeg).to_bytes(LENGTH) + jpeg for jpeg in jpegs)).decode()


@sensitive_variables()
def unseal(sealed: str, session: SessionBase) -> list[bytes] | None:
    """The pictures; or None where the seal is forged, older than two minutes, used before, or of another session."""
    nonce = session.pop(NONCE, None)
    if nonce is None:
        return None
    try:
        together = session_cipher(nonce).decrypt(sealed.encode(), ttl=SECONDS)
    except InvalidToken:
        return None
    jpegs = []
    while together:
        end = LENGTH + int.from_bytes(together[:LENGTH])
        jpegs.append(together[LENGTH:end])
        together = together[end:]
    return jpegs

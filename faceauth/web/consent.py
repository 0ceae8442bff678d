"""One to three photos on their way to the browser and back, while a stranger is asked for consent.

Until they say yes the server keeps nothing: the page carries the photos, encrypted. The key is derived from SECRET_KEY
and from a nonce in the person's session, so that they can be opened once, in that session alone, for two minutes.
"""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends.base import SessionBase
from django.views.decorators.debug import sensitive_variables

from faceauth.crypto import session_cipher

SECONDS = 120
NONCE = "faceauth.consent"  # in the session
MOST = 3  # pictures
LENGTH = 4  # bytes that say how long the next picture is


class Unsealed(NamedTuple):
    jpegs: list[bytes]
    method: str
    """How the pictures came: a `SignIn.Method`."""


@sensitive_variables()
def seal(jpegs: Sequence[bytes], session: SessionBase, method: str = "") -> str:
    """Encrypt the pictures, one to three, for this session, and invalidate what was sealed for it before."""
    if not 1 <= len(jpegs) <= MOST:
        raise ValueError(f"One to {MOST} pictures are sealed, not {len(jpegs)}.")
    nonce = secrets.token_urlsafe(24)
    session[NONCE] = [nonce, method]
    return session_cipher(nonce).encrypt(b"".join(len(jpeg).to_bytes(LENGTH) + jpeg for jpeg in jpegs)).decode()


@sensitive_variables()
def unseal(sealed: str, session: SessionBase) -> Unsealed | None:
    """The pictures; None where the seal is forged, older than two minutes, used before, or of another session."""
    nonce, method = session.pop(NONCE, None) or (None, "")
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
    return Unsealed(jpegs, method)

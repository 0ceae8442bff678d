"""Encryption of the short secrets that the second lock keeps: AES-256-GCM under keys derived from ENCRYPTION_KEYS.

Every key of the settings gives its own AES key by HKDF (RFC 5869), so that nothing sealed here can be mixed up with
what the same key protects elsewhere. The first one writes, all of them read.
"""

import base64
import binascii
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.views.decorators.debug import sensitive_variables

from faceauth.conf import conf

NONCE = 12  # bytes, random: NIST SP 800-38D, 8.3 allows 2^32 sealings with one key


class CannotOpen(Exception):
    """What is sealed cannot be read with any of the keys, or was altered, or moved there from another place."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"The {place} cannot be opened. If a key was taken out of SECRETLY_ENCRYPTION_KEYS, put it back, after the"
            " others; otherwise restore the row from a backup."
        )


@cache
def ciphers() -> list[AESGCM]:
    """One for each key of the settings, the one that writes first."""
    if not conf().ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FACEAUTH['ENCRYPTION_KEYS'] is empty: secrets are only kept encrypted.")
    return [AESGCM(derived(key)) for key in conf().ENCRYPTION_KEYS]


def derived(key: str) -> bytes:
    hkdf = HKDF(SHA256(), length=32, salt=None, info=b"faceauth second lock")
    return hkdf.derive(base64.urlsafe_b64decode(key))


@sensitive_variables()
def seal(secret: bytes, place: str) -> str:
    """Encrypt `secret` for one `place` alone: nonce, ciphertext and tag, in base64."""
    nonce = os.urandom(NONCE)
    return base64.b64encode(nonce + ciphers()[0].encrypt(nonce, secret, place.encode())).decode()


@sensitive_variables()
def unseal(sealed: str, place: str) -> bytes:
    """Raises `CannotOpen`."""
    try:
        token = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CannotOpen(place) from error
    for cipher in ciphers():
        try:
            return cipher.decrypt(token[:NONCE], token[NONCE:], place.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to have been sealed
            continue
    raise CannotOpen(place)


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "FACEAUTH":
        ciphers.cache_clear()

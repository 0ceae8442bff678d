"""Encrypt templates at rest: AES-256-GCM under keys derived from ENCRYPTION_KEYS.

Fernet, which uses the same keys elsewhere, takes a hundred times as long to decrypt: half a minute for a collection of
100,000 templates. HKDF (RFC 5869) derives a key for each purpose, so no token of one is valid for another.
"""

import base64
import hmac
import os
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from faceauth.conf import conf

NONCE = 12  # bytes, as NIST SP 800-38D recommends; random, which is safe for 2^32 templates under one key
KEY_ID = 8  # hexadecimal digits


class KeyMissing(Exception):
    """A template is encrypted with a key that the settings do not have."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"Faces are encrypted with the key {key_id}, which ENCRYPTION_KEYS does not hold. Put that key back into"
            " SECRETLY_ENCRYPTION_KEYS, after the others."
        )


class Tampered(Exception):
    """An encrypted value was altered, or moved from another row or collection."""

    def __init__(self) -> None:
        super().__init__("An encrypted template was altered or moved: restore the database from a backup.")


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    """Names the key in the database without revealing anything about it."""
    cipher: AESGCM
    fingerprint_key: bytes

    def encrypt(self, value: bytes, context: bytes) -> bytes:
        """Encrypt `value` for one `context`; with another context it does not decrypt."""
        nonce = os.urandom(NONCE)
        return nonce + self.cipher.encrypt(nonce, value, context)

    def decrypt(self, token: bytes, context: bytes) -> bytes:
        """Raises `Tampered`."""
        try:
            return self.cipher.decrypt(token[:NONCE], token[NONCE:], context)
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be a token
            raise Tampered from error

    def fingerprint(self, value: bytes) -> bytes:
        """HMAC-SHA256: the same 32 bytes for the same value, which nobody can compute without the key."""
        return hmac.digest(self.fingerprint_key, value, "sha256")


def derive_key(fernet_key: str) -> Key:
    def derived(purpose: str) -> bytes:
        info = f"faceauth.local {purpose}".encode()
        return HKDF(SHA256(), length=32, salt=None, info=info).derive(base64.urlsafe_b64decode(fernet_key))

    return Key(derived("key id").hex()[:KEY_ID], AESGCM(derived("templates")), derived("fingerprints"))


@cache
def keys() -> dict[str, Key]:
    """The keys of the settings by id; the first encrypts."""
    if not conf().ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FACEAUTH['ENCRYPTION_KEYS'] is empty: faces are only stored encrypted.")
    return {key.id: key for key in map(derive_key, conf().ENCRYPTION_KEYS)}


def current_key() -> Key:
    return next(iter(keys().values()))


def key_named(key_id: str) -> Key:
    """Raises `KeyMissing`."""
    try:
        return keys()[key_id]
    except KeyError as error:
        raise KeyMissing(key_id) from error


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "FACEAUTH":
        keys.cache_clear()

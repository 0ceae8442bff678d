"""Encryption of what must not be readable in the database: AES-256-GCM under keys derived from ENCRYPTION_KEYS.

Not Fernet, whose tokens take a hundred times as long to open as AES-GCM's: a collection of 100,000 templates would take
half a minute. Every key of the settings gives its own AES key by HKDF (RFC 5869), so that nothing sealed here can be
mixed up with what the same Fernet key protects elsewhere.
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

NONCE = 12  # bytes, as NIST SP 800-38D recommends; random, which is safe for 2^32 templates a key
KEY_ID = 8  # hexadecimal digits


class KeyMissing(Exception):
    """Something is sealed with a key that the settings do not have."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"Faces are sealed with the key {key_id}, which ENCRYPTION_KEYS does not hold. Put that key back into"
            " SECRETLY_ENCRYPTION_KEYS, after the others."
        )


class Tampered(Exception):
    """A sealed value is not what was written for its place: altered, or moved there from another row."""

    def __init__(self) -> None:
        super().__init__("A sealed template was altered, or is another face's: restore the database from a backup.")


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    """Names the key in the database and tells nothing about it."""
    cipher: AESGCM
    fingerprint_key: bytes

    def seal(self, value: bytes, place: bytes) -> bytes:
        """Encrypt `value` for one `place` alone: opened anywhere else it counts as tampered with."""
        nonce = os.urandom(NONCE)
        return nonce + self.cipher.encrypt(nonce, value, place)

    def open(self, token: bytes, place: bytes) -> bytes:
        """Raises `Tampered`."""
        try:
            return self.cipher.decrypt(token[:NONCE], token[NONCE:], place)
        except (InvalidTag, ValueError) as error:  # ValueError: the token is too short to be one
            raise Tampered from error

    def fingerprint(self, value: bytes) -> bytes:
        """32 bytes that are the same for the same value, and useless to whoever has no key."""
        return hmac.digest(self.fingerprint_key, value, "sha256")


def derived(key: str, purpose: str) -> bytes:
    secret = base64.urlsafe_b64decode(key)
    return HKDF(SHA256(), length=32, salt=None, info=f"faceauth.local {purpose}".encode()).derive(secret)


def make_key(key: str) -> Key:
    return Key(
        id=derived(key, "key id").hex()[:KEY_ID],
        cipher=AESGCM(derived(key, "templates")),
        fingerprint_key=derived(key, "fingerprints"),
    )


@cache
def keys() -> dict[str, Key]:
    """The keys of the settings by their ids, the one that writes first."""
    if not conf().ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FACEAUTH['ENCRYPTION_KEYS'] is empty: faces are only kept encrypted.")
    return {key.id: key for key in map(make_key, conf().ENCRYPTION_KEYS)}


def writing_key() -> Key:
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

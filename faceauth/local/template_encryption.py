"""Encrypt templates at rest, under keys derived from ENCRYPTION_KEYS.

Fernet, which uses the same keys elsewhere, takes a hundred times as long to decrypt: half a minute for a collection of
100,000 templates.
"""

from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from faceauth.conf import conf
from privatekit.crypto import NONCE, Altered, Key, KeyMissing, Keyring

__all__ = [
    "FINGERPRINTS",
    "KEY_ID",
    "NONCE",
    "Altered",
    "Key",
    "KeyMissing",
    "current_key",
    "key_named",
    "keyring",
    "keys",
]

KEY_ID = 8  # hexadecimal digits
FINGERPRINTS = "faceauth.local fingerprints"
"""The purpose of the keys of fingerprints."""


@cache
def keyring() -> Keyring:
    """The keys of the settings; the first encrypts."""
    if not conf().ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FACEAUTH['ENCRYPTION_KEYS'] is empty: faces are only stored encrypted.")
    return Keyring(conf().ENCRYPTION_KEYS, "faceauth.local templates", "faceauth.local key id", KEY_ID)


def keys() -> dict[str, Key]:
    """The keys by id."""
    return keyring().keys


def current_key() -> Key:
    return keyring().first


def key_named(key_id: str) -> Key:
    """Raises `KeyMissing`."""
    return keyring().named(key_id)


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "FACEAUTH":
        keyring.cache_clear()

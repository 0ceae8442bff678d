"""Encryption of what must not be readable in the database, under keys derived from ENCRYPTION_KEYS."""

from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from faceauth.conf import conf
from privatekit.crypto import NONCE, Altered, Key, KeyMissing, Keyring

__all__ = ["FINGERPRINTS", "KEY_ID", "NONCE", "Altered", "KeyMissing", "key_named", "keyring", "keys", "writing_key"]

KEY_ID = 8  # hexadecimal digits
FINGERPRINTS = "faceauth.local fingerprints"
"""The purpose of the keys of fingerprints."""


@cache
def keyring() -> Keyring:
    if not conf().ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FACEAUTH['ENCRYPTION_KEYS'] is empty: faces are only kept encrypted.")
    return Keyring(conf().ENCRYPTION_KEYS, "faceauth.local templates", "faceauth.local key id", KEY_ID)


def keys() -> dict[str, Key]:
    """The keys of the settings by their ids, the one that writes first."""
    return keyring().keys


def writing_key() -> Key:
    return keyring().first


def key_named(key_id: str) -> Key:
    """Raises `KeyMissing`."""
    return keyring().named(key_id)


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "FACEAUTH":
        keyring.cache_clear()

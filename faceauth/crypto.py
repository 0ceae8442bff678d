"""Encryption of short secrets at rest, and of what one session hands from request to request."""

import base64
import binascii
from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables

from faceauth.conf import conf, named
from privatekit.crypto import Altered, CannotDecrypt, Keyring


class CannotOpen(CannotDecrypt):
    """What is sealed cannot be read with any of the keys, or was altered, or moved there from another place."""

    def __init__(self, place: str) -> None:
        super().__init__(
            "altered",
            f"The {place} cannot be opened.",
            f"If a key was taken out of {named('ENCRYPTION_KEYS')}, put it back, after the others; otherwise restore"
            " the row from a backup.",
        )


@cache
def keyring() -> Keyring:
    if not conf().ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FACEAUTH['ENCRYPTION_KEYS'] is empty: secrets are only kept encrypted.")
    return Keyring(conf().ENCRYPTION_KEYS, "faceauth second lock")


@sensitive_variables()
def seal(secret: bytes, place: str) -> str:
    """Encrypt `secret` for one `place` alone; in base64."""
    return base64.b64encode(keyring().first.seal(secret, place)).decode()


@sensitive_variables()
def unseal(sealed: str, place: str) -> bytes:
    """Raises `CannotOpen`."""
    try:
        return keyring().unseal(base64.b64decode(sealed, validate=True), place)
    except (binascii.Error, Altered) as error:
        raise CannotOpen(place) from error


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "FACEAUTH":
        keyring.cache_clear()


# For one session ------------------------------------------------------------------------------------------------------


def session_cipher(nonce: str) -> MultiFernet:
    """A cipher that only SECRET_KEY and a session's `nonce` together give (HKDF, RFC 5869)."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derive_key(key, nonce))) for key in keys])


def derive_key(key: str | bytes, nonce: str) -> bytes:
    """32 bytes."""
    return HKDF(algorithm=SHA256(), length=32, salt=nonce.encode(), info=b"faceauth session").derive(force_bytes(key))

"""Encryption at rest: AES-256-GCM, with a key for each person.

A person's key seals their words, and is itself sealed ("wrapped") by a key of `settings.ENCRYPTION_KEYS`: the first one
writes, all of them read. Deleting the one small row with the wrapped key makes every copy of the words useless, in
the bucket and in backups alike. A backup of the database that still holds the row is closed for good by
`manage.py rotate_keys` and throwing the old key away.

What is sealed is bound to its place (GCM's associated data), so that a row that is copied over another, or into
somebody else's notebook, does not open. In the clear remain: whose a note is, its dates, its length, whether it is
pinned or in the trash.
"""

import base64
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.views.decorators.debug import sensitive_variables

KEY = 32  # bytes: AES-256
NONCE = 12  # bytes, random: NIST SP 800-38D, 8.3 allows 2^32 sealings with one key, and a person writes fewer
KEY_ID_LENGTH = 16  # hexadecimal digits


class CannotOpen(Exception):
    """What is kept cannot be read now. The words are still there: it is never to be taken for an empty notebook."""


class KeyMissing(CannotOpen):
    """Somebody's key is wrapped by a key that the settings do not have."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"Notes are sealed with the key {key_id}, which SECRETLY_ENCRYPTION_KEYS does not hold. Put that key back,"
            " after the others, and say `manage.py rotate_keys`."
        )


class KeyDamaged(CannotOpen):
    """Somebody's wrapped key was altered, or is another person's: none of their notes can be opened."""

    def __init__(self) -> None:
        super().__init__("A person's key was altered, or belongs to somebody else: restore it from a backup.")


class Tampered(CannotOpen):
    """A sealed value is not what was written for its place: altered, or moved there from another row."""

    def __init__(self) -> None:
        super().__init__("Something sealed was altered, or belongs elsewhere: restore it from a backup.")


@sensitive_variables()
def seal(key: bytes, value: bytes, place: str) -> bytes:
    """Encrypt `value` for one `place` alone: 12 bytes of nonce, the ciphertext, 16 bytes of tag."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, value, place.encode())


@sensitive_variables()
def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """Raises `Tampered`."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], place.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short to have been sealed
        raise Tampered from error


# Keys of the settings -------------------------------------------------------------------------------------------------


def derived(key: str, purpose: str, length: int) -> bytes:
    """HKDF (RFC 5869), so that what the same key seals elsewhere can never be mixed up with this."""
    return HKDF(SHA256(), length, salt=None, info=f"notes {purpose}".encode()).derive(base64.urlsafe_b64decode(key))


@cache
def wrapping_keys() -> dict[str, bytes]:
    """The keys of the settings by their ids, which tell nothing about them; the one that writes first."""
    if not settings.ENCRYPTION_KEYS:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty: notes are only kept encrypted.")
    return {
        derived(key, "key id", KEY_ID_LENGTH // 2).hex(): derived(key, "keys of people", KEY)
        for key in settings.ENCRYPTION_KEYS
    }


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "ENCRYPTION_KEYS":
        wrapping_keys.cache_clear()


def writing_key_id() -> str:
    return next(iter(wrapping_keys()))


@sensitive_variables()
def wrap(key: bytes, person: object) -> tuple[bytes, str]:
    """A person's key, sealed by the first key of the settings, and that key's id."""
    key_id = writing_key_id()
    return seal(wrapping_keys()[key_id], key, f"key of {person}"), key_id


@sensitive_variables()
def unwrap(wrapped: bytes, key_id: str, person: object) -> bytes:
    """Raises `KeyMissing` or `KeyDamaged`."""
    if key_id not in wrapping_keys():
        raise KeyMissing(key_id)
    try:
        return unseal(wrapping_keys()[key_id], wrapped, f"key of {person}")
    except Tampered as error:
        raise KeyDamaged from error

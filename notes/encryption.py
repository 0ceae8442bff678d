"""Encryption at rest: AES-256-GCM, with a key for each person.

A person's key seals their notes, and is itself sealed ("wrapped") by a key of `settings.ENCRYPTION_KEYS`: the first one
writes, all of them read. Deleting the one small row with the wrapped key makes every copy of the notes useless, in the
bucket and in backups alike. A backup of the database that still holds the row is closed for good by
`manage.py rotate_keys` and throwing the old key away.

Sealed values are bound to their place, so that a row that is copied over another, or into somebody else's notebook,
does not open; a note's text also to its version, so that an older one under a newer number does not. In the clear
remain: whose a note is, its dates, its length, whether it is pinned or in the trash.
"""

from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.views.decorators.debug import sensitive_variables

from privatekit.crypto import KEY, Altered, CannotDecrypt, KeyMissing, Keyring, seal, unseal

__all__ = ["KEY", "KEY_ID_LENGTH", "Altered", "CannotDecrypt", "KeyDamaged", "KeyMissing", "seal", "unseal"]

KEY_ID_LENGTH = 16  # hexadecimal digits


class KeyDamaged(CannotDecrypt):
    """A person's wrapped key was altered, or is another person's: none of their notes can be opened."""

    def __init__(self) -> None:
        super().__init__(
            "key_damaged", "A person's key was altered, or belongs to somebody else.", "Restore it from a backup."
        )


@cache
def keyring() -> Keyring:
    """The keys that wrap people's keys."""
    if not settings.ENCRYPTION_KEYS:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty: notes are only kept encrypted.")
    return Keyring(settings.ENCRYPTION_KEYS, "notes keys of people", "notes key id", KEY_ID_LENGTH)


@receiver(setting_changed)
def forget_keys(*, setting: str, **kwargs: object) -> None:
    if setting == "ENCRYPTION_KEYS":
        keyring.cache_clear()


@sensitive_variables()
def wrap(key: bytes, person: object, versioned: bool = False) -> tuple[bytes, str]:
    """A person's key, sealed by the first key of the settings, and that key's id.

    `versioned`: all that the key has sealed is bound to its version too. The mark is a part of the seal, so that nobody
    takes it off without the keys.
    """
    return keyring().seal(key, place_of(person, versioned))


@sensitive_variables()
def unwrap(wrapped: bytes, key_id: str, person: object) -> tuple[bytes, bool]:
    """The key, and whether it is `versioned`. Raises `KeyMissing` or `KeyDamaged`."""
    try:
        return keyring().unseal(wrapped, place_of(person, True), key_id), True
    except Altered:
        pass  # from the time before versions were bound
    try:
        return keyring().unseal(wrapped, place_of(person, False), key_id), False
    except Altered as error:
        raise KeyDamaged from error


def place_of(person: object, versioned: bool) -> str:
    return f"key of {person}, with versions" if versioned else f"key of {person}"


def note_place(part: str, pk: object, version: int | None = None) -> str:
    """The place of a note's text or opening, as it was sealed with its version, or before there were versions in it."""
    return f"{part} of note {pk}" + (f", version {version}" if version is not None else "")

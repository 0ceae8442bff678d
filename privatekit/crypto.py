"""Authenticated encryption: AES-256-GCM under keys that are derived from Fernet keys.

A sealed value is 12 bytes of nonce, the ciphertext and 16 bytes of tag. It is bound to a place (GCM's associated data),
such as "text of note 7 of 3": copied to another row, it does not open.

Not Fernet itself: its tokens take a hundred times as long to open, half a minute for a collection of 100,000 templates.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.views.decorators.debug import sensitive_variables

KEY = 32  # bytes: AES-256
NONCE = 12  # bytes, random: NIST SP 800-38D, 8.3 allows 2^32 values under one key
TAG = 16  # bytes
SHORTEST_KEY = 32  # bytes behind a Fernet key

Place = str | bytes


class CannotDecrypt(Exception):
    """Something cannot be read now. It is still there: never take it for empty.

    `code` is for programs, `sentence` says what is wrong, `cure` what an operator can do.
    """

    def __init__(self, code: str, sentence: str, cure: str) -> None:
        super().__init__(f"{sentence} {cure}")
        self.code, self.sentence, self.cure = code, sentence, cure


class KeyMissing(CannotDecrypt):
    """The keyring lacks the key of this id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            "key_missing",
            f"This was encrypted with the key {key_id}, which the setting ENCRYPTION_KEYS does not hold.",
            "Put that key back, after the others, and run `manage.py rotate_keys`.",
        )


class Altered(CannotDecrypt):
    """A value is not what was sealed for its place: altered, moved there from another place, or of an unknown key."""

    def __init__(self) -> None:
        super().__init__(
            "altered",
            "An encrypted value was altered, or belongs to another place or an older version.",
            "If a key left the setting ENCRYPTION_KEYS, put it back; otherwise restore the row from a backup.",
        )


@sensitive_variables()
def seal(key: bytes, value: bytes, place: Place) -> bytes:
    """Encrypt `value` with a key of 32 bytes, for one `place` alone."""
    return sealed_by(AESGCM(key), value, place)


@sensitive_variables()
def unseal(key: bytes, sealed: bytes, place: Place) -> bytes:
    """Raises `Altered`."""
    return opened_by(AESGCM(key), sealed, place)


@sensitive_variables()
def sealed_by(cipher: AESGCM, value: bytes, place: Place) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, value, data_of(place))


@sensitive_variables()
def opened_by(cipher: AESGCM, sealed: bytes, place: Place) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], data_of(place))
    except (InvalidTag, ValueError) as error:  # ValueError: too short to have been sealed
        raise Altered from error


def data_of(place: Place) -> bytes:
    return place.encode() if isinstance(place, str) else place


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One key of a keyring."""

    id: str
    """Names the key in the database, and tells nothing about it."""
    cipher: AESGCM
    secret: bytes
    """The Fernet key's bytes, for other purposes."""

    def seal(self, value: bytes, place: Place) -> bytes:
        return sealed_by(self.cipher, value, place)

    @sensitive_variables()
    def unseal(self, sealed: bytes, place: Place) -> bytes:
        """Raises `Altered`."""
        return opened_by(self.cipher, sealed, place)

    def fingerprint(self, purpose: str, value: bytes) -> bytes:
        """32 bytes that are the same for the same value, and useless without the key."""
        return hmac.digest(derived(self.secret, purpose), value, "sha256")


class Keyring:
    """Keys for one purpose, derived by HKDF (RFC 5869) from Fernet keys: the first writes, all read.

    `purpose` and `id_purpose` are HKDF's `info`, so that nothing sealed for one purpose opens for another. Whoever
    changes them, or `id_digits`, cannot read what was sealed before. Raises `ValueError` where there is no key, or one
    that is none.
    """

    def __init__(self, fernet_keys: Sequence[str], purpose: str, id_purpose: str = "", id_digits: int = 16) -> None:
        if not fernet_keys:
            raise ValueError("There is no encryption key.")
        secrets = [bytes_of(key) for key in fernet_keys]
        id_purpose = id_purpose or f"{purpose} id"
        self.keys = {
            (key_id := derived(secret, id_purpose).hex()[:id_digits]): Key(
                key_id, AESGCM(derived(secret, purpose)), secret
            )
            for secret in secrets
        }
        self.first = next(iter(self.keys.values()))

    def seal(self, value: bytes, place: Place) -> tuple[bytes, str]:
        """Encrypt with the first key: the sealed value, and the key's id."""
        return self.first.seal(value, place), self.first.id

    @sensitive_variables()
    def unseal(self, sealed: bytes, place: Place, key_id: str | None = None) -> bytes:
        """Decrypt with the key of that id, or with whichever fits where none is given.

        Raises `KeyMissing` and `Altered`.
        """
        if key_id is not None:
            return self.named(key_id).unseal(sealed, place)
        for key in self.keys.values():
            try:
                return key.unseal(sealed, place)
            except Altered:
                continue
        raise Altered

    def named(self, key_id: str) -> Key:
        """Raises `KeyMissing`."""
        try:
            return self.keys[key_id]
        except KeyError as error:
            raise KeyMissing(key_id) from error

    def __contains__(self, key_id: str) -> bool:
        return key_id in self.keys


def derived(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256 without a salt."""
    return HKDF(SHA256(), length=KEY, salt=None, info=purpose.encode()).derive(secret)


def bytes_of(fernet_key: str) -> bytes:
    try:
        secret = base64.urlsafe_b64decode(fernet_key)
    except (binascii.Error, ValueError) as error:
        raise ValueError("An encryption key is no Fernet key: 32 bytes in URL-safe base64.") from error
    if len(secret) < SHORTEST_KEY:
        raise ValueError("An encryption key is no Fernet key: 32 bytes in URL-safe base64.")
    return secret

"""Encrypted values open with their key, in their place; and so does everything that was encrypted before."""

import base64
import os
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pytest_django.fixtures import Settings

from faceauth.crypto import unseal
from faceauth.local import template_encryption
from notes import encryption
from privatekit import crypto
from privatekit.crypto import Altered, CannotDecrypt, KeyMissing, Keyring

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


# One key --------------------------------------------------------------------------------------------------------------


def test_sealed_values_open_in_their_place_alone() -> None:
    key = os.urandom(32)
    sealed = crypto.seal(key, b"words", "here")
    assert crypto.unseal(key, sealed, "here") == b"words"
    for other_key, other_place in ((os.urandom(32), "here"), (key, "there"), (key, "")):
        with pytest.raises(Altered):
            crypto.unseal(other_key, sealed, other_place)


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: b"",
        lambda sealed: sealed[:12],
        lambda sealed: sealed[:-1] + b"\0" * 2,
        lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:],
        lambda sealed: sealed[:12] + bytes([sealed[12] ^ 1]) + sealed[13:],
    ],
    ids=["cut", "empty", "nonce alone", "longer", "another nonce", "another text"],
)
def test_damaged_values_do_not_open(damage: Callable[[bytes], bytes]) -> None:
    key = os.urandom(32)
    with pytest.raises(Altered):
        crypto.unseal(key, damage(crypto.seal(key, b"words", "here")), "here")


def test_every_value_has_a_nonce_of_its_own() -> None:
    key = os.urandom(32)
    sealed = {crypto.seal(key, b"words", "here") for _number in range(50)}
    assert len({value[: crypto.NONCE] for value in sealed}) == 50
    assert {len(value) for value in sealed} == {crypto.NONCE + len(b"words") + crypto.TAG}


# A keyring ------------------------------------------------------------------------------------------------------------


def test_the_first_key_writes_and_all_read() -> None:
    sealed, key_id = Keyring([OLD], "purpose").seal(b"words", "here")
    both = Keyring([NEW, OLD], "purpose")
    assert both.unseal(sealed, "here", key_id) == both.unseal(sealed, "here") == b"words"
    again, new_id = both.seal(b"words", "here")
    assert (new_id, both.first.id) == (Keyring([NEW], "purpose").first.id,) * 2
    assert Keyring([NEW], "purpose").unseal(again, "here") == b"words"
    with pytest.raises(KeyMissing, match=key_id):
        Keyring([NEW], "purpose").unseal(sealed, "here", key_id)
    with pytest.raises(Altered):
        Keyring([NEW], "purpose").unseal(sealed, "here")


def test_a_key_that_is_named_and_wrong_does_not_open() -> None:
    both = Keyring([NEW, OLD], "purpose")
    sealed, _key_id = both.seal(b"words", "here")
    with pytest.raises(Altered):
        both.unseal(sealed, "here", Keyring([OLD], "purpose").first.id)
    with pytest.raises(Altered):
        both.unseal(sealed, "there")


def test_another_purpose_has_other_keys_ids_and_fingerprints() -> None:
    one, other = Keyring([OLD], "one"), Keyring([OLD], "other")
    sealed, key_id = one.seal(b"words", "here")
    with pytest.raises(Altered):
        other.unseal(sealed, "here")
    assert key_id not in other
    assert key_id in one
    assert one.first.fingerprint("prints", b"x") == other.first.fingerprint("prints", b"x")
    assert one.first.fingerprint("prints", b"x") != one.first.fingerprint("other prints", b"x")
    assert one.first.fingerprint("prints", b"x") != Keyring([NEW], "one").first.fingerprint("prints", b"x")


def test_ids_and_reprs_tell_nothing_of_a_key() -> None:
    ring = Keyring([OLD], "purpose", id_digits=8)
    secret = base64.urlsafe_b64decode(OLD)
    assert len(ring.first.id) == 8
    assert ring.first.id not in (secret.hex()[:8], HKDF(SHA256(), 32, None, b"purpose").derive(secret).hex()[:8])
    assert repr(secret) not in repr(ring.first)


@pytest.mark.parametrize("keys", [[], [""], ["short"], ["x" * 20], [OLD, "é"], ["a"]])
def test_what_is_no_key_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="key"):
        Keyring(keys, "purpose")


def test_an_error_has_a_code_a_sentence_and_a_cure() -> None:
    for error, code in ((KeyMissing("abc"), "key_missing"), (Altered(), "altered")):
        assert isinstance(error, CannotDecrypt)
        assert error.code == code
        assert str(error) == f"{error.sentence} {error.cure}"
        assert "ENCRYPTION_KEYS" in str(error)


# What was written before ----------------------------------------------------------------------------------------------


def hkdf(key: str, info: bytes, length: int = 32) -> bytes:
    return HKDF(SHA256(), length=length, salt=None, info=info).derive(base64.urlsafe_b64decode(key))


def written(cipher_key: bytes, value: bytes, place: bytes) -> bytes:
    """As version 0.1.0 wrote it."""
    nonce = os.urandom(12)
    return nonce + AESGCM(cipher_key).encrypt(nonce, value, place)


def test_keys_of_people_are_read_as_they_were_written(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    key_id = hkdf(OLD, b"notes key id", 8).hex()
    wrapped = written(hkdf(OLD, b"notes keys of people"), b"k" * 32, b"key of 7")
    assert encryption.unwrap(wrapped, key_id, 7) == (b"k" * 32, False)
    assert encryption.wrap(b"k" * 32, 7)[1] == hkdf(NEW, b"notes key id", 8).hex()
    text = written(b"k" * 32, b"words", b"text of note 1 of 7")
    assert encryption.unseal(b"k" * 32, text, "text of note 1 of 7") == b"words"


def test_secrets_of_authenticator_apps_are_read_as_they_were_written(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [NEW, OLD]}
    sealed = base64.b64encode(written(hkdf(OLD, b"faceauth second lock"), b"secret", b"the place")).decode()
    assert unseal(sealed, "the place") == b"secret"


def test_templates_are_read_as_they_were_written(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [NEW, OLD]}
    key = template_encryption.key_named(hkdf(OLD, b"faceauth.local key id").hex()[:8])
    sealed = written(hkdf(OLD, b"faceauth.local templates"), b"numbers", b"\x01fplace")
    assert key.unseal(sealed, b"\x01fplace") == b"numbers"
    import hmac

    expected = hmac.digest(hkdf(OLD, b"faceauth.local fingerprints"), b"value", "sha256")
    assert key.fingerprint(template_encryption.FINGERPRINTS, b"value") == expected

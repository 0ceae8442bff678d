"""What an installation has stored opens with its keys, today and after every change of the code.

The values below were sealed by the first version, with a key that opens nothing else. Where one of these tests fails,
somebody's stored faces or second factors would be lost with the update: write a migration instead.
"""

import base64
import uuid

import pytest
from django.contrib.auth.models import User as Person
from pytest_django import Settings

from faceauth import crypto
from faceauth.local.models import Face, User
from faceauth.local.template_encryption import FINGERPRINTS, Altered, current_key, key_named
from faceauth.models import AuthenticatorApp
from privatekit.crypto import derived

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
COLLECTION = uuid.UUID(int=1)
FACE = uuid.UUID(int=2)

APP_OF_7 = "AiBRrIQxZTdreraZvOXhqyn9LtZ659EZAamk8r/DGN/JvISd"
TEMPLATE_OF_FACE = base64.b64decode("rvh5NoXqa4EDkZlddQIRMeCdpJOp9diVkO+K+MZB+xOMojBfV1M=")
TEMPLATE_OF_USER = base64.b64decode("TSzvpuu2X+Zdo3pWoGHxojGRbCC17zHaMqaJJUxAeCztU8BKtZ4=")


@pytest.fixture(autouse=True)
def _key(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [KEY]}


def test_the_secret_of_an_authenticator_app() -> None:
    assert AuthenticatorApp(user=Person(pk=7), key=APP_OF_7).bin_key == b"a secret"


def test_the_secret_of_an_app_opens_for_nobody_else() -> None:
    with pytest.raises(crypto.CannotOpen):
        _ = AuthenticatorApp(user=Person(pk=8), key=APP_OF_7).bin_key


def test_the_template_of_a_face() -> None:
    assert key_named("481f7f26").unseal(TEMPLATE_OF_FACE, Face.context(COLLECTION, FACE)) == b"a template"


def test_the_template_of_a_user() -> None:
    assert current_key().unseal(TEMPLATE_OF_USER, User.context(COLLECTION, "somebody")) == b"a template"


@pytest.mark.parametrize(
    "place",
    [
        User.context(COLLECTION, FACE),  # the kind of row is part of the place
        Face.context(COLLECTION, uuid.UUID(int=3)),
        Face.context(uuid.UUID(int=9), FACE),
        b"",
    ],
)
def test_the_template_of_a_face_opens_in_no_other_row(place: bytes) -> None:
    with pytest.raises(Altered):
        current_key().unseal(TEMPLATE_OF_FACE, place)


def test_an_enrolled_picture_is_known_again() -> None:
    expected = "f34096e39931f8eb7fe3436b2c641a29e08df52f4499823072d2782dd75aa2a6"
    assert current_key().fingerprint(FINGERPRINTS, b"a picture").hex() == expected


def test_each_purpose_has_a_key_of_its_own() -> None:
    """What one of them seals is nothing to another, though all come from one key of the settings."""
    secret = bytes(range(32))
    purposes = [
        "faceauth.local key id",
        "faceauth.local templates",
        FINGERPRINTS,
        "faceauth second lock",
    ]
    keys = [derived(secret, purpose) for purpose in purposes] + [secret]
    assert len(set(keys)) == len(keys)

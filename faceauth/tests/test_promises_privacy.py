"""What is promised of what is kept: whoever has the database and not the keys cannot tell which picture it was."""

import base64
import hashlib
import os
import uuid

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client, RequestFactory
from pytest_django import Settings

from faceauth.liveness import sessions
from faceauth.local import template_encryption
from faceauth.local.models import Face as LocalFace
from faceauth.models import RateCount, SpentFrame
from faceauth.ratelimit import limits
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.sign_in import send_photo

PICTURE = b"a frame, to the last byte"


def plain_digests(value: bytes) -> set[str]:
    """What anybody can compute of a picture without a key, as hexadecimal digits."""
    return {hashlib.new(name, value, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")}


def test_the_digest_of_a_frame_takes_a_key(settings: Settings) -> None:
    known = sessions.digest_of(PICTURE)
    assert known == sessions.digest_of(PICTURE)
    assert not any(known in digest or digest in known for digest in plain_digests(PICTURE))
    settings.SECRET_KEY = "another one"
    assert sessions.digest_of(PICTURE) != known


def test_what_stays_of_a_frame_is_its_keyed_digest(db: None) -> None:
    assert sessions.spend(sessions.digest_of(PICTURE))
    assert not sessions.spend(sessions.digest_of(PICTURE))
    [row] = SpentFrame.objects.values_list("digest", flat=True)
    assert row not in plain_digests(PICTURE)


def test_the_id_of_an_enrolled_picture_takes_a_key(collection: Collection, settings: Settings) -> None:
    """Rekognition answers the same picture with the same ImageId. Here it tells nobody which picture that was."""
    collection.index(pictures.hopper(), "somebody")
    face = LocalFace.objects.get()
    value = face.collection.incarnation.bytes + b"somebody\0" + pictures.hopper()
    guesses = {uuid.UUID(digest[:32]) for whole in (value, pictures.hopper()) for digest in plain_digests(whole)}
    assert face.image_id not in guesses


def test_fingerprints_of_another_key_are_others(settings: Settings) -> None:
    before = template_encryption.current_key().fingerprint(template_encryption.FINGERPRINTS, PICTURE)
    assert before == template_encryption.current_key().fingerprint(template_encryption.FINGERPRINTS, PICTURE)
    assert before.hex() not in plain_digests(PICTURE)
    other = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [other]}
    assert template_encryption.current_key().fingerprint(template_encryption.FINGERPRINTS, PICTURE) != before


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_counts_do_not_tell_whose_they_are(address: str, settings: Settings) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.session = SessionBase("a session")
    keys = [meter.key for meter in limits.meters(request, 1)]
    assert keys
    assert not any(address in key or "a session" in key for key in keys)
    guesses = {
        digest[:32]
        for meter in ("attempts", "failures")
        for seconds in (1, 60, 3600, 86400)
        for digest in plain_digests(f"{meter} face {limits.address_of(request)} {seconds}".encode())
    }
    assert not any(guess in key for guess in guesses for key in keys)
    settings.SECRET_KEY = "another one"
    others = [meter.key for meter in limits.meters(request, 1)]
    assert not {key.split(".")[1] for key in keys} & {key.split(".")[1] for key in others}


@pytest.mark.usefixtures("without_look")
def test_what_is_counted_in_the_database_has_no_address(collection: Collection, client: Client) -> None:
    send_photo(client, pictures.landscape())
    rows = list(RateCount.objects.values())
    assert rows
    assert "127.0.0.1" not in str(rows)

from typing import Any

import pytest
from django.contrib.auth import authenticate, user_login_failed
from django.contrib.auth.models import User
from django.http import HttpRequest

from faceauth.backends import FaceBackend
from faceauth.outcomes import Outcome, Recognition
from faceauth.rekognition.collection import Collection
from faceauth.rekognition.errors import RekognitionError
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, read


def test_other_code_can_authenticate(hopper: User) -> None:
    photo = read(pictures.another(pictures.hopper()))
    recognition = FaceBackend().recognise([photo])
    assert (recognition.outcome, recognition.user) == (Outcome.RECOGNISED, hopper)
    assert authenticate(HttpRequest(), photo=photo, enrol=False) == hopper


def test_a_face_that_needs_a_second_factor_opens_nothing_alone(hopper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other code cannot forget to ask for it."""
    alone = Recognition(Outcome.RECOGNISED, user=hopper, needs_mfa=True)
    monkeypatch.setattr("faceauth.recognition.search.recognise", lambda *args: alone)
    assert authenticate(photo=read(pictures.hopper())) is None


def test_without_a_request(hopper: User) -> None:
    assert authenticate(photo=read(pictures.hopper())) == hopper


def test_a_stranger_is_nobody(collection: Collection) -> None:
    assert FaceBackend().recognise([read(pictures.hopper())]).outcome == Outcome.STRANGER
    assert authenticate(HttpRequest(), photo=read(pictures.hopper())) is None
    assert not User.objects.exists()


def test_remember(collection: Collection) -> None:
    user = authenticate(photo=read(pictures.hopper()), enrol=True, consent="by hand")
    assert isinstance(user, User)
    assert user.consents.get().text == "by hand"


@pytest.mark.parametrize("photo", [b"bytes", "text", object()])
def test_only_a_photo_is_a_photo(photo: object, db: None) -> None:
    with pytest.raises(TypeError, match="read_photo"):
        authenticate(photo=photo)


def test_a_password_is_for_the_other_backend(operator: User, db: None) -> None:
    operator.set_password("one two three four")
    operator.save()
    assert authenticate(username="operator", password="one two three four") == operator
    assert authenticate(username="operator", password="wrong") is None
    assert authenticate(username="operator") is None


def test_the_picture_reaches_no_signal(collection: Collection) -> None:
    """Django sends the credentials of a failure to every receiver, and does not mask `photo`."""
    received: list[dict[str, Any]] = []

    def receiver(credentials: dict[str, Any], **kwargs: Any) -> None:
        received.append(credentials)

    user_login_failed.connect(receiver)
    try:
        authenticate(HttpRequest(), photo=read(pictures.hopper()))
        authenticate(HttpRequest(), photo=read(pictures.landscape()))
    finally:
        user_login_failed.disconnect(receiver)
    assert len(received) == 2
    for credentials in received:
        assert repr(credentials["photo"]) == "<Photo: closed>"
        with pytest.raises(ValueError, match="closed"):
            _ = credentials["photo"].jpeg


def test_no_picture_of_several_reaches_a_signal(collection: Collection) -> None:
    received: list[dict[str, Any]] = []

    def receiver(credentials: dict[str, Any], **kwargs: Any) -> None:
        received.append(credentials)

    user_login_failed.connect(receiver)
    try:
        authenticate(HttpRequest(), photos=[read(pictures.hopper()), read(pictures.another(pictures.hopper()))])
        authenticate(HttpRequest(), photos=[read(pictures.hopper()), read(pictures.collins())])
        authenticate(HttpRequest(), photos=[read(pictures.landscape()), read(pictures.hopper())])
    finally:
        user_login_failed.disconnect(receiver)
    assert [[repr(photo) for photo in one["photos"]] for one in received] == [["<Photo: closed>"] * 2] * 3


def test_the_photo_is_closed_when_rekognition_fails(collection: Collection, fault: Fault) -> None:
    fault("SearchFacesByImage", "InternalServerError", status=500)
    photo = read(pictures.hopper())
    with pytest.raises(RekognitionError):
        authenticate(photo=photo)
    assert repr(photo) == "<Photo: closed>"

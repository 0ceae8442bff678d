"""What is promised of a second factor, in numbers of its own: how long a proof counts, and what comes back after it."""

import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from faceauth.tests.mfa_cast import enrolled, looking_like, open_notebook, show_face, with_app
from faceauth.web import pending_login
from faceauth.web.reauthentication import MFA_VERIFIED

SECOND_LOCK = "/login/second-factor/"
ASKS_AGAIN = ["faceauth:add_passkey", "faceauth:export", "faceauth:forget"]


@pytest.fixture
def known(owner: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody with an authenticator app, whom everybody looks like who shows a picture."""
    looking_like(enrolled(owner), monkeypatch)
    with_app(owner)
    return owner


def opened_ago(user: User, seconds: float) -> Client:
    """An open session whose second factor was proved so many seconds ago; the face was seen just now."""
    client = open_notebook(user)
    session = client.session
    session[MFA_VERIFIED] = time.time() - seconds
    session.save()
    return client


@pytest.mark.parametrize("name", ASKS_AGAIN)
def test_a_proof_of_the_second_factor_counts_for_five_minutes(name: str, known: User) -> None:
    assert opened_ago(known, 4 * 60 + 50).get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ASKS_AGAIN)
def test_after_five_minutes_it_is_asked_for_again(name: str, known: User) -> None:
    answer = opened_ago(known, 5 * 60 + 1).get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith(SECOND_LOCK)


def test_an_old_proof_ends_nothing(known: User) -> None:
    opened_ago(known, 5 * 60 + 1).post(reverse("faceauth:forget"), {"word": "forget me"})
    assert User.objects.filter(pk=known.pk).exists()
    opened_ago(known, 4 * 60 + 50).post(reverse("faceauth:forget"), {"word": "forget me"})
    assert not User.objects.filter(pk=known.pk).exists()


@pytest.mark.parametrize(("seconds", "waits"), [(4 * 60 + 50, True), (5 * 60 + 1, False)])
def test_a_recognised_face_waits_five_minutes_for_its_second_factor(seconds: int, waits: bool, known: User) -> None:
    client = Client()
    show_face(client)
    session = client.session
    session[pending_login.PENDING] |= {"verified": time.time() - seconds}
    session.save()
    assert client.get(SECOND_LOCK).status_code == (200 if waits else 302)


def test_the_fifth_wrong_code_ends_the_attempt(known: User) -> None:
    client = Client()
    show_face(client)
    for _ in range(4):
        client.post(SECOND_LOCK, {"code": "not a code"})
        assert client.get(SECOND_LOCK).status_code == 200
    client.post(SECOND_LOCK, {"code": "not a code"})
    assert client.get(SECOND_LOCK).status_code == 302


@pytest.mark.parametrize(("photos", "status"), [("open", 404), ("fallback", 302), ("never", 404)])
def test_what_a_photo_opens_is_a_choice_only_where_something_else_is_asked_for(
    photos: str, status: int, owner: User, settings: Settings
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": photos}
    client = open_notebook(owner)
    assert client.post("/account/mfa/photos/", {"choice": "never"}).status_code == status
    assert ('name="choice"' in client.get("/account/").content.decode()) is (status == 302)

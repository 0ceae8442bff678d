import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notes.models import Preferences

PREFERENCES = reverse("notes:preferences")
SETTINGS = reverse("faceauth:account")


def test_five_minutes_out_of_sight_until_something_is_chosen(own: Client, owner: User) -> None:
    assert 'data-hidden-for="300"' in own.get("/").content.decode()
    assert 'value="300" selected' in own.get(SETTINGS).content.decode()
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("seconds", Preferences.HiddenFor.values)
def test_choosing(own: Client, strange: Client, owner: User, seconds: int) -> None:
    answer = own.post(PREFERENCES, {"hidden_for": seconds}, follow=True)
    assert answer.redirect_chain == [(f"{SETTINGS}#locking", 302)]
    assert "Saved." in answer.content.decode()
    assert f'data-hidden-for="{seconds}"' in own.get("/").content.decode()
    assert f'value="{seconds}" selected' in own.get(SETTINGS).content.decode()
    assert 'data-hidden-for="300"' in strange.get("/").content.decode()


def test_keys_pressed_alone_can_be_switched_off_and_on(own: Client, owner: User) -> None:
    assert "data-single-keys" in own.get("/").content.decode()
    own.post(PREFERENCES, {"hidden_for": 300})
    assert "data-single-keys" not in own.get("/").content.decode()
    assert 'name="single_keys">' in own.get(SETTINGS).content.decode()
    own.post(PREFERENCES, {"hidden_for": 300, "single_keys": "on"})
    assert "data-single-keys" in own.get("/").content.decode()
    assert 'name="single_keys" checked>' in own.get(SETTINGS).content.decode()


@pytest.mark.parametrize("seconds", ["", "x", "-1", "11", "99999"])
def test_what_is_not_offered_is_refused(own: Client, owner: User, seconds: str) -> None:
    assert own.post(PREFERENCES, {"hidden_for": seconds}).status_code == 404
    assert not Preferences.objects.exists()


def test_the_old_page_leads_to_the_settings(own: Client) -> None:
    assert own.get(PREFERENCES).headers["Location"] == f"{SETTINGS}#locking"


def test_without_a_session_one_is_sent_to_the_sign_in(client: Client, db: None) -> None:
    assert client.get(PREFERENCES).headers["Location"].startswith("/login/")

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notes.models import Preferences

PREFERENCES = reverse("notes:preferences")


def test_five_minutes_out_of_sight_until_something_is_chosen(own: Client, owner: User) -> None:
    assert 'data-hidden-for="300"' in own.get("/").content.decode()
    assert 'value="300" checked' in own.get(PREFERENCES).content.decode()
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("seconds", Preferences.HiddenFor.values)
def test_choosing(own: Client, strange: Client, owner: User, seconds: int) -> None:
    assert own.post(PREFERENCES, {"hidden_for": seconds}).headers["Location"] == "/"
    assert f'data-hidden-for="{seconds}"' in own.get("/").content.decode()
    assert f'value="{seconds}" checked' in own.get(PREFERENCES).content.decode()
    assert 'data-hidden-for="300"' in strange.get("/").content.decode()


@pytest.mark.parametrize("seconds", ["", "x", "-1", "11", "99999"])
def test_what_is_not_offered_is_refused(own: Client, owner: User, seconds: str) -> None:
    answer = own.post(PREFERENCES, {"hidden_for": seconds})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Preferences.objects.exists()


def test_nobody_is_sent_to_the_door(client: Client, db: None) -> None:
    assert client.get(PREFERENCES).headers["Location"].startswith("/login/")

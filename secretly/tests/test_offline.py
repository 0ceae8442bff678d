"""Which browser is given the last notes for reading without a connection, and which is not."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from faceauth.mfa import trusted_devices
from faceauth.models import AccountChange, TrustedDevice
from faceauth.tests.mfa_cast import enrolled, open_notebook
from notes.models import Note
from secretly import offline

SECRET = "the cookie of a trusted device"


@pytest.fixture
def ada(owner: User) -> User:
    return enrolled(owner)


def trusted(user: User, secret: str = SECRET) -> Client:
    """The notebook, open on a device that the user trusts."""
    TrustedDevice.objects.create(
        user=user, cookie_hash=trusted_devices.hashes_of(secret)[0], public_key=b"", name="phone"
    )
    client = open_notebook(user)
    client.cookies["device_token"] = secret
    return client


def permission_of(client: Client) -> str:
    response = client.post("/offline/copy/")
    assert response.status_code == 200
    return str(response.context["permission"])


def latest(client: Client, permission: str, **fields: str) -> Any:
    return client.post("/offline/latest/", {"permission": permission, **fields}, headers={"Accept": "application/json"})


def test_a_trusted_device_is_given_the_last_notes_and_the_person_is_asked(ada: User, stranger: User) -> None:
    for number in range(offline.LATEST + 1):
        Note.objects.write(ada, f"Number {number}")
    Note.objects.write(stranger, "Not hers")
    client = trusted(ada)
    notes = latest(client, permission_of(client)).json()["notes"]
    assert [note["text"] for note in notes] == [f"Number {number}" for number in range(offline.LATEST, 0, -1)]
    assert set(notes[0]) == {"text", "changed"}
    assert AccountChange.objects.get(user=ada).kind == "site_act"
    assert "Was this you?" in open_notebook(ada).get("/").content.decode()


def test_a_browser_that_is_not_trusted_is_sent_to_its_devices(ada: User) -> None:
    response = open_notebook(ada).post("/offline/copy/")
    assert response["Location"] == "/account/#devices"


def test_it_takes_a_fresh_face(ada: User) -> None:
    trusted(ada)
    late = open_notebook(ada, seen=False)
    late.cookies["device_token"] = SECRET
    assert late.post("/offline/copy/")["Location"] == "/reauthenticate/?next=%2Faccount%2F%23offline"


def test_it_ends_with_the_device(ada: User) -> None:
    client = trusted(ada)
    permission = permission_of(client)
    TrustedDevice.objects.all().delete()
    answer = latest(client, permission)
    assert (answer.status_code, answer.json()) == (403, {"outcome": "ended"})


def test_a_permission_is_of_no_use_to_anybody_else_or_on_another_device(ada: User, stranger: User) -> None:
    permission = permission_of(trusted(ada))
    other = trusted(enrolled(stranger))  # who shares the browser
    elsewhere = trusted(ada, "the cookie of another device")
    for client, given in ((other, permission), (elsewhere, permission), (elsewhere, permission + "x"), (elsewhere, "")):
        assert latest(client, given).json() == {"outcome": "ended"}
    assert latest(other, permission, writer=str(ada.pk))["Location"].startswith("/login/")
    assert Client().post("/offline/latest/", {"permission": permission})["Location"].startswith("/login/")

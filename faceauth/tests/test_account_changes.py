"""Sensitive acts are shown at the next sign-in, and can be taken back."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from faceauth.audit import changes, words
from faceauth.mfa import authenticators
from faceauth.models import AccountChange, AuthenticatorApp, Deletion, Passkey, PhotoLogin, TrustedDevice
from faceauth.policy import photo_logins
from faceauth.rekognition.collection import Collection
from faceauth.tests import mfa_cast, pictures
from faceauth.tests.mfa_cast import add_passkey, code_of, enrolled, with_app
from faceauth.tests.sign_in import JSON, enrol_by_photo, send_photo, signed_in
from faceauth.tests.test_account import add
from faceauth.tests.test_trusted_devices_web import after_liveness, trust
from faceauth.web.changes import UNDO
from faceauth.web.http import LIVENESS_VERIFIED

ASKED = "Was this you?"


@pytest.fixture
def ada(owner: User) -> User:
    return enrolled(owner)


def open_notebook(user: User, **proofs: bool) -> Client:
    """As `mfa_cast`'s, also after all other sessions were ended."""
    user.refresh_from_db()
    return mfa_cast.open_notebook(user, **proofs)


def home(client: Client) -> str:
    return str(client.get("/").content.decode())


def take_back(client: Client, kind: str) -> Any:
    change = AccountChange.objects.get(kind=kind, answered=None)
    return client.post(f"/account/changes/{change.pk}/take-back/")


def last(kind: str) -> AccountChange:
    return AccountChange.objects.filter(kind=kind).latest("pk")


# Shown ----------------------------------------------------------------------------------------------------------------


def test_it_is_asked_in_another_session_until_it_is_answered(ada: User) -> None:
    here = open_notebook(ada)
    add_passkey(here, "My phone")
    assert ASKED not in home(here)  # whoever has just done it
    later = open_notebook(ada)
    for page in (home(later), str(later.get("/account/").content.decode())):
        assert ASKED in page
        assert "A passkey was added: <bdi>My phone</bdi>" in page
    shown = last("passkey_added").pk
    assert later.post("/account/changes/confirm/", {"shown": shown, "next": "/account/"})["Location"] == "/account/"
    assert ASKED not in home(later)
    assert "A passkey was added: <bdi>My phone</bdi>" in later.get("/account/").content.decode()  # among the activity


def test_it_is_asked_even_when_nothing_else_is_new_and_by_nobody_else(ada: User, stranger: User) -> None:
    changes_made = [kind for kind, _label in AccountChange.Kind.choices]
    AccountChange.objects.bulk_create(AccountChange(user=ada, kind=kind) for kind in changes_made)
    page = home(open_notebook(ada))
    assert page.count("/take-back/") == 10  # the newest
    assert ASKED not in home(open_notebook(enrolled(stranger)))


def test_a_yes_answers_what_was_shown_and_nothing_newer(ada: User) -> None:
    shown, newer = (AccountChange.objects.create(user=ada, kind="exported") for _ in range(2))
    client = open_notebook(ada)
    client.post("/account/changes/confirm/", {"shown": shown.pk})
    assert list(AccountChange.objects.filter(answered=None)) == [newer]
    for wrong in ("", "x", "-1", "9" * 30):
        assert client.post("/account/changes/confirm/", {"shown": wrong}).status_code == 302
    assert AccountChange.objects.filter(answered=None).exists()


def test_nothing_is_hidden_behind_a_heap_of_other_changes(ada: User) -> None:
    first = AccountChange.objects.create(user=ada, kind="passkey_added", name="theirs")
    AccountChange.objects.bulk_create(AccountChange(user=ada, kind="sessions_ended") for _ in range(10))
    client = open_notebook(ada)
    page = home(client)
    assert "theirs" not in page
    client.post("/account/changes/confirm/", {"shown": re.findall(r'name="shown" value="(\d+)"', page)})
    assert "theirs" in home(client)
    assert list(AccountChange.objects.filter(answered=None)) == [first]


def test_a_yes_is_for_ones_own_changes(ada: User, stranger: User) -> None:
    change = AccountChange.objects.create(user=ada, kind="exported")
    other = open_notebook(enrolled(stranger))
    other.post("/account/changes/confirm/", {"shown": change.pk})
    assert other.post(f"/account/changes/{change.pk}/take-back/").status_code == 404
    assert AccountChange.objects.filter(answered=None).exists()


def test_after_ninety_days_it_is_forgotten(ada: User) -> None:
    AccountChange.objects.create(user=ada, kind="exported", at=timezone.now() - changes.KEPT)
    add_passkey(open_notebook(ada))
    assert list(AccountChange.objects.values_list("kind", flat=True)) == ["passkey_added"]


# Each act -------------------------------------------------------------------------------------------------------------


def removed(client: Client, user: User) -> None:
    app = with_app(user)
    client.post(f"/account/mfa/app/{app.pk}/remove/")


def given_codes(client: Client, user: User) -> None:
    with_app(user)
    client.post("/account/mfa/codes/")


def app_added(client: Client, user: User) -> None:
    client.get("/account/mfa/app/")
    client.post("/account/mfa/app/", {"code": code_of(AuthenticatorApp.objects.get())})


def trusted(client: Client, user: User) -> None:
    session = client.session
    session[LIVENESS_VERIFIED] = time.time()
    session.save()
    trust(client)


def ended(client: Client, user: User) -> None:
    trusted(client, user)
    client.post(f"/account/devices/{TrustedDevice.objects.get().pk}/end/")


ACTS: dict[str, Callable[[Client, User], object]] = {
    "passkey_added": lambda client, user: add_passkey(client),
    "app_added": app_added,
    "codes_made": given_codes,
    "factor_removed": removed,
    "device_trusted": trusted,
    "device_ended": ended,
    "photos_changed": lambda client, user: client.post("/account/mfa/photos/", {"choice": "never"}),
    "sessions_ended": lambda client, user: client.post("/account/sessions/end-others/"),
    "exported": lambda client, user: client.get("/account/export/"),
}


@pytest.mark.parametrize("kind", ACTS)
def test_each_act_is_noted_with_its_device_and_address(kind: str, ada: User) -> None:
    client = open_notebook(ada)
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"
    ACTS[kind](client, ada)
    page = home(open_notebook(ada))
    assert last(kind).get_kind_display() in page
    assert last(kind).address == "127.0.0.1"
    assert kind == "device_trusted" or "phone, Firefox, Android" in page


def test_the_zip_of_the_notes_is_an_export_too(ada: User) -> None:
    client = open_notebook(ada)
    assert client.head("/notes/export.zip").status_code == 200
    assert not AccountChange.objects.exists()
    assert client.get("/notes/export.zip").status_code == 200
    assert last("exported").user == ada


# Taken back -----------------------------------------------------------------------------------------------------------


def test_a_passkey_and_its_codes_go(ada: User) -> None:
    add_passkey(open_notebook(ada))
    assert authenticators.codes_left(ada) == 10
    later = open_notebook(ada)
    assert take_back(later, "passkey_added")["Location"] == "/account/#changes"
    assert not Passkey.objects.exists()
    assert authenticators.codes_left(ada) == 0
    assert "It was taken back" in later.get("/account/").content.decode()
    assert ASKED not in home(later)


def test_an_app_goes_and_other_factors_stay(ada: User) -> None:
    add_passkey(open_notebook(ada), "mine")
    AccountChange.objects.all().delete()
    app_added(open_notebook(ada), ada)
    take_back(open_notebook(ada), "app_added")
    assert [factor.name for factor in authenticators.factors_of(ada)] == ["mine"]
    assert authenticators.codes_left(ada) == 10


def test_new_codes_end(ada: User) -> None:
    given_codes(open_notebook(ada), ada)
    take_back(open_notebook(ada), "codes_made")
    assert authenticators.codes_left(ada) == 0
    assert authenticators.has_mfa(ada)


def test_a_device_ends(ada: User) -> None:
    thief = after_liveness(ada)
    trust(thief)
    take_back(open_notebook(ada), "device_trusted")
    assert not TrustedDevice.objects.exists()
    assert thief.get("/").status_code == 302


def test_the_choice_about_photos_comes_back(ada: User) -> None:
    photo_logins.choose(ada, PhotoLogin.Choice.WITH_MFA)
    open_notebook(ada).post("/account/mfa/photos/", {"choice": "open"})
    take_back(open_notebook(ada), "photos_changed")
    assert photo_logins.choice_of(ada) == PhotoLogin.Choice.WITH_MFA


def test_an_appearance_goes(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    add(client, pictures.another(pictures.hopper()))
    assert user.faces.count() == 2
    later = Client()
    send_photo(later, pictures.hopper())
    assert ASKED in home(later)
    take_back(later, "face_added")
    assert user.faces.count() == 1
    assert Deletion.objects.exists()
    assert signed_in(client) is None  # whoever added it


@pytest.mark.parametrize("kind", sorted({str(kind) for kind in AccountChange.Kind} - changes.UNDOABLE))
def test_what_cannot_be_undone_says_what_to_do_and_ends_other_sessions(kind: str, ada: User) -> None:
    thief = open_notebook(ada)
    change = AccountChange.objects.create(user=ada, kind=kind)
    mine = open_notebook(ada)
    page = home(mine)
    assert "No, end other sessions" in page
    assert words.advice(change) in page.replace("&#x27;", "'")
    take_back(mine, kind)
    assert thief.get("/").status_code == 302
    assert mine.get("/").status_code == 200


def test_what_can_be_undone_is_said_once() -> None:
    assert set(UNDO) == changes.UNDOABLE


def test_what_is_gone_already_is_taken_back_all_the_same(ada: User) -> None:
    add_passkey(open_notebook(ada))
    Passkey.objects.all().delete()
    take_back(open_notebook(ada), "passkey_added")
    assert not AccountChange.objects.filter(kind="passkey_added", answered=None).exists()


def test_the_only_appearance_and_the_last_required_factor_stay(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    face = ada.faces.get()
    change = AccountChange.objects.create(user=ada, kind="face_added", subject=str(face.face_id))
    client = open_notebook(ada)
    refused = client.post(f"/account/changes/{change.pk}/take-back/")
    assert refused.status_code == 422
    assert "Add one of yourself" in refused.content.decode()
    monkeypatch.setattr("faceauth.policy.capacity.mfa_required", lambda *args: True)
    add_passkey(open_notebook(ada))
    assert take_back(open_notebook(ada), "passkey_added").status_code == 422
    assert Passkey.objects.exists()
    assert AccountChange.objects.filter(answered=None).count() == 2


def test_it_takes_a_fresh_face_and_second_factor(ada: User) -> None:
    with_app(ada)
    change = AccountChange.objects.create(user=ada, kind="app_added", subject=str(AuthenticatorApp.objects.get().pk))
    url = f"/account/changes/{change.pk}/take-back/"
    late, half = open_notebook(ada, seen=False), open_notebook(ada, lock=False)
    assert late.post(url)["Location"] == "/reauthenticate/?next=%2Faccount%2F%23changes"
    assert half.post(url)["Location"].startswith("/login/second-factor/")
    assert half.post(url, headers=JSON).status_code == 403
    assert authenticators.has_mfa(ada)


def test_that_it_was_taken_back_is_shown_next_time(ada: User) -> None:
    add_passkey(open_notebook(ada))
    take_back(open_notebook(ada), "passkey_added")
    assert "A change was taken back: <bdi>A passkey was added</bdi>" in home(open_notebook(ada))


def test_a_change_is_taken_back_once(ada: User) -> None:
    change = AccountChange.objects.create(user=ada, kind="photos_changed", subject="open")
    client = open_notebook(ada)
    assert client.post(f"/account/changes/{change.pk}/take-back/").status_code == 302
    photo_logins.choose(ada, PhotoLogin.Choice.NEVER)
    assert client.post(f"/account/changes/{change.pk}/take-back/").status_code == 404
    assert photo_logins.choice_of(ada) == PhotoLogin.Choice.NEVER

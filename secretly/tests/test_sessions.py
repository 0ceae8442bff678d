"""How long a session lasts, what its row gives away, and what two answers at once save."""

import logging
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as DjangoSession
from django.core.management import call_command
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from secretly.models import Session
from secretly.sessions import SessionStore, row_key


class Clock:
    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def wait(self, minutes: float) -> None:
        self.passed += timedelta(minutes=minutes)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", clock.now)
    monkeypatch.setattr("secretly.sessions.time.time", lambda: clock.now().timestamp())
    return clock


@pytest.fixture
def visitor(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    return client


def test_the_session_ends_after_fifteen_minutes_of_silence(visitor: Client, clock: Clock) -> None:
    clock.wait(14)
    assert visitor.get("/").status_code == 200
    clock.wait(15.1)
    assert visitor.get("/")["Location"] == "/login/?next=/"


def test_every_answer_starts_the_silence_anew(visitor: Client, clock: Clock) -> None:
    for _ in range(5):
        clock.wait(14)
        assert visitor.get("/").status_code == 200


def test_signing_out_ends_the_session_on_the_server(visitor: Client) -> None:
    cookie = visitor.cookies["sessionid"].value
    visitor.post("/logout/")
    thief = Client()
    thief.cookies["sessionid"] = cookie
    assert thief.get("/")["Location"] == "/login/?next=/"


def test_the_cookie_lasts_until_the_browser_closes_and_scripts_cannot_read_it(visitor: Client) -> None:
    visitor.get("/")
    cookie = visitor.cookies["sessionid"]
    assert (cookie["max-age"], cookie["expires"]) == ("", "")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"


# The absolute end -----------------------------------------------------------------------------------------------------


def stay_busy(visitor: Client, clock: Clock, hours: float) -> None:
    for _ in range(round(hours * 6)):
        clock.wait(10)
        visitor.get("/")


def test_a_busy_session_ends_twelve_hours_after_the_sign_in(visitor: Client, clock: Clock) -> None:
    stay_busy(visitor, clock, 11.8)
    assert visitor.get("/").status_code == 200
    clock.wait(13)
    assert visitor.get("/")["Location"] == "/login/?next=/"


def test_the_lifetime_is_a_setting(owner: User, clock: Clock, settings: Settings) -> None:
    settings.SESSION_LIFETIME = 3600
    visitor = Client()
    visitor.force_login(owner)
    stay_busy(visitor, clock, 0.9)
    assert visitor.get("/").status_code == 200
    clock.wait(10)
    assert visitor.get("/").status_code == 302


def test_the_lifetime_begins_at_the_sign_in_not_at_the_first_page(owner: User, clock: Clock) -> None:
    visitor = Client()
    session = visitor.session
    session["seen"] = 1
    session.save()
    visitor.cookies["sessionid"] = str(session.session_key)
    for _ in range(70):  # 11 hours and 40 minutes at the sign-in page
        clock.wait(10)
        session = visitor.session
        session["seen"] += 1
        session.save()
    visitor.force_login(owner)
    stay_busy(visitor, clock, 1)
    assert visitor.get("/").status_code == 200


def test_a_new_key_does_not_prolong_the_session(visitor: Client, owner: User, clock: Clock) -> None:
    """`update_session_auth_hash` changes the key when somebody ends their other sessions."""
    stay_busy(visitor, clock, 11.9)
    request = HttpRequest()
    request.session, request.user = visitor.session, owner
    update_session_auth_hash(request, owner)
    request.session.save()
    visitor.cookies["sessionid"] = str(request.session.session_key)
    assert visitor.get("/").status_code == 200
    clock.wait(10)
    assert visitor.get("/").status_code == 302


# The row --------------------------------------------------------------------------------------------------------------


def row_of(client: Client) -> Session:
    return Session.objects.get(session_key=row_key(client.cookies["sessionid"].value))


def test_the_database_holds_neither_the_key_nor_the_data(visitor: Client, owner: User) -> None:
    session = visitor.session
    session["word"] = "kettle"
    session.save()
    [row] = DjangoSession.objects.all()
    key = visitor.cookies["sessionid"].value
    assert row.session_key != key
    assert key not in row.session_data
    assert row.get_decoded() == {}  # Django's own decoding reads nothing
    assert "kettle" not in row.session_data
    assert row_of(visitor).get_decoded()["word"] == "kettle"


def test_the_name_of_a_row_is_no_key(visitor: Client) -> None:
    thief = Client()
    thief.cookies["sessionid"] = row_of(visitor).session_key
    assert thief.get("/").status_code == 302


def test_a_row_copied_under_another_name_opens_nothing(visitor: Client, caplog: pytest.LogCaptureFixture) -> None:
    thief = Client()
    session = thief.session
    session["own"] = 1
    session.save()
    thief.cookies["sessionid"] = str(session.session_key)
    Session.objects.filter(pk=row_of(thief).pk).update(session_data=row_of(visitor).session_data)
    with caplog.at_level(logging.ERROR, "secretly.sessions"):
        assert thief.get("/").status_code == 302
    assert row_key(str(session.session_key)) in caplog.text


@pytest.mark.parametrize("change", ["other bytes", "no base64", "empty"])
def test_a_changed_row_opens_nothing(visitor: Client, change: str) -> None:
    row = row_of(visitor)
    data = row.session_data
    other = {"other bytes": data[:-6] + ("A" if data[-6] != "A" else "B") + data[-5:], "no base64": "?", "empty": ""}
    Session.objects.filter(pk=row.pk).update(session_data=other[change])
    assert visitor.get("/").status_code == 302


def test_moving_the_date_of_a_row_does_not_prolong_the_session(visitor: Client, clock: Clock) -> None:
    clock.wait(12 * 60 + 1)
    Session.objects.update(expire_date=clock.now() + timedelta(days=1))
    assert visitor.get("/").status_code == 302


def test_a_new_secret_key_ends_all_sessions(visitor: Client, settings: Settings) -> None:
    settings.SECRET_KEY = "another"
    assert visitor.get("/").status_code == 302


def test_a_row_written_by_djangos_own_engine_opens_nothing(owner: User) -> None:
    visitor = Client()
    visitor.force_login(owner)
    old = import_module("django.contrib.sessions.backends.db").SessionStore()
    old.update(visitor.session.items())
    old.create()
    visitor.cookies["sessionid"] = old.session_key
    assert visitor.get("/").status_code == 302


def test_rows_can_be_read_and_ended_by_their_names(visitor: Client, owner: User) -> None:
    name = row_of(visitor).session_key
    assert SessionStore.load_row(name)["_auth_user_id"] == str(owner.pk)
    SessionStore.delete_row(name)
    assert SessionStore.load_row(name) == {}
    assert visitor.get("/").status_code == 302


def test_clearsessions_deletes_what_is_over_and_nothing_else(visitor: Client, clock: Clock) -> None:
    call_command("clearsessions")
    assert Session.objects.count() == 1
    clock.wait(16)
    call_command("clearsessions")
    assert Session.objects.count() == 0


def test_a_planted_session_is_not_taken_over(owner: User) -> None:
    """Somebody who makes a browser use a session that they know gets nothing of what is opened in it."""
    thief = Client()
    session = thief.session
    session["planted"] = True
    session.save()
    victim = Client()
    victim.cookies["sessionid"] = session.session_key or ""
    victim.force_login(owner, backend="faceauth.backends.FaceBackend")
    assert victim.session.session_key != session.session_key
    assert thief.get("/").status_code == 302


def test_a_made_up_session_key_is_not_used(db: None) -> None:
    client = Client()
    client.cookies["sessionid"] = "a" * 32
    client.post("/login/", {"image": "nothing"})
    assert not Session.objects.exists()

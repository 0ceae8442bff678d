"""How long a session lasts, what its row gives away, and what two answers at once save."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session as DjangoSession
from django.core.management import call_command
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from secretly import sessions
from secretly.models import Session
from secretly.sessions import SessionStore, merged, merged_messages, row_key


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


# Two answers at once --------------------------------------------------------------------------------------------------


@pytest.fixture
def key(db: None) -> str:
    store = SessionStore()
    store.update({"pending": {"user": "1", "tries": 0}, "spent": "once", "kept": 1})
    store.save()
    return str(store.session_key)


def after(key: str, *changes: Callable[[SessionStore], None]) -> dict[str, Any]:
    """The data after each change, made by a request that began before the others had ended."""
    stores = [SessionStore(key) for _ in changes]
    for store in stores:
        store.get("kept")  # loads it
    for store, change in zip(stores, changes, strict=True):
        change(store)
        store.save()
    return SessionStore(key).load()


def try_a_code(store: SessionStore) -> None:
    pending = store["pending"]
    pending["tries"] += 1
    store["pending"] = pending


def test_both_changes_are_kept(key: str) -> None:
    data = after(key, lambda one: one.update({"a": 1}), lambda other: other.update({"b": 2}))
    assert (data["a"], data["b"], data["kept"]) == (1, 2, 1)


def test_a_request_that_changes_nothing_undoes_nothing(key: str) -> None:
    data = after(key, lambda one: one.update({"kept": 2, "a": 1}), lambda other: None)
    assert (data["a"], data["kept"]) == (1, 2)


def test_what_was_used_up_stays_used_up(key: str) -> None:
    data = after(key, lambda one: one.pop("spent"), lambda other: other.update({"b": 2}))
    assert "spent" not in data


def test_tries_are_added_up(key: str) -> None:
    assert after(key, try_a_code, try_a_code, try_a_code)["pending"] == {"user": "1", "tries": 3}


def test_a_try_does_not_revive_what_has_ended(key: str) -> None:
    assert "pending" not in after(key, lambda one: one.pop("pending"), try_a_code)


def messages(*texts: str) -> str:
    return json.dumps([["__json_message", 0, 25, text, ""] for text in texts])


def test_messages_of_both_are_kept_and_shown_ones_are_gone() -> None:
    before, mine, theirs = messages("shown"), messages(), messages("shown", "from another tab")
    assert merged_messages(before, mine, theirs) == messages("from another tab")
    assert merged_messages(None, messages("a", "a"), messages("b")) == messages("b", "a", "a")
    assert merged_messages(messages("a"), None, messages("a")) is None
    assert merged({"_messages": before}, {}, {"_messages": before}) == {}


def test_an_unchanged_session_is_saved_with_one_statement(
    key: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    store = SessionStore(key)
    store.get("kept")
    with django_assert_num_queries(1):
        store.save()


@pytest.mark.parametrize("change", [lambda store: None, lambda store: store.update({"late": 1})])
def test_an_ended_session_is_not_saved_anew(key: str, change: Callable[[SessionStore], None]) -> None:
    store = SessionStore(key)
    store.get("kept")
    SessionStore(key).delete()
    change(store)
    with pytest.raises(UpdateError):
        store.save()
    assert not Session.objects.exists()


def test_a_database_that_fails_is_no_ended_session(key: str) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError

    store = SessionStore(key)
    store["b"] = 1
    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        store.save()


@pytest.mark.django_db(transaction=True)
def test_ten_requests_at_once_lose_nothing() -> None:
    store = SessionStore()
    store["pending"] = {"tries": 0}
    store.save()
    key = str(store.session_key)
    loaded = threading.Barrier(10)

    def answer(number: int) -> None:
        one = SessionStore(key)
        one[f"n{number}"] = number
        loaded.wait(20)
        try_a_code(one)
        one.save()
        connection.close()

    threads = [threading.Thread(target=answer, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = SessionStore(key).load()
    assert data == {"pending": {"tries": 10}} | {f"n{number}": number for number in range(10)}


def test_a_key_is_not_taken_twice(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter([key, "another" * 4])
    monkeypatch.setattr(SessionStore, "_get_new_session_key", lambda self: next(keys))
    store = SessionStore()
    store.create()
    assert store.session_key == "another" * 4
    assert SessionStore(key).load()["kept"] == 1


def test_the_data_of_one_row_is_sealed_differently_each_time(key: str) -> None:
    first = sessions.seal(b"{}", "name")
    assert first != sessions.seal(b"{}", "name")
    assert sessions.unseal(first, "name") == b"{}"
    assert sessions.unseal(first, "another name") is None

"""What two requests save that use one session at once."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from secretly import sessions
from secretly.models import Session
from secretly.sessions import SessionStore, merged, merged_messages


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
    store.save()
    assert store.session_key == "another" * 4
    assert SessionStore(key).load()["kept"] == 1


def test_the_data_of_one_row_is_sealed_differently_each_time(key: str) -> None:
    first = sessions.seal(b"{}", "name")
    assert first != sessions.seal(b"{}", "name")
    assert sessions.unseal(first, "name") == b"{}"
    assert sessions.unseal(first, "another name") is None


def test_what_was_just_saved_is_not_written_again_with_the_answer(key: str) -> None:
    store = SessionStore(key)
    store["more"] = 1
    store.save()
    with CaptureQueriesContext(connection) as queries:
        store.save()
    assert len(queries) == 0
    store["more"] = 2
    store.save()
    assert SessionStore(key)["more"] == 2


def test_a_session_that_changes_its_name_is_inserted_once_with_all_that_is_in_it(key: str) -> None:
    store = SessionStore(key)
    with CaptureQueriesContext(connection) as queries:
        store.cycle_key()
        store["more"] = 1
        store.save()
    assert [query["sql"].split()[0] for query in queries if "django_session" in query["sql"]] == [
        "SELECT",
        "DELETE",
        "INSERT",
    ]
    assert SessionStore(store.session_key)["more"] == 1
    assert not SessionStore(key).exists(key)

"""What load balancers and monitors are told."""

import json
import threading
from collections.abc import Iterator

import pytest
from django.core.cache import caches
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from faceauth.rekognition.collection import Collection
from faceauth.rekognition.errors import RekognitionError
from notes import storage
from secretly import health

SECRET = "postgres://secretly:hunter2@10.1.2.3/secretly"


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[health.Watch]:
    """One that has seen nothing yet."""
    fresh = health.Watch()
    monkeypatch.setattr(health, "watch", fresh)
    yield fresh
    fresh.pool.shutdown()


@pytest.fixture
def collection(transactional_db: None, settings: Settings) -> Iterator[None]:
    there = Collection(settings.FACEAUTH["COLLECTION"])
    there.create()
    yield
    there.delete()


def broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise {"database": OperationalError, "rekognition": RekognitionError}.get(name, OSError)(SECRET)

    monkeypatch.setitem(health.PARTS, name, fail)


def test_alive_without_a_database(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"alive\n")
    assert not answer.cookies


def test_ready_with_the_time_that_each_part_took(client: Client, collection: None) -> None:
    answer = client.get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["ready"]) == (200, True)
    assert set(told["parts"]) == {"database", "cache", "storage", "rekognition"}
    for state in told["parts"].values():
        assert state["ok"] is True
        assert 0 < state["ms"] < 3000
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["database", "cache", "storage", "rekognition"])
def test_a_part_that_is_down_is_named_and_nothing_else_is_said(
    name: str, client: Client, collection: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken(name, monkeypatch)
    answer = client.get("/readyz")
    parts = answer.json()["parts"]
    assert answer.status_code == 503
    assert [part for part, state in parts.items() if not state["ok"]] == [name]
    assert "hunter2" not in answer.content.decode() + caplog.text
    assert "10.1.2.3" not in answer.content.decode() + caplog.text
    assert f"{name} does not answer" in caplog.text


def test_each_part_is_really_looked_at(
    transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the collection, with a cache that forgets, and with a storage that may not be written."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    monkeypatch.setattr("os.access", lambda *args, **kwargs: False)
    states = health.Watch().states()
    assert {name: state.ok for name, state in states.items()} == {
        "database": True,
        "cache": False,
        "storage": False,
        "rekognition": False,
    }
    assert caches["default"].get("anything") is None


def test_the_bucket_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> bool:
        raise PermissionError(name)

    monkeypatch.setattr(default_storage, "exists", refuse)
    with pytest.raises(storage.StorageDown):
        storage.reach()


def test_a_storm_of_probes_costs_one_look(
    client: Client, watch: health.Watch, collection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setitem(health.PARTS, "database", lambda: looks.append(1))
    for _ in range(200):
        client.get("/readyz")
    assert len(looks) == 1
    watch.until = 0
    client.get("/readyz")
    assert len(looks) == 2


def test_a_part_that_hangs_holds_up_nobody(
    watch: health.Watch, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(health, "WITHIN", 0.3)
    hang = threading.Event()
    tries = []

    def hanging() -> None:
        tries.append(1)
        hang.wait(20)  # and then all is well, for whoever waits as long

    monkeypatch.setitem(health.PARTS, "cache", hanging)
    try:
        assert watch.states()["cache"].ok is False
        watch.until = 0
        assert watch.states()["cache"].ok is False
        assert len(tries) == 1  # it is not asked again while it hangs
    finally:
        hang.set()
    watch.looks["cache"].result(5)
    monkeypatch.setitem(health.PARTS, "cache", lambda: None)
    watch.until = 0
    assert watch.states()["cache"].ok is True


def test_while_one_looks_others_are_told_what_was_seen(watch: health.Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.seen = {"database": health.State(True, 1.0)}
    with watch.lock:
        assert watch.states() == {"database": health.State(True, 1.0)}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_mind_neither_host_nor_https_and_leave_no_session(
    path: str, settings: Settings, collection: None
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.METRICS_TOKEN = "token"
    client = Client(headers={"host": "10.0.0.7:8000", "authorization": "Bearer token"})
    answer = client.get(path)
    assert answer.status_code == 200
    assert not answer.cookies
    assert client.get("/login/").status_code in (301, 400)
    assert client.post(path).status_code == 405


def test_everything_else_still_minds_the_host(client: Client) -> None:
    for path in ("/healthz/", "/login/", "/"):
        assert Client(headers={"host": "elsewhere.example"}).get(path).status_code == 400


def test_what_is_told_is_json_of_numbers_alone(client: Client, collection: None) -> None:
    told = json.loads(client.get("/readyz").content)
    assert {type(value) for state in told["parts"].values() for value in state.values()} <= {bool, float}

"""`/healthz` and `/readyz`, for load balancers and monitors."""

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
def health_check(monkeypatch: pytest.MonkeyPatch) -> Iterator[health.HealthCheck]:
    """A health check that has not run yet."""
    fresh = health.HealthCheck()
    monkeypatch.setattr(health, "health_check", fresh)
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


def test_healthz_answers_without_a_database(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"alive\n")
    assert not answer.cookies


def test_readyz_gives_the_time_that_each_part_took(client: Client, collection: None) -> None:
    answer = client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["ready"]) == (200, True)
    assert set(body["parts"]) == {"database", "cache", "storage", "rekognition"}
    for state in body["parts"].values():
        assert state["ok"] is True
        assert 0 < state["ms"] < 3000
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["database", "cache", "storage", "rekognition"])
def test_readyz_names_a_part_that_is_down_and_says_nothing_else(
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


def test_the_code_of_a_storage_that_refuses_is_logged(
    client: Client, collection: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise storage.StorageDown("The storage took no file (InvalidArgument (400)).")

    monkeypatch.setitem(health.PARTS, "storage", refuse)
    assert client.get("/readyz").status_code == 503
    assert "InvalidArgument (400)" in caplog.text


def test_each_part_is_really_checked(
    transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the collection, with a cache that forgets, and with a storage that may not be written."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    monkeypatch.setattr("os.access", lambda *args, **kwargs: False)
    states = health.HealthCheck().states()
    assert {name: state.ok for name, state in states.items()} == {
        "database": True,
        "cache": False,
        "storage": False,
        "rekognition": False,
    }
    assert caches["default"].get("anything") is None


def test_a_bucket_that_refuses_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> bool:
        raise PermissionError(name)

    monkeypatch.setattr(default_storage, "exists", refuse)
    with pytest.raises(storage.StorageDown):
        storage.reach()


def test_many_probes_cost_one_check(
    client: Client, health_check: health.HealthCheck, collection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = []
    monkeypatch.setitem(health.PARTS, "database", lambda: checks.append(1))
    for _ in range(200):
        client.get("/readyz")
    assert len(checks) == 1
    health_check.until = 0
    client.get("/readyz")
    assert len(checks) == 2


def test_a_part_that_hangs_delays_nobody(
    health_check: health.HealthCheck, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(health, "WITHIN", 0.3)
    hang = threading.Event()
    tries = []

    def hanging() -> None:
        tries.append(1)
        hang.wait(20)  # and then all is well, for whoever waits as long

    monkeypatch.setitem(health.PARTS, "cache", hanging)
    try:
        assert health_check.states()["cache"].ok is False
        health_check.until = 0
        assert health_check.states()["cache"].ok is False
        assert len(tries) == 1  # it is not asked again while it hangs
    finally:
        hang.set()
    health_check.checks["cache"].result(5)
    monkeypatch.setitem(health.PARTS, "cache", lambda: None)
    health_check.until = 0
    assert health_check.states()["cache"].ok is True


def test_while_one_thread_checks_others_get_the_last_result(
    health_check: health.HealthCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    health_check.states_seen = {"database": health.State(True, 1.0)}
    with health_check.lock:
        assert health_check.states() == {"database": health.State(True, 1.0)}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_need_neither_host_nor_https_and_open_no_session(
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


def test_every_other_path_checks_the_host(client: Client) -> None:
    for path in ("/healthz/", "/login/", "/"):
        assert Client(headers={"host": "elsewhere.example"}).get(path).status_code == 400


def test_readyz_holds_only_booleans_and_numbers(client: Client, collection: None) -> None:
    body = json.loads(client.get("/readyz").content)
    assert {type(value) for state in body["parts"].values() for value in state.values()} <= {bool, float}

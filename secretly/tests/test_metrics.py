"""The metrics for Prometheus: right numbers from all workers, and no names."""

import os
import re
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from faceauth.local import transport
from faceauth.models import SignIn
from faceauth.rekognition.collection import Collection
from faceauth.rekognition.errors import RekognitionError
from faceauth.tests import pictures
from notes.tests.conftest import BACKEND
from secretly import metrics
from secretly.tests.machines import Machine, Visitor, running, wait_until

TOKEN = "a token of nobody's"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """The values by name and labels."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{one.name}{sorted(one.labels.items())}": one.value for one in found}


def labels(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for name, value in sample.labels.items():
                found.setdefault(name, set()).add(value)
    return found


class Counting:
    """The change of each number since this was made."""

    def __init__(self) -> None:
        self.before = self.now()

    def now(self) -> Samples:
        return samples(metrics.exposition().decode())

    def changed(self, name: str, **labels: str) -> float:
        key = f"{name}{sorted(labels.items())}"
        return self.now().get(key, 0) - self.before.get(key, 0)


@pytest.fixture
def counting(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Counting:
    monkeypatch.setattr(metrics, "state_collector", metrics.StateCollector())
    monkeypatch.setattr(metrics, "SIZE_FOR", 0)
    return Counting()


def test_without_the_setting_there_are_no_metrics(client: Client, settings: Settings, db: None) -> None:
    settings.METRICS_TOKEN = ""
    for given in ("", "Bearer", "Bearer "):
        assert client.get("/metrics", headers={"authorization": given}).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer another", f"Basic {TOKEN}", TOKEN, "Bearer é"])
def test_a_wrong_token_is_refused(client: Client, settings: Settings, given: str, db: None) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"authorization": given})
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_right_token_gets_the_metrics(client: Client, settings: Settings, counting: Counting) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "secretly_part_up[('part', 'database')]" in samples(answer.content.decode())


def test_sign_ins_are_counted(counting: Counting, client: Client, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "open"}
    Collection(settings.FACEAUTH["COLLECTION"]).create()
    for picture in (pictures.hopper(), pictures.another(pictures.hopper()), pictures.landscape()):
        client.post("/login/", {"file": uploaded(picture)})
        client.post("/logout/")
    attempts = "secretly_sign_ins_total"
    assert counting.changed(attempts, outcome="enrolled", reason="", method="file") == 1
    assert counting.changed(attempts, outcome="recognised", reason="", method="file") == 1
    assert counting.changed(attempts, outcome="refused", reason="no_face", method="file") == 1
    assert counting.changed("secretly_request_seconds_count", view="faceauth:login", method="POST") == 3
    assert counting.changed("secretly_requests_total", view="faceauth:login", method="POST", status="422") == 1
    assert counting.changed("secretly_rekognition_seconds_count", operation="IndexFaces") == 1
    assert 0 < counting.changed("secretly_rekognition_seconds_sum", operation="IndexFaces") < 10
    assert counting.now()["secretly_collection_faces[]"] == 1
    assert counting.now()["secretly_collection_users[]"] == 1


def uploaded(picture: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("me.jpg", picture, "image/jpeg")


def test_failed_calls_are_counted_by_their_error(
    counting: Counting, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Collection(settings.FACEAUTH["COLLECTION"])
    with pytest.raises(RekognitionError):
        there.describe()  # there is none
    monkeypatch.setattr(transport, "answer", out_of_order)
    with pytest.raises(RekognitionError):
        list(there.faces())
    failed = "secretly_rekognition_errors_total"
    assert counting.changed(failed, operation="DescribeCollection", error="ResourceNotFoundException") >= 1
    assert counting.changed(failed, operation="ListFaces", error="ReadTimeoutError") == 1
    assert "secretly_collection_faces[]" not in counting.now()


def out_of_order(*args: Any) -> None:
    raise ReadTimeoutError(endpoint_url="https://10.1.2.3")


def test_only_saved_notes_are_counted(counting: Counting, owner: User) -> None:
    client = Client(headers={"accept": "application/json"})
    client.force_login(owner, BACKEND)
    saved = client.post("/", {"text": "one"}).json()
    assert client.post(saved["url"], {"text": "two", "version": "1"}).json()["outcome"] == "saved"
    assert client.post(saved["url"], {"text": "three", "version": "1"}).json()["outcome"] == "conflict"
    assert client.post("/", {"text": " "}).json()["outcome"] == "refused"
    assert counting.changed("secretly_notes_saved_total") == 2


def test_no_label_identifies_anybody(counting: Counting, owner: User) -> None:
    client = Client(headers={"user-agent": "kettle/1.0"})
    client.force_login(owner, BACKEND)
    note = client.post("/", {"text": "kettle"}, headers={"accept": "application/json"}).json()["url"]
    for address in (note, "/nothing/kettle/", f"/search/?words=kettle&who={owner.username}"):
        client.get(address)
    client.generic("KETTLE", "/")
    text = metrics.exposition().decode()
    assert "kettle" not in text.lower()
    assert owner.username not in text
    assert note.split("/")[2] not in text
    assert "127.0.0.1" not in text
    found = labels(text)
    assert set(found) <= {"view", "method", "status", "outcome", "reason", "operation", "error", "part", "le"}
    assert found["method"] <= {"GET", "HEAD", "POST", "other", "", *SignIn.Method.values}
    assert {"notes:note", "none"} <= found["view"]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)


def test_probes_do_not_count_as_requests(counting: Counting, client: Client) -> None:
    client.get("/healthz")
    assert counting.changed("secretly_requests_total", view="none", method="GET", status="200") == 0


@pytest.mark.slow
def test_all_workers_count_together_and_ended_ones_too(tmp_path: Path, installation: Path) -> None:
    """Two workers; one is killed in the middle of a request, and a reload replaces both."""
    machine = Machine(tmp_path / "home", {"SECRETLY_METRICS_TOKEN": TOKEN, "WEB_CONCURRENCY": "2"})
    machine.install_like(installation)
    with running(machine):
        ask_many(machine, 60)
        first = machine.workers()
        held = hold(machine)  # requests that never end
        assert counted(machine) == 61  # one more, for the CSRF token
        for worker in first:
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(set(machine.workers()) - set(first)) == 2)
        for connection in held:
            connection.close()
        assert counted(machine) == 61
        ask_many(machine, 40)
        assert counted(machine) == 101
        assert told(machine)["secretly_requests_in_progress[]"] == 0
        assert machine.process is not None
        second = machine.workers()
        os.kill(machine.process.pid, signal.SIGHUP)
        wait_until(lambda: len(machine.workers()) == 2 and not set(machine.workers()) & set(second))
        ask_many(machine, 20)
        assert counted(machine) == 121
        assert told(machine)["secretly_part_up[('part', 'database')]"] == 1
    with running(machine):  # a new start counts from zero
        ask_many(machine, 5)
        assert counted(machine) == 5


def told(machine: Machine) -> Samples:
    status, _, text = machine.ask("/metrics", BEARER)
    assert status == 200
    return samples(text)


def counted(machine: Machine) -> float:
    return told(machine).get(
        "secretly_requests_total[('method', 'GET'), ('status', '200'), ('view', 'faceauth:login')]", 0
    )


def ask_many(machine: Machine, count: int) -> None:
    def some() -> None:
        for _ in range(count // 5):
            Visitor().get(machine, "/login/")

    threads = [threading.Thread(target=some) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def hold(machine: Machine) -> list[socket.socket]:
    """Begin to send a photo too large to be buffered, and stop. Two of these leave threads for others."""
    visitor = Visitor()
    visitor.get(machine, "/login/")
    head = "POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n"
    head += f"Content-Length: 10000000\r\nCookie: csrftoken={visitor.cookies['csrftoken']}\r\n\r\n--B\r\n"
    held = [socket.create_connection(("127.0.0.1", machine.port)) for _ in range(2)]
    for connection in held:
        connection.sendall(head.encode())
    wait_until(lambda: told(machine)["secretly_requests_in_progress[]"] == 2)
    return held

"""Every line has the id of its request, and none holds anything private."""

import base64
import http.client
import io
import json
import logging
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from faceauth.tests import pictures
from secretly import logs, proxies
from secretly.tests.machines import Machine, Visitor, running, wait_until

logger = logging.getLogger("secretly.tests")


def telling(request: HttpRequest) -> HttpResponse:
    logger.info("the view speaks", extra={"picture": b"\xff\xd8", "request": request})
    return HttpResponse(logs.request_id.get())


def streaming(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        logger.info("the stream speaks")
        yield logs.request_id.get()

    return StreamingHttpResponse(pieces())


def failing(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


urlpatterns = [
    path("telling/", telling, name="telling"),
    path("streaming/", streaming),
    path("failing/", failing, name="failing"),
    path("", include("secretly.urls")),
]
handler500 = "secretly.views.broken"


@pytest.mark.slow
def test_head_requests_log_no_warning(tmp_path: Path, installation: Path) -> None:
    machine = Machine(tmp_path / "home", {"SECRETLY_LOG": "json"})
    machine.install_like(installation)
    with running(machine):
        done = http.client.HTTPConnection("127.0.0.1", machine.port)
        for address in ("/healthz", "/login/"):
            done.request("HEAD", address)
            answer = done.getresponse()
            assert (answer.status, answer.read()) == (200, b"")
    assert '"WARNING"' not in machine.logged()


@pytest.fixture
def output(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that is logged, as the site's settings for JSON write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    handler.addFilter(logs.RequestIdFilter())
    requests = logging.getLogger("secretly.requests")
    root, level = logging.getLogger(), requests.level
    root.addHandler(handler)
    requests.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    requests.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.urls(__name__)
def test_every_line_of_a_request_has_its_id(client: Client, output: io.StringIO) -> None:
    answers = [client.get("/telling/") for _ in range(2)]
    first, second = (answer.headers["X-Request-Id"] for answer in answers)
    assert first != second
    assert answers[0].content.decode() == first
    assert [(line["message"], line["request_id"]) for line in lines(output) if line["logger"] == "secretly.tests"] == [
        ("the view speaks", first),
        ("the view speaks", second),
    ]


@pytest.mark.urls(__name__)
def test_a_line_gives_the_view_and_the_status(client: Client, output: io.StringIO, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = proxies.networks(["127.0.0.1"])
    client.get("/telling/?words=kettle", headers={"x-request-id": "0123456789abcdef"})
    [line] = [line for line in lines(output) if line["logger"] == "secretly.requests"]
    assert line["ms"] >= 0
    assert line["message"].startswith("GET telling: 200 in ")
    del line["ms"], line["message"], line["time"]
    assert line == {
        "level": "INFO",
        "logger": "secretly.requests",
        "request_id": "0123456789abcdef",
        "view": "telling",
        "method": "GET",
        "status": 200,
    }


@pytest.mark.urls(__name__)
def test_json_has_only_the_named_fields(client: Client, output: io.StringIO) -> None:
    client.get("/telling/")
    fields = {name for line in lines(output) for name in line}
    assert fields == {"time", "level", "logger", "message", "request_id", *logs.FIELDS}


@pytest.mark.urls(__name__)
def test_an_id_is_taken_from_a_trusted_proxy(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = proxies.networks(["127.0.0.1"])
    for given in ("0123456789abcdef0123456789abcdef", "01JD8Q2V6Y0Q4T0Z", "3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77"):
        assert client.get("/telling/", headers={"x-request-id": given}).headers["X-Request-Id"] == given


@pytest.mark.urls(__name__)
def test_a_clients_own_id_is_not_taken(client: Client, settings: Settings) -> None:
    given = {"x-request-id": "0123456789abcdef"}
    assert client.get("/telling/", headers=given).headers["X-Request-Id"] != "0123456789abcdef"
    settings.TRUSTED_PROXIES = proxies.networks(["10.0.0.1"])
    assert client.get("/telling/", headers=given).headers["X-Request-Id"] != "0123456789abcdef"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "two words here", "a\tb\tc\td\te", 'a"},{"level":"x', "ünfug-ünfug"]
)
def test_a_malformed_id_is_replaced(client: Client, output: io.StringIO, settings: Settings, given: str) -> None:
    settings.TRUSTED_PROXIES = proxies.networks(["127.0.0.1"])
    made = client.get("/telling/", headers={"x-request-id": given}).headers["X-Request-Id"]
    assert len(made) == 32
    assert {line["request_id"] for line in lines(output)} == {made}


@pytest.mark.urls(__name__)
def test_a_streamed_answer_keeps_its_id(client: Client, output: io.StringIO) -> None:
    answer = client.get("/streaming/")
    assert b"".join(answer).decode() == answer.headers["X-Request-Id"]


@pytest.mark.urls(__name__)
def test_the_500_page_shows_the_id_that_is_in_the_log(output: io.StringIO) -> None:
    answer = Client(raise_request_exception=False).get("/failing/")
    name = answer.headers["X-Request-Id"]
    assert answer.status_code == 500
    assert f"<code>{name}</code>" in answer.content.decode()
    [error] = [line for line in lines(output) if line["level"] == "ERROR"]
    assert error["request_id"] == name
    assert 'raise RuntimeError("broken")' in error["traceback"]


def test_lines_for_people_have_an_id_too(capsys: pytest.CaptureFixture[str]) -> None:
    configuration = logs.configuration("line")
    formatter = logging.Formatter(configuration["formatters"]["line"]["format"])
    record = logging.LogRecord("secretly", logging.INFO, "", 0, "hello", None, None)
    logs.RequestIdFilter().filter(record)
    assert formatter.format(record).endswith("INFO secretly [-]: hello")


@pytest.mark.slow
def test_no_private_data_is_logged(tmp_path: Path, installation: Path) -> None:
    """A real server with JSON logs: people sign in, write, attach and search; pictures and tables are broken."""
    face, other = pictures.hopper(), pictures.collins()
    machine = Machine(tmp_path / "home", {"SECRETLY_LOG": "json", "SECRETLY_PHOTOS": "open"})
    machine.install_like(installation)
    with running(machine):
        visitor = Visitor()
        assert visitor.show(machine, face)[0] == 200
        assert visitor.write(machine, "kettle-1 is in the kitchen")[0] == 200
        visitor.post(machine, "/search/", {"words": "kettle-2"})
        visitor.show(machine, b"GIF89a kettle-3" * 50)
        url = "data:image/jpeg;base64," + base64.b64encode(face).decode()
        assert Visitor().post(machine, "/login/", {"image": url})[0] == 403  # without a token
        camera = Visitor()
        camera.get(machine, "/login/")
        assert camera.post(machine, "/login/", {"image": url})[0] == 200
        assert camera.post(machine, "/login/", {"image": url[:-100] + "kettle-4"})[0] == 422
        assert camera.post(machine, "/login/", {"image": "data:image/png;base64,kettle-5"})[0] == 422
        assert camera.show(machine, face[: len(face) // 2])[0] in (200, 422)
        visitor.get(machine, "/nothing/kettle-6/")
        note = visitor.write(machine, "kettle-7")[1]["url"]
        visitor.show(machine, b"words of kettle-8", f"{note}attach/")
        visitor.post(machine, note, {"text": "kettle-9", "version": "not a number"})
        break_the_faces(machine)
        assert visitor.show(machine, face)[0] in (302, 503)
        assert Visitor().show(machine, other)[0] == 503
        break_the_notes(machine)
        assert visitor.write(machine, "kettle-10")[0] in (500, 503)
        visitor.get(machine, "/")
    logged = machine.logged()
    seen = [json.loads(line) for line in logged.splitlines()]  # every line is JSON, gunicorn's own too
    assert {"secretly.requests", "gunicorn.error", "django.request"} <= {line["logger"] for line in seen}
    assert any("traceback" in line for line in seen)
    assert all(line["request_id"] != "-" for line in seen if line["logger"] in ("secretly.requests", "django.request"))
    for what in secrets(machine, face) + secrets(machine, other):
        assert what not in logged
    assert "kettle" not in logged.replace("/nothing/kettle-6/", "")


def secrets(machine: Machine, picture: bytes) -> list[str]:
    """What a picture, and the keys, could look like in a log."""
    middle = picture[len(picture) // 2 :][:60]
    keys = [(machine.home / name).read_text().strip() for name in ("secret.key", "encryption.key")]
    return [base64.b64encode(middle[:57]).decode()[4:40], middle.hex()[:40], repr(middle)[2:40], *keys]


def break_the_faces(machine: Machine) -> None:
    """Somebody pulls a table out from under the recogniser."""
    sql(machine, "ALTER TABLE faceauth_local_collection RENAME TO pulled")


def break_the_notes(machine: Machine) -> None:
    sql(machine, "ALTER TABLE notes_note RENAME TO pulled_too")


def sql(machine: Machine, statement: str) -> None:
    with sqlite3.connect(machine.home / "secretly.sqlite3", timeout=20) as database:
        database.execute(statement)
    database.close()


@pytest.mark.slow
def test_a_worker_that_is_killed_says_so_in_json(tmp_path: Path, installation: Path) -> None:
    machine = Machine(tmp_path / "home", {"SECRETLY_LOG": "json"})
    machine.install_like(installation)
    with running(machine):
        [worker] = machine.workers()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: machine.workers() not in ([worker], []))
        assert machine.ask("/healthz")[0] == 200
    assert any(str(worker) in json.loads(line)["message"] for line in machine.logged().splitlines())

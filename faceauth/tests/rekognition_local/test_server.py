"""`rekognition_local` as developers start it: options, slow clients, browsers, pictures in S3."""

import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from faceauth.local import command
from faceauth.tests.local_endpoints import client_for, post, serving, signed_headers
from faceauth.tests.pictures import hopper

LIST = "RekognitionService.ListCollections"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Without credentials, and without tables before it starts."""
    with serving(str(tmp_path_factory.mktemp("any")), "--accept-any-credentials", credentials=False) as url:
        yield url


def asked(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


# Start ----------------------------------------------------------------------------------------------------------------


def test_any_credentials_and_a_region_of_the_client(server: str) -> None:
    client = boto3.session.Session().client(
        "rekognition",
        region_name="ap-southeast-2",
        endpoint_url=server,
        aws_access_key_id="somebody",
        aws_secret_access_key="anything",
        aws_session_token="a session",
    )
    arn = client.create_collection(CollectionId="anybody")["CollectionArn"]
    assert arn == "arn:aws:rekognition:ap-southeast-2:000000000000:collection/anybody"
    assert asked(server, "POST", "/", b"{}", X_Amz_Target=LIST)[0] == 200


def test_another_host_name_is_refused_without_credentials(server: str) -> None:
    """A web page could give this machine a name of its own."""
    for host, status in (("localhost:1", 200), ("[::1]", 200), ("evil.example", 400), ("127.0.0.1.evil.example", 400)):
        assert asked(server, "POST", "/", b"{}", X_Amz_Target=LIST, Host=host)[0] == status, host


@pytest.mark.parametrize("bind", ["0.0.0.0:5005", "192.0.2.1:5005", "[::]:5005", "example.org:80", ":5005"])
def test_any_credentials_only_on_the_loopback_interface(bind: str) -> None:
    with pytest.raises(CommandError, match="loopback"):
        call_command("rekognition_local", "--accept-any-credentials", f"--bind={bind}")
    assert not command.is_loopback(bind)


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "127.8.9.10:80", "localhost:5005", "[::1]:5005", "unix:/run/x"])
def test_loopback_addresses(bind: str) -> None:
    assert command.is_loopback(bind)


def test_without_credentials_it_does_not_start(settings: Settings) -> None:
    settings.FACEAUTH = settings.FACEAUTH | {"LOCAL_SECRET_KEYS": {}}
    with pytest.raises(CommandError, match="REKOGNITION_LOCAL_CREDENTIALS"):
        call_command("rekognition_local")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--workers=0"], "at least 1"), (["--error-rate=2"], "share"), (["--error-rate=x"], "share")],
)
def test_arguments_that_cannot_work(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("rekognition_local", *arguments)


def test_the_endpoint_and_an_example_are_printed(settings: Settings) -> None:
    assert "AWS_ACCESS_KEY_ID=any" in command.welcome("http://127.0.0.1:1", True)
    settings.FACEAUTH = settings.FACEAUTH | {"LOCAL_SECRET_KEYS": {"AKIDONE": "hush"}}
    shown = command.welcome("http://127.0.0.1:1", False)
    assert "AKIDONE" in shown
    assert "hush" not in shown
    assert "aws --endpoint-url http://127.0.0.1:1 rekognition create-collection" in shown


def test_it_runs_on_its_own_without_the_site(tmp_path: Path) -> None:
    """As `python -m faceauth.local`; the data is there again after a restart."""
    environment = {"PATH": "/usr/bin:/bin", "REKOGNITION_LOCAL_HOME": str(tmp_path / "home")}
    face_ids: list[str] = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "faceauth.local", "--accept-any-credentials", "--bind=127.0.0.1:0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found
            client = client_for(found[0])
            if not face_ids:
                client.create_collection(CollectionId="people")
            indexed = client.index_faces(CollectionId="people", Image={"Bytes": hopper()})
            face_ids.append(indexed["FaceRecords"][0]["Face"]["FaceId"])
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert face_ids[0] == face_ids[1]
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert (tmp_path / "home" / "encryption.key").stat().st_mode & 0o077 == 0


def test_health(server: str) -> None:
    assert asked(server, "GET", "/health")[::2] == (200, b'{"status": "ok"}')


# Browsers -------------------------------------------------------------------------------------------------------------


def test_scripts_of_pages_on_this_machine_may_call(server: str) -> None:
    for origin in ("http://localhost:3000", "http://127.0.0.1:8080"):
        status, headers, body = asked(
            server, "OPTIONS", "/", Origin=origin, Access_Control_Request_Headers="authorization,x-amz-target"
        )
        assert (status, body) == (204, b"")
        assert headers["access-control-allow-origin"] == origin
        assert "x-amz-target" in headers["access-control-allow-headers"].lower()
        assert "authorization" in headers["access-control-allow-headers"].lower()
        assert "POST" in headers["access-control-allow-methods"]
        answered = asked(server, "POST", "/", b"{}", Origin=origin, X_Amz_Target=LIST)[1]
        assert answered["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://localhost.example.org", "http://[", "*"])
def test_scripts_of_other_pages_may_not(server: str, origin: str) -> None:
    assert "access-control-allow-origin" not in asked(server, "OPTIONS", "/", Origin=origin)[1]


# Slow clients ---------------------------------------------------------------------------------------------------------


def test_many_slow_clients_do_not_stop_it(server: str) -> None:
    """Some send nothing, some half a head, some half a body, small or large: none takes a thread, or room."""
    address = urlsplit(server)
    beginnings = (
        b"",
        b"POST / HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14000000\r\n\r\n{" + b" " * 100_000,
    )
    slow = []
    try:
        for number in range(200):
            connection = socket.create_connection((address.hostname, address.port or 80), 10)
            connection.sendall(beginnings[number % len(beginnings)])
            slow.append(connection)
        started = time.monotonic()
        assert asked(server, "GET", "/health")[0] == 200
        assert asked(server, "POST", "/", b"{}", X_Amz_Target=LIST)[0] == 200
        assert time.monotonic() - started < 5
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.slow
def test_what_comes_too_slowly_is_cut_off(server: str) -> None:
    """A head after ten seconds, a body when a piece of it takes five, however they trickle."""
    address = urlsplit(server)
    head, body = (socket.create_connection((address.hostname, address.port or 80), 30) for _ in range(2))
    with head, body:
        started = time.monotonic()
        head.sendall(b"POST / HTTP/1.1\r\n")
        body.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        stop = threading.Event()

        def trickle() -> None:
            while not stop.wait(0.5):
                for connection in (head, body):
                    with suppress(OSError):
                        connection.sendall(b"x")

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            assert closed(body)
            assert time.monotonic() - started > 4
            assert closed(head)
            assert time.monotonic() - started > 8
        finally:
            stop.set()
            sender.join()


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def test_an_unsigned_request_cannot_hold_memory(tmp_path: Path) -> None:
    """Its body is not read, so 32 of them do not keep others from sending theirs."""
    with serving(str(tmp_path)) as url:
        address = urlsplit(url)
        waiting = []
        for _ in range(40):
            connection = socket.create_connection((address.hostname, address.port or 80), 10)
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14000000\r\n\r\n")
            waiting.append(connection)
        assert all(b"MissingAuthenticationToken" in connection.recv(1000) for connection in waiting)
        assert post(url, signed_headers(url, LIST, b"{}"), b"{}")[0] == 200

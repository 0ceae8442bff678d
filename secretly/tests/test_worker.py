"""Slow clients do not stop the site: real sockets against a real gunicorn, without a proxy."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from faceauth.tests import pictures
from secretly import worker
from secretly.tests.machines import Machine, Visitor, running

HEAD = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n"
QUICK = 5.0  # seconds in which an answer comes on a busy machine, and a third of the shortest deadline


@pytest.mark.parametrize(
    ("received", "rest"),
    [
        (b"", 1),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 1),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        (b"POST / HTTP/1.1\r\ncontent-LENGTH:5\r\n\r\n12", 3),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345GET / HTTP", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nContent-Length: five\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nX: content-length\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", None),
    ],
)
def test_what_is_missing_of_a_request(received: bytes, rest: int | None) -> None:
    assert worker.missing(bytearray(received)) == rest


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, installation: Path) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("slow") / "home")
    made.install_like(installation)
    with running(made):
        yield made


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(machine: Machine, held: ExitStack, sends: bytes = b"") -> socket.socket:
    connection = held.enter_context(socket.create_connection(("127.0.0.1", machine.port), timeout=60))
    connection.sendall(sends)
    return connection


def seconds_to_answer(machine: Machine, path: str = "/login/") -> float:
    started = time.monotonic()
    assert machine.ask(path)[0] == 200
    return time.monotonic() - started


STALLED = {
    "nothing": b"",
    "half a request line": b"GET /log",
    "half a header": b"GET /login/ HTTP/1.1\r\nHost: loc",
    "a long head without an end": b"GET /login/ HTTP/1.1\r\nX: " + b"x" * 8000,
    "half a form": HEAD + b"Content-Length: 1000\r\n\r\n--B\r\n",
    "half a photo": HEAD + b"Content-Length: 3000000\r\n\r\n--B\r\n",
    "half a large photo": HEAD + b"Content-Length: 12000000\r\n\r\n--B\r\n",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n--B\r\n",
    "a body that waits to be asked for": HEAD + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
    "a second request": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /lo",
}


@pytest.mark.slow
@pytest.mark.parametrize("sent", STALLED.values(), ids=STALLED)
def test_thirty_stalled_clients_hold_up_nobody(sent: bytes, machine: Machine, held: ExitStack) -> None:
    for _ in range(30):
        connect(machine, held, sent)
    assert seconds_to_answer(machine) < QUICK
    assert Visitor().show(machine, pictures.hopper())[0] == 200


@pytest.mark.slow
def test_clients_that_take_no_answer_hold_up_nobody(machine: Machine, held: ExitStack) -> None:
    for _ in range(30):
        connection = held.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.connect(("127.0.0.1", machine.port))
        connection.sendall(b"GET /login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert seconds_to_answer(machine) < QUICK


@pytest.mark.slow
def test_a_head_has_ten_seconds_however_it_trickles(machine: Machine, held: ExitStack) -> None:
    connection = connect(machine, held, b"GET /login/ HTTP/1.1\r\nX: ")
    started, ended = time.monotonic(), threading.Event()

    def trickle() -> None:
        while not ended.wait(0.5):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        assert closed(connection)
    finally:
        ended.set()
        thread.join()
    assert worker.HEAD_WITHIN - 1 < time.monotonic() - started < worker.HEAD_WITHIN + QUICK


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.slow
def test_a_head_without_an_end_is_not_collected(machine: Machine, held: ExitStack) -> None:
    connection = connect(machine, held)
    started = time.monotonic()
    with suppress(OSError):
        connection.sendall(b"GET /login/ HTTP/1.1\r\nX: " + b"x" * 1_000_000)
    assert closed(connection)
    assert time.monotonic() - started < QUICK


@pytest.mark.slow
def test_a_photo_that_comes_slowly_but_steadily_is_taken(machine: Machine) -> None:
    visitor = Visitor()
    visitor.get(machine, "/login/")
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body += pictures.hopper() + b"\r\n--B--\r\n"

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), len(body) // 5 + 1):
            yield body[start : start + len(body) // 5 + 1]
            time.sleep(0.4)

    connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=60)
    headers = {"Content-Type": "multipart/form-data; boundary=B", "Content-Length": str(len(body))}
    headers |= {"Cookie": f"csrftoken={visitor.cookies['csrftoken']}", "X-CSRFToken": visitor.cookies["csrftoken"]}
    connection.request("POST", "/login/", pieces(), headers)
    assert connection.getresponse().status in (200, 302)
    connection.close()


@pytest.mark.slow
def test_a_body_in_chunks_is_refused_with_a_sentence(machine: Machine) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=60)
    for _again in range(2):  # the connection stays usable
        connection.request("POST", "/login/", iter([bytes(100_000)] * 30), {"Accept": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["reason"]) == (411, "length_required")
    connection.close()


@pytest.mark.slow
def test_requests_of_one_connection_are_answered_in_order(machine: Machine, held: ExitStack) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection = connect(machine, held, request * 2 + request[:9])
    answers = b""
    while answers.count(b"alive\n") < 2:
        answers += connection.recv(4096)
    connection.sendall(request[9:])
    while answers.count(b"alive\n") < 3:
        piece = connection.recv(4096)
        assert piece
        answers += piece


@pytest.mark.slow
def test_what_stalls_is_closed_when_memory_runs_out(machine: Machine, held: ExitStack) -> None:
    """The oldest first, so that new requests have room."""
    almost = HEAD + f"Content-Length: {worker.LARGEST_BUFFERED}\r\n\r\n".encode()
    almost += bytes(worker.LARGEST_BUFFERED - 1)
    connections = [connect(machine, held, almost) for _ in range(worker.BUFFERED // worker.LARGEST_BUFFERED + 2)]
    assert seconds_to_answer(machine) < QUICK
    assert closed(connections[0])
    connections[-1].settimeout(0.2)
    with pytest.raises(TimeoutError):
        connections[-1].recv(1)

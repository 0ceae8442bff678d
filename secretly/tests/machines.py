"""Real servers for the tests: the site behind gunicorn, Redis, and a client that keeps cookies."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.conf import settings

from secretly.tests.installation import free_port

ROOT: Path = settings.BASE_DIR

# What a machine inherits of our environment: nothing that could lead to real servers.
INHERITED = ("PATH", "LANG", "TMPDIR")


class Machine:
    """The site behind gunicorn with its own home; `given` adds to its environment."""

    def __init__(self, home: Path, given: dict[str, str] | None = None) -> None:
        self.home = home
        self.port = free_port()
        self.log = home.with_name(f"{home.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment |= {
            "SECRETLY_HOME": str(home),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            "SECRETLY_ENROLMENT": "open",
            "MALLOC_ARENA_MAX": "2",
            "SECRETLY_ATTEMPTS_PER_ADDRESS": "off",  # all requests come from one address
            "SECRETLY_ATTEMPTS_PER_SESSION": "off",
            "SECRETLY_FAILURES_PER_ADDRESS": "off",
            "SECRETLY_CALL_BUDGET": "off",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **(given or {}),
        }

    def manage(self, *command: str) -> str:
        """Run a command of manage.py and return what it prints."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {command[0]} failed: {done.stderr}")
        return done.stdout

    def install(self) -> None:
        self.manage("migrate", "-v0")
        self.manage("rekognition_collection", "create", "--exist-ok")
        self.manage("collectstatic", "--noinput", "-v0")

    def install_like(self, home: Path) -> None:
        """Copy another home with its database and keys."""
        shutil.copytree(home, self.home)

    def install_beside(self, other: "Machine") -> None:
        """Add a machine on the same servers: only the static files are its own."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(other.home / "static", self.home / "static")

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603
            [str(Path(sys.executable).with_name("gunicorn")), "-c", "secretly/gunicorn.conf.py"],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until(self.answers)

    def answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"gunicorn stopped: {self.logged()}")
        with suppress(OSError, http.client.HTTPException):
            return self.ask("/healthz")[0] == 200
        return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; SIGKILL is like a power cut."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            self.process.wait(40)
            self.process = None

    def workers(self) -> list[int]:
        if self.process is None:
            return []
        master = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def logged(self) -> str:
        return self.log.read_text(errors="replace")

    def ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of a GET without a session."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers.items()), answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask("/readyz")[2])
        return told


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


@contextmanager
def running(*machines: Machine) -> Iterator[None]:
    try:
        for machine in machines:
            machine.start()
        yield
    finally:
        for machine in machines:
            machine.end()


class Visitor:
    """A client that keeps cookies, whichever machine it talks to."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def send(
        self, machine: Machine, method: str, path: str, body: bytes = b"", content_type: str = "", as_json: bool = True
    ) -> tuple[int, dict[str, str], bytes]:
        """Raises `OSError` or `HTTPException` where the machine does not answer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers["Accept"] = "application/json" if as_json else "text/html"
        if method == "POST":
            headers |= {"Content-Type": content_type, "X-CSRFToken": self.cookies.get("csrftoken", "")}
        connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return answer.status, dict(answer.headers.items()), answer.read()
        finally:
            connection.close()

    def get(self, machine: Machine, path: str = "/") -> tuple[int, str]:
        status, _, page = self.send(machine, "GET", path, as_json=False)
        return status, page.decode()

    def post(self, machine: Machine, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        body = urlencode(fields).encode()
        status, _, content = self.send(machine, "POST", path, body, "application/x-www-form-urlencoded")
        with suppress(ValueError):
            return status, json.loads(content)
        return status, {}

    def show(self, machine: Machine, picture: bytes, path: str = "/login/") -> tuple[int, dict[str, Any]]:
        """Sign in with a photo."""
        if "csrftoken" not in self.cookies:
            self.get(machine, path)
        head = (
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        )
        body = head + picture + b"\r\n--B--\r\n"
        status, _, content = self.send(machine, "POST", path, body, "multipart/form-data; boundary=B")
        with suppress(ValueError):
            return status, json.loads(content)
        return status, {}

    def agree(self, machine: Machine, sealed: str) -> tuple[int, dict[str, Any]]:
        """Give consent to being enrolled."""
        return self.post(machine, "/login/enrol/", {"answer": "yes", "sealed": sealed})

    def write(self, machine: Machine, text: str, page: str = "") -> tuple[int, dict[str, Any]]:
        """Create a note. The same `page` with the same text makes one note, however often it is sent."""
        return self.post(machine, "/", {"text": text, "page": page or str(uuid4())})


def words_on(page: str, prefix: str) -> set[str]:
    """The made-up words `prefix-NUMBER` that a page shows."""
    return set(re.findall(rf"{prefix}-\d+", page))


# Redis ----------------------------------------------------------------------------------------------------------------


class Redis:
    """The installed Redis on a free port; it saves nothing."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("Redis is not installed, so nothing was tried with it.")
        self.folder = folder
        self.program = program
        self.port = free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise TimeoutError("Redis did not start.")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)

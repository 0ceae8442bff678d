"""A real installation as `make run` makes one, in a temporary folder: gunicorn, hashed static files, SQLite."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds for gunicorn to load the models and answer, on a machine that has other work


def run_manage(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py with this home and nothing else of our environment."""
    environment |= {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(home)}
    return subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )


reserved: list[socket.socket] = []


def free_port() -> int:
    """A port of this machine that no other process is given while this one runs.

    The socket that reserves it is bound and never listens, so a server that sets SO_REUSEADDR, as all here do, may.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.append(holder)
    return int(holder.getsockname()[1])


@dataclass(frozen=True)
class Installation:
    url: str
    environment: dict[str, str]

    def python(self, *words: str) -> str:
        """Run Python in it and return what it prints."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, *words], cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout


@contextmanager
def installed(**environment: str) -> Iterator[Installation]:
    """Install one and serve it with one worker; `environment` adds to its settings."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="secretly-installation-") as home:
        surroundings = {"PATH": os.environ["PATH"], "SECRETLY_HOME": home, "PORT": str(port), "WEB_CONCURRENCY": "1"}
        installation = Installation(f"http://localhost:{port}", surroundings | environment)
        for command in ("migrate -v0", "rekognition_collection create", "collectstatic --noinput -v0"):
            installation.python("manage.py", *command.split())
        server = subprocess.Popen(  # noqa: S603
            [str(Path(sys.executable).with_name("gunicorn")), "-c", "secretly/gunicorn.conf.py"],
            cwd=ROOT,
            env=installation.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(port)
            yield installation
        finally:
            server.terminate()
            server.wait()


def wait_for(port: int) -> None:
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE).request("GET", "/login/")
            return
        except ConnectionError:
            time.sleep(0.1)
    raise TimeoutError("gunicorn did not start.")

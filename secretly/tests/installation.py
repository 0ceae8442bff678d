"""A real installation, as `make run` makes one, in a folder that goes afterwards: gunicorn, hashed files, SQLite."""

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


@dataclass(frozen=True)
class Installation:
    url: str
    environment: dict[str, str]

    def python(self, *words: str) -> str:
        """What a command prints that runs in it."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, *words], cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout


@contextmanager
def installed(**environment: str) -> Iterator[Installation]:
    """Set one up and serve it with one worker; `environment` adds to its settings."""
    with tempfile.TemporaryDirectory(prefix="secretly-installation-") as home, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
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

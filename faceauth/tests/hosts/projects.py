"""Blank Django projects that use the wheel as any site would, each with a server."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from faceauth.tests.hosts.plain_client import PlainClient

GUIDE = settings.BASE_DIR / "docs" / "faceauth.md"
START = 90  # seconds: other tests may run beside it


def first_lines() -> str:
    """The shell commands that the guide begins with."""
    found = re.search(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    if found is None:
        raise ValueError(f"{GUIDE} has no commands.")
    return found[1]


def newer_python() -> str:
    """An interpreter that the newest Django runs on."""
    for name in ("python3.14", "python3.13", "python3.12"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:  # noqa: S603
            return path
    if sys.version_info >= (3, 12):
        return sys.executable
    pytest.skip("There is no Python 3.12 or newer here, which Django 6 needs: it was not tried.")


def environment(venv: Path) -> dict[str, str]:
    """That of a developer's shell in the virtual environment: nothing of this repository is in it."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG", "HOME", "TMPDIR"))}
    path = f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return kept | {"PATH": path, "VIRTUAL_ENV": str(venv), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1"}


def run(command: list[str], folder: Path, given: dict[str, str], **options: Any) -> str:
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, **options)  # noqa: S603
    if done.returncode:
        raise AssertionError(f"{' '.join(command)[:200]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return str(done.stdout)


def install(python: str, folder: Path, wheels: Path, *packages: str) -> Path:
    """An empty virtual environment with the wheel and what it asks for, from the machine's package index."""
    venv = folder / "venv"
    subprocess.run([python, "-m", "venv", "--without-pip", str(venv)], check=True)  # noqa: S603
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(venv / "bin" / "python"),
        "install",
        "--find-links",
        str(wheels),
    ]
    done = subprocess.run([*pip, *packages], env=environment(venv), capture_output=True, text=True)  # noqa: S603
    if done.returncode and re.search(r"No matching distribution|Connection|Temporary failure", done.stderr):
        pytest.skip(f"The packages that faceauth needs cannot be had here: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    return venv


class Project:
    """A project in a folder, run by the Python of a virtual environment."""

    def __init__(self, folder: Path, venv: Path, address: str = "") -> None:
        self.folder, self.venv = folder, venv
        self.port = free_port()
        self.address = address or f"127.0.0.1:{self.port}"
        self.environment = environment(venv)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def begin(self) -> None:
        """Make the tables and the collection; the checks must have nothing to say."""
        self.manage("makemigrations", "people")
        self.manage("check", "--fail-level", "WARNING")
        self.manage("migrate")
        self.manage("rekognition_collection", "create")

    def shell(self, commands: str) -> str:
        return run(["bash", "-e", "-c", commands], self.folder, self.environment)

    def manage(self, *arguments: str, **more: str) -> str:
        return run(["python", "manage.py", *arguments], self.folder, self.environment | more)

    def client(self, accept: str = "application/json") -> PlainClient:
        return PlainClient(f"http://{self.address}", accept)

    def ask(self, code: str) -> Any:
        """What the last line of Python says inside the project, through JSON."""
        return json.loads(self.manage("shell", "-v0", "-c", code).splitlines()[-1])

    @contextlib.contextmanager
    def served(self, command: str = "") -> Iterator[PlainClient]:
        """Run the server until the end of the block."""
        command = command or f"python manage.py runserver --noreload {self.address}"
        log = (self.folder / "server.log").open("w+")
        server = subprocess.Popen(  # noqa: S603
            ["/bin/bash", "-c", f"exec {command}"],
            cwd=self.folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(self.address, server, log.name)
            yield self.client()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, 15)
            server.wait(30)
            log.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(address: str, server: subprocess.Popen[bytes], log: str) -> None:
    host, _, port = address.partition(":")
    until = time.monotonic() + START
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError(f"The server does not answer: {Path(log).read_text()}")

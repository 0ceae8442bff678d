"""A PostgreSQL server of this test run's own, where Debian's is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest


def programs() -> Path:
    """Where initdb and postgres are; the test is skipped where they are not."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = next((folder for folder in folders if (folder / "initdb").exists()), None)
    if found is None and (program := shutil.which("initdb")):
        found = Path(program).parent
    if found is None:
        pytest.skip("PostgreSQL is not installed, so nothing was tried with it.")
    return found


def who() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Server:
    """A fresh server in a temporary folder, on a port that stays when it is started again."""

    def __init__(self) -> None:
        self.run_as = who()
        self.folder = tempfile.mkdtemp(prefix="secretly-postgres-", dir="/tmp")
        if self.run_as:
            os.chown(self.folder, self.run_as["user"], self.run_as["group"])
        options = ["-U", "secretly", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        initdb = [str(programs() / "initdb"), "-D", f"{self.folder}/data", *options]
        subprocess.run(initdb, check=True, capture_output=True, cwd=self.folder, **self.run_as)  # noqa: S603
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.address = f"postgres://secretly@127.0.0.1:{self.port}"
        """Without the name of a database."""

    def start(self) -> None:
        where = ["-D", f"{self.folder}/data", "-k", self.folder, "-h", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(  # noqa: S603
            [programs() / "postgres", *where, "-F"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.run_as,
        )
        wait_for(self.address)

    def end(self) -> None:
        """At once, as `pg_ctl stop -m fast`: whoever is connected is put out."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


@contextmanager
def running() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.end()
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def server() -> Iterator[str]:
    """A fresh server; its address without the name of a database."""
    with running() as started:
        yield started.address


def wait_for(address: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(f"{address}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("PostgreSQL did not start.")

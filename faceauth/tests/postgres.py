"""A PostgreSQL server of this test run's own, where Debian's is installed."""

import os
import pwd
import shutil
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


@contextmanager
def server() -> Iterator[str]:
    """A fresh server; its address without the name of a database."""
    folder = tempfile.mkdtemp(prefix="secretly-postgres-", dir="/tmp")
    data = Path(folder, "data")
    run_as = who()
    if run_as:
        os.chown(folder, run_as["user"], run_as["group"])
    options = ["-U", "secretly", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    initdb = [str(programs() / "initdb"), "-D", str(data), *options]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **run_as)  # noqa: S603
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603
        [programs() / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port), "-F"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **run_as,
    )
    address = f"postgres://secretly@127.0.0.1:{port}"
    try:
        wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(address: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(f"{address}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("PostgreSQL did not start.")

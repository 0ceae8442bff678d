"""Backups are restored, and keys are changed, as docs/deploy.md says."""

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from faceauth.tests import pictures, postgres
from secretly.tests.machines import Machine, Visitor, running, wait_until, words_on

ROOT: Path = settings.BASE_DIR
FOLDER = ROOT / "docs" / "deploy"


def script(name: str, argument: Path, machine: Machine) -> str:
    done = subprocess.run(  # noqa: S603
        [FOLDER / name, argument], env=machine.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fill(machine: Machine) -> Visitor:
    visitor = Visitor()
    assert visitor.show(machine, pictures.hopper())[1]["outcome"] == "enrolled"
    note = visitor.write(machine, "tea-1")[1]["url"]
    assert visitor.show(machine, b"the word of a file", f"{note}attach/")[1]["outcome"] == "attached"
    return visitor


def check(machine: Machine, at_least: set[str]) -> None:
    """The person is recognised, and notes and files open."""
    visitor = Visitor()
    assert visitor.show(machine, pictures.another(pictures.hopper()))[1]["outcome"] == "recognised"
    status, page = visitor.get(machine)
    assert status == 200
    assert at_least <= words_on(page, "tea")
    notes = set(re.findall(r'/notes/[0-9a-f-]{36}/(?=")', page))
    pages = "".join(visitor.get(machine, note)[1] for note in notes)
    [attachment] = set(re.findall(r'/attachments/[0-9a-f-]{36}/(?=")', pages))
    assert visitor.get(machine, attachment) == (200, "the word of a file")


@pytest.mark.slow
def test_sqlite_is_backed_up_while_it_is_written_and_restored(tmp_path: Path, installation: Path) -> None:
    machine = Machine(tmp_path / "home")
    machine.install_like(installation)
    with running(machine):
        visitor = fill(machine)
        stop, saved = threading.Event(), ["tea-1"]

        def write() -> None:
            while not stop.is_set() and len(saved) < 40:
                name = f"tea-{len(saved) + 1}"
                if visitor.write(machine, name)[1].get("outcome") == "saved":
                    saved.append(name)

        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: len(saved) >= 5)
        before = set(saved)
        made = Path(script("backup", tmp_path / "backups", machine))
        stop.set()
        writer.join()
    names = {path.name for path in made.rglob("*")}
    assert "secretly.sqlite3" in names
    assert not {"secret.key", "encryption.key"} & names
    assert [path for path in (made.parent, made, made / "secretly.sqlite3") if path.stat().st_mode & 0o077] == []

    fresh = Machine(tmp_path / "fresh")
    refused = subprocess.run([FOLDER / "restore", made], env=fresh.environment, capture_output=True, text=True)  # noqa: S603
    assert refused.returncode == 1
    assert "Put encryption.key back" in refused.stderr
    fresh.home.mkdir(exist_ok=True)
    shutil.copy(machine.home / "encryption.key", fresh.home)
    fresh.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(machine.home / "static", fresh.home / "static")
    script("restore", made, fresh)
    with running(fresh):
        check(fresh, before)
    again = subprocess.run([FOLDER / "restore", made], env=fresh.environment, capture_output=True, text=True)  # noqa: S603
    assert again.returncode == 1  # never over what is there
    assert "restore into an empty home" in again.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, "There is no secretly.sqlite3"), ({"DATABASE_URL": "postgres://u:p@127.0.0.1:1/none"}, "pg_dump")],
)
def test_a_backup_that_fails_leaves_nothing(more: dict[str, str], said: str, tmp_path: Path) -> None:
    home, backups = tmp_path / "home", tmp_path / "backups"
    home.mkdir()
    surroundings = {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(home)} | more
    done = subprocess.run([FOLDER / "backup", backups], env=surroundings, capture_output=True, text=True)  # noqa: S603
    assert done.returncode != 0
    assert said in done.stderr
    assert list(backups.iterdir()) == list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("there", "more"), [("secretly.sqlite3", {"DATABASE_URL": "postgres://u:p@127.0.0.1:1/x"}), ("database.pgdump", {})]
)
def test_a_backup_of_another_database_is_not_restored(there: str, more: dict[str, str], tmp_path: Path) -> None:
    """It would leave an empty site that seems to be restored."""
    (tmp_path / there).write_text("a database")
    key = {"SECRETLY_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    surroundings = {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(tmp_path / "home")} | key | more
    done = subprocess.run([FOLDER / "restore", tmp_path], env=surroundings, capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_postgresql_is_backed_up_and_restored(tmp_path: Path) -> None:
    with postgres.running() as server:
        machine = Machine(tmp_path / "home", {"DATABASE_URL": f"{server.address}/postgres"})
        machine.environment["PATH"] = f"{postgres.programs()}:{machine.environment['PATH']}"
        machine.install()
        with running(machine):
            fill(machine)
            made = Path(script("backup", tmp_path / "backups", machine))
        assert {path.name for path in made.iterdir()} == {"database.pgdump", "media"}
        create = [
            str(postgres.programs() / "createdb"),
            "-h",
            "127.0.0.1",
            "-p",
            str(server.port),
            "-U",
            "secretly",
            "new",
        ]
        subprocess.run(create, check=True)  # noqa: S603
        fresh = Machine(tmp_path / "fresh", {"DATABASE_URL": f"{server.address}/new"})
        fresh.environment["PATH"] = machine.environment["PATH"]
        fresh.home.mkdir()
        shutil.copy(machine.home / "encryption.key", fresh.home)
        fresh.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(machine.home / "static", fresh.home / "static")
        script("restore", made, fresh)
        with running(fresh):
            check(fresh, {"tea-1"})


# Keys -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_keys_are_changed_as_the_document_says(tmp_path: Path, installation: Path) -> None:
    """Put the new key first, restart, run the command, remove the old key."""
    machine = Machine(tmp_path / "home")
    machine.install_like(installation)
    with running(machine):
        fill(machine)
    old = (machine.home / "encryption.key").read_text().strip()
    new = Fernet.generate_key().decode()
    machine.environment["SECRETLY_ENCRYPTION_KEYS"] = f"{new},{old}"
    machine.manage("rotate_keys")
    machine.environment["SECRETLY_ENCRYPTION_KEYS"] = new
    (machine.home / "encryption.key").unlink()
    with running(machine):
        check(machine, {"tea-1"})

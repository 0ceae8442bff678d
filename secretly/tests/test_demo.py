"""`manage.py demo`: what it makes, and that `--remove` deletes all of it and nothing else."""

import io
import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from faceauth.models import Consent, Face, SignIn
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from notes.models import Key, Note
from secretly import demo

SMALL = ("--people", "4", "--sign-ins", "60")


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("demo", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def stored() -> set[str]:
    folders, files = default_storage.listdir("") if default_storage.exists("") else ([], [])
    found = set(files)
    for folder in folders:
        found |= {f"{folder}/{name}" for name in everything_in(folder)}
    return found


def everything_in(folder: str) -> set[str]:
    folders, files = default_storage.listdir(folder)
    return set(files) | {f"{it}/{name}" for it in folders for name in everything_in(f"{folder}/{it}")}


def test_remove_deletes_what_was_made_and_nothing_else(
    transactional_db: None, owner: User, stranger: User, operator: User
) -> None:
    note = Note.objects.write(owner, "Mine.")
    row = SignIn.objects.create(outcome="recognised", user=owner, address="198.51.101.1")
    before = stored()
    printed = run("--add", *SMALL)
    assert "4 people" in printed
    assert SignIn.objects.count() == 61
    assert User.objects.count() == 3 + 4 + 1
    assert Consent.objects.count() == 4
    assert Note.objects.count() > 8
    for made in Note.objects.exclude(pk=note.pk):
        assert made.text
    run("--remove", "--yes")
    assert set(User.objects.all()) == {owner, stranger, operator}
    assert list(SignIn.objects.all()) == [row]
    assert list(Note.objects.all()) == [note]
    assert Key.objects.count() == 1
    assert not Consent.objects.exists()
    assert not Group.objects.filter(name=demo.GROUP).exists()
    assert not LogEntry.objects.exists()
    assert stored() == before


def test_people_of_an_earlier_version_are_in_the_group(db: None, owner: User, stranger: User) -> None:
    """0002 replaces a table that listed them."""
    migration = import_module("secretly.migrations.0002_demo_people_by_group")

    class Before:
        def get_model(self, app: str, name: str) -> Any:
            if name != "Demonstration":
                return apps.get_model(app, name)
            rows = SimpleNamespace(values_list=lambda *fields, flat: [[owner.pk, 10**6], []])
            return SimpleNamespace(objects=SimpleNamespace(using=lambda alias: rows))

    migration.move_people(Before(), SimpleNamespace(connection=connection))
    assert list(Group.objects.get(name=demo.GROUP).user_set.all()) == [owner]
    run("--remove", "--yes")
    assert list(User.objects.all()) == [stranger]


def test_the_operator_can_sign_in_and_is_no_superuser(db: None) -> None:
    printed = run(*SMALL)
    found = re.search(r"as (\S+) with the password (\S+)", printed)
    assert found
    client = Client()
    given = {"username": found[1], "password": found[2], "next": "/admin/"}
    assert client.post("/admin/login/", given)["Location"] == "/admin/"
    assert 'id="dashboard"' in client.get("/admin/").content.decode()
    assert not User.objects.filter(is_superuser=True).exists()
    assert not any(user.has_usable_password() for user in User.objects.filter(is_staff=False))


@pytest.mark.parametrize("somebody", ["a person", "an earlier run"])
def test_refuses_where_there_are_people_already(somebody: str, db: None) -> None:
    if somebody == "a person":
        User.objects.create_user("a person")
    else:
        run(*SMALL)
    before = User.objects.count()
    with pytest.raises(CommandError, match="are people already") as caught:
        run(*SMALL)
    assert caught.value.returncode == 3
    assert User.objects.count() == before


def test_the_same_seed_makes_the_same_people(db: None) -> None:
    def made() -> tuple[list[str], list[tuple[str, str]], list[str]]:
        names = sorted(User.objects.filter(is_staff=False).values_list("username", flat=True))
        sign_ins = list(SignIn.objects.order_by("pk").values_list("outcome", "address"))
        texts = [note.text for note in Note.objects.order_by("id")]
        run("--remove", "--yes")
        return names, sign_ins, texts  # type: ignore[return-value]

    run(*SMALL, "--seed", "7")
    first = made()
    run(*SMALL, "--seed", "7")
    assert made() == first
    run(*SMALL, "--seed", "8")
    assert made() != first


def test_another_run_with_the_same_seed_makes_others(db: None) -> None:
    """The first run suggests it, for adding faces."""
    run(*SMALL)
    assert "4 people" in run("--add", *SMALL)
    assert User.objects.filter(is_staff=False).count() == 8
    run("--remove", "--yes")
    assert not User.objects.exists()


def test_a_missing_folder_leaves_nothing_behind(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("--faces", str(tmp_path / "nowhere"))
    assert "4 people" in run(*SMALL)


def test_an_interrupted_run_can_be_removed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("secretly.demo.write_notes", interrupt)
    with pytest.raises(CommandError, match="Interrupted") as caught:
        run(*SMALL)
    assert caught.value.returncode == 130
    run("--remove", "--yes")
    assert not User.objects.exists()


def test_remove_asks_first(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run(*SMALL)
    with pytest.raises(CommandError, match="--yes") as caught:
        run("--remove")
    assert caught.value.returncode == 2
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("--remove")
    assert Group.objects.filter(name=demo.GROUP).exists()


def test_pictures_become_people_who_are_recognised(transactional_db: None, tmp_path: Path) -> None:
    collection = Collection("secretly")
    collection.create()
    (tmp_path / "grace.jpg").write_bytes(pictures.hopper())
    (tmp_path / "nobody.jpg").write_bytes(pictures.landscape())
    err = io.StringIO()
    call_command("demo", *SMALL, "--faces", str(tmp_path), stdout=io.StringIO(), stderr=err)
    assert "nobody.jpg: I cannot find a face" in err.getvalue()
    [face] = Face.objects.all()
    assert face.user.notes.exists()
    run("--remove", "--yes")
    assert list(collection.faces()) == []
    assert not User.objects.exists()


@pytest.mark.parametrize("what", ["no folder", "no collection"])
def test_a_failed_run_can_be_removed(what: str, transactional_db: None, tmp_path: Path) -> None:
    (tmp_path / "grace.jpg").write_bytes(pictures.hopper())
    with pytest.raises(CommandError, match="demo --remove") as caught:
        run("--faces", str(tmp_path / "nowhere" if what == "no folder" else tmp_path))
    assert caught.value.returncode == 1
    run("--remove", "--yes")
    assert not User.objects.exists()
    assert not Group.objects.filter(name=demo.GROUP).exists()


@pytest.mark.parametrize("number", ["0", "many", "-1", "10000000"])
def test_refuses_numbers_out_of_range(number: str) -> None:
    with pytest.raises(CommandError, match="not a number"):
        run("--sign-ins", number)


@pytest.mark.slow
def test_ten_thousand_sign_ins_are_written_in_batches(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(500):  # the people's notes included
        run("--sign-ins", "10000")
    assert SignIn.objects.count() == 10_000

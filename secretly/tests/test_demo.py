"""`manage.py demo`: what it makes, and that all of it goes again, and nothing else."""

import io
import re
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from faceauth.models import Consent, Face, SignIn
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from notes.models import Attachment, Key, Note
from secretly.models import Demonstration

SMALL = ("--people", "4", "--visits", "60")


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


def test_it_fills_and_removes_exactly_that(transactional_db: None, owner: User, stranger: User, operator: User) -> None:
    note = Note.objects.write(owner, "Mine.")
    visit = SignIn.objects.create(outcome="recognised", user=owner)
    before = stored()
    told = run("--add", *SMALL)
    assert "4 people" in told
    assert SignIn.objects.count() == 61
    assert User.objects.count() == 3 + 4 + 1
    assert Consent.objects.count() == 4
    assert Note.objects.count() > 8
    assert Attachment.objects.exists()
    assert stored() > before
    for made in Note.objects.exclude(pk=note.pk):
        assert made.text
    run("--remove", "--yes")
    assert set(User.objects.all()) == {owner, stranger, operator}
    assert list(SignIn.objects.all()) == [visit]
    assert list(Note.objects.all()) == [note]
    assert Key.objects.count() == 1
    assert not Consent.objects.exists()
    assert not Demonstration.objects.exists()
    assert not LogEntry.objects.exists()
    assert stored() == before


def test_the_operator_comes_in_and_is_no_superuser(db: None) -> None:
    told = run(*SMALL)
    found = re.search(r"as (\S+) with the password (\S+)", told)
    assert found
    client = Client()
    given = {"username": found[1], "password": found[2], "next": "/admin/"}
    assert client.post("/admin/login/", given)["Location"] == "/admin/"
    assert 'id="dashboard"' in client.get("/admin/").content.decode()
    assert not User.objects.filter(is_superuser=True).exists()
    assert not any(user.has_usable_password() for user in User.objects.filter(is_staff=False))


@pytest.mark.parametrize("somebody", ["a person", "an earlier run"])
def test_it_refuses_where_somebody_lives(somebody: str, db: None) -> None:
    if somebody == "a person":
        User.objects.create_user("a person")
    else:
        run(*SMALL)
    before = User.objects.count()
    with pytest.raises(CommandError, match="lives here already") as caught:
        run(*SMALL)
    assert caught.value.returncode == 3
    assert User.objects.count() == before


def test_the_same_seed_makes_the_same(db: None) -> None:
    def made() -> tuple[list[str], list[tuple[str, str]], list[str]]:
        names = sorted(User.objects.filter(is_staff=False).values_list("username", flat=True))
        visits = list(SignIn.objects.order_by("pk").values_list("outcome", "address"))
        texts = [note.text for note in Note.objects.order_by("id")]
        run("--remove", "--yes")
        return names, visits, texts  # type: ignore[return-value]

    run(*SMALL, "--seed", "7")
    first = made()
    run(*SMALL, "--seed", "7")
    assert made() == first
    run(*SMALL, "--seed", "8")
    assert made() != first


def test_another_run_makes_others(db: None) -> None:
    """As the first one advises, to add faces: the same words, and `--add`."""
    run(*SMALL)
    assert "4 people" in run("--add", *SMALL)
    assert User.objects.filter(is_staff=False).count() == 8
    run("--remove", "--yes")
    assert not User.objects.exists()


def test_a_folder_that_is_not_there_leaves_nothing(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("--faces", str(tmp_path / "nowhere"))
    assert "4 people" in run(*SMALL)


def test_stopped_at_the_keyboard(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("secretly.demo.write_notes", typed)
    with pytest.raises(CommandError, match="Stopped") as caught:
        run(*SMALL)
    assert caught.value.returncode == 130
    run("--remove", "--yes")
    assert not User.objects.exists()


def test_removing_is_confirmed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run(*SMALL)
    with pytest.raises(CommandError, match="--yes") as caught:
        run("--remove")
    assert caught.value.returncode == 2
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("--remove")
    assert Demonstration.objects.exists()


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
def test_what_breaks_can_be_removed(what: str, transactional_db: None, tmp_path: Path) -> None:
    (tmp_path / "grace.jpg").write_bytes(pictures.hopper())
    with pytest.raises(CommandError, match="demo --remove") as caught:
        run("--faces", str(tmp_path / "nowhere" if what == "no folder" else tmp_path))
    assert caught.value.returncode == 1
    run("--remove", "--yes")
    assert not User.objects.exists()
    assert not Demonstration.objects.exists()


@pytest.mark.parametrize("number", ["0", "many", "-1", "10000000"])
def test_numbers(number: str) -> None:
    with pytest.raises(CommandError, match="not a number"):
        run("--visits", number)


@pytest.mark.slow
def test_ten_thousand_visits_are_written_many_at_once(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(500):  # for all that the people have, too
        run("--visits", "10000")
    assert SignIn.objects.count() == 10_000

"""Earlier versions of a note: kept for thirty days, sealed for their place, restored as a new version."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from notes import editing, key_rotation, quotas
from notes.encryption import Altered, CannotDecrypt
from notes.history import DAYS, SITTING
from notes.models import Note, Version
from notes.quotas import Full
from notes.tests.conftest import everything_in_the_database


def texts(note: Note) -> list[str]:
    return [version.text for version in Version.objects.filter(note=note)]


def at(note: Note, number: int) -> str:
    return reverse("notes:version", args=[note.pk, number])


def age(note: Note, by: timedelta) -> None:
    Version.objects.filter(note=note).update(replaced=timezone.now() - by)


@pytest.fixture
def changed(owner: User, note: Note) -> Note:
    editing.change(owner, note.pk, 1, "The second thought")
    note.refresh_from_db()
    return note


def test_a_sitting_keeps_what_was_there_before_it(owner: User, note: Note) -> None:
    first = note.text
    for version, text in enumerate((first + "!", first + "!!", first + "!!!"), 1):
        editing.change(owner, note.pk, version, text)
    assert texts(note) == [first]
    age(note, SITTING)
    editing.change(owner, note.pk, 4, "later")
    assert texts(note) == [first + "!!!", first]
    assert first.encode() not in everything_in_the_database()


def test_a_large_loss_is_kept_in_a_sitting_too(owner: User, changed: Note) -> None:
    long = changed.text + "x" * 101
    editing.change(owner, changed.pk, 2, long)
    editing.change(owner, changed.pk, 3, changed.text)
    assert texts(changed)[0] == long


def test_the_note_names_its_earlier_versions_and_they_can_be_read(own: Client, changed: Note) -> None:
    assert f'href="{at(changed, 1)}"' in own.get(reverse("notes:note", args=[changed.pk])).content.decode()
    assert "Nobody up but me and the kettle." in own.get(at(changed, 1)).content.decode()


def test_restoring_makes_a_new_version_and_keeps_the_newest(own: Client, changed: Note) -> None:
    answer = own.post(at(changed, 1))
    assert answer["Location"] == reverse("notes:note", args=[changed.pk])
    changed.refresh_from_db()
    assert (changed.version, changed.text[:11]) == (3, "The kitchen")
    assert [version.number for version in changed.versions.all()] == [2, 1]
    own.post(at(changed, 2))
    changed.refresh_from_db()
    assert (changed.version, changed.text) == (4, "The second thought")


def test_nobody_else_reads_or_restores_a_version(strange: Client, client: Client, changed: Note) -> None:
    assert strange.get(at(changed, 1)).status_code == strange.post(at(changed, 1)).status_code == 404
    assert client.get(at(changed, 1))["Location"].startswith("/login/")
    assert client.post(at(changed, 1))["Location"].startswith("/login/")
    changed.refresh_from_db()
    assert changed.version == 2


def test_what_is_not_there_is_not_found(own: Client, owner: User, changed: Note) -> None:
    assert own.get(at(changed, 2)).status_code == own.post(at(changed, 7)).status_code == 404
    other = Note.objects.write(owner, "Another note")
    assert own.get(at(other, 1)).status_code == 404
    editing.delete(owner, changed.pk, 2)
    assert own.get(at(changed, 1)).status_code == 404  # with its note in the trash


def test_after_thirty_days_nobody_is_shown_it_and_the_command_deletes_it(own: Client, changed: Note) -> None:
    age(changed, timedelta(days=DAYS - 1))
    call_command("empty_trash", stdout=StringIO())
    assert own.get(at(changed, 1)).status_code == 200
    age(changed, timedelta(days=DAYS))
    assert own.get(at(changed, 1)).status_code == 404
    assert at(changed, 1) not in own.get(reverse("notes:note", args=[changed.pk])).content.decode()
    said = StringIO()
    call_command("empty_trash", stdout=said)
    assert "1 earlier versions were deleted." in said.getvalue()
    assert not Version.objects.exists()


@pytest.mark.parametrize("move", [{"number": 7}, {"note": "other"}, {"text": "note"}])
def test_a_version_opens_in_no_other_place(owner: User, changed: Note, move: dict[str, Any]) -> None:
    """Not under another number, not on another note, and not as the note itself."""
    other = Note.objects.write(owner, "Another note")
    kept = Version.objects.get(note=changed)
    if "text" in move:
        Note.objects.filter(pk=changed.pk).update(sealed_text=kept.sealed_text, version=1)
        with pytest.raises(Altered):
            _ = Note.objects.get(pk=changed.pk).text
        return
    Version.objects.update(**({"note": other} if "note" in move else move))
    with pytest.raises(CannotDecrypt):
        _ = Version.objects.get().text


def test_an_altered_version_is_said_and_harms_nothing_else(own: Client, changed: Note) -> None:
    Version.objects.update(sealed_text=b"altered")
    assert own.get(at(changed, 1)).status_code == own.post(at(changed, 1)).status_code == 503
    assert own.get(reverse("notes:note", args=[changed.pk])).status_code == 200


def test_versions_open_after_a_rotation_of_keys(settings: Settings, changed: Note) -> None:
    fresh = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [fresh, *settings.ENCRYPTION_KEYS]
    list(key_rotation.rotate_keys())
    settings.ENCRYPTION_KEYS = [fresh]
    assert Version.objects.get().text.startswith("The kitchen at five")


def test_versions_count_as_storage_and_a_full_one_keeps_none(owner: User, changed: Note, settings: Settings) -> None:
    size = Version.objects.get().size
    assert quotas.files_of(owner) == size
    settings.STORAGE_PER_PERSON = quotas.usage(owner).bytes
    age(changed, SITTING)
    assert isinstance(editing.change(owner, changed.pk, 2, "short"), editing.Saved)
    assert Version.objects.count() == 1
    assert editing.restore_version(owner, changed.pk, 1) is Full.STORAGE


def test_versions_go_with_their_note_and_their_owner(owner: User, changed: Note) -> None:
    changed.delete()
    assert not Version.objects.exists()
    note = Note.objects.write(owner, "One")
    editing.change(owner, note.pk, 1, "Two")
    assert Version.objects.count() == 1
    owner.delete()
    assert not Version.objects.exists()


def test_the_check_names_a_version_that_does_not_open(changed: Note) -> None:
    assert key_rotation.check_notes(databases=["default"]) == []
    Version.objects.update(number=7)
    older, fault = key_rotation.check_notes(databases=["default"])
    assert (older.id, str(changed.pk) in older.msg) == ("notes.E004", True)
    assert (fault.id, f"version 7 of the note {changed.pk}" in fault.msg) == ("notes.E003", True)

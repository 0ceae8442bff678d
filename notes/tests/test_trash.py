from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notes import editing, trash
from notes.models import TRASH_DAYS, Note

TRASH = reverse("notes:trash")


def age(note: Note, days: float) -> None:
    Note.objects.filter(pk=note.pk).update(trashed=timezone.now() - timedelta(days=days))


@pytest.fixture
def trashed(owner: User, note: Note) -> Note:
    editing.delete(owner, note.pk, 1)
    return note


def test_a_deleted_note_is_in_the_trash_and_nowhere_else(own: Client, trashed: Note) -> None:
    assert "The kitchen at five" in own.get(TRASH).content.decode()
    assert "The kitchen at five" not in own.get("/").content.decode()
    assert "The kitchen at five" not in own.post("/search/", {"words": "kitchen"}).content.decode()
    assert own.get(f"/notes/{trashed.pk}/").status_code == 404


def test_a_note_is_restored_as_it_was(own: Client, owner: User, trashed: Note) -> None:
    answer = own.post(reverse("notes:restore", args=[trashed.pk]), {"back": TRASH})
    assert answer["Location"] == TRASH
    assert "Restored." in own.get(TRASH).content.decode()
    after = Note.objects.of(owner).get()
    assert (after.text, after.version, after.created) == (trashed.text, trashed.version, trashed.created)


def test_it_comes_back_as_json(own: Client, owner: User, trashed: Note) -> None:
    answer = own.post(reverse("notes:restore", args=[trashed.pk]), headers={"accept": "application/json"})
    assert answer.json()["outcome"] == "restored"
    assert Note.objects.of(owner).exists()


def test_only_what_is_in_the_trash_can_be_brought_back_or_deleted_forever(own: Client, note: Note) -> None:
    for name in ("restore", "delete_forever"):
        assert own.post(reverse(f"notes:{name}", args=[note.pk])).status_code == 404
    assert Note.objects.filter(pk=note.pk, trashed=None).exists()


def test_deleting_one_forever(own: Client, owner: User, trashed: Note) -> None:
    other = Note.objects.write(owner, "other", trashed=timezone.now())
    url = reverse("notes:delete_forever", args=[trashed.pk])
    asked = own.post(url).content.decode()
    assert "1 note and its files will be deleted. This cannot be undone." in asked
    assert "The kitchen at five" in asked
    assert Note.objects.trashed(owner).count() == 2
    assert own.post(url, {"sure": "1"})["Location"] == TRASH
    assert list(Note.objects.trashed(owner)) == [other]


def test_emptying_the_trash(own: Client, owner: User, stranger: User, trashed: Note) -> None:
    theirs = Note.objects.write(stranger, "x", trashed=timezone.now())
    kept = Note.objects.write(owner, "kept")
    Note.objects.write(owner, "y", trashed=timezone.now())
    assert "2 notes and their files will be deleted. This cannot be undone." in own.post(TRASH).content.decode()
    assert Note.objects.trashed(owner).count() == 2
    own.post(TRASH, {"sure": "1"})
    assert set(Note.objects.all()) == {theirs, kept}
    assert "The trash is empty." in own.get(TRASH).content.decode()


def test_after_thirty_days_it_is_gone_swept_or_not(owner: User, trashed: Note) -> None:
    age(trashed, TRASH_DAYS - 0.01)
    assert Note.objects.trashed(owner).exists()
    age(trashed, TRASH_DAYS)
    assert not Note.objects.trashed(owner).exists()
    assert not trash.restore(owner, trashed.pk)


@pytest.mark.parametrize("deletes", [False, True])
def test_opening_the_trash_or_deleting_removes_ones_own_expired_notes(
    own: Client, owner: User, stranger: User, deletes: bool
) -> None:
    old, one = Note.objects.write(owner, "x"), Note.objects.write(owner, "y")
    theirs = Note.objects.write(stranger, "z")
    age(old, TRASH_DAYS)
    age(theirs, TRASH_DAYS)
    if deletes:
        own.post(f"/notes/{one.pk}/delete/", {"version": 1})
    else:
        own.get(TRASH)
    assert set(Note.objects.all()) == {one, theirs}


def test_the_command_sweeps_everybodys(owner: User, stranger: User) -> None:
    notes = [Note.objects.write(who, "x") for who in (owner, stranger, owner)]
    age(notes[0], TRASH_DAYS)
    age(notes[1], TRASH_DAYS + 1)
    age(notes[2], TRASH_DAYS - 1)
    out = StringIO()
    call_command("empty_trash", stdout=out)
    assert out.getvalue().startswith("2 notes were deleted for good.\n")
    assert list(Note.objects.all()) == [notes[2]]


@pytest.mark.parametrize("asked", ["x", "", "\0", "00000000-0000-0000-0000-000000000000"])
def test_undo_is_offered_for_a_note_in_the_trash_alone(own: Client, note: Note, asked: str) -> None:
    for given in (asked, str(note.pk)):
        assert "data-undo>" not in own.get("/", {"deleted": given}).content.decode()

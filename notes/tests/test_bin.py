from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notes import bin as bins
from notes import writing
from notes.models import BIN_DAYS, Note

BIN = reverse("notes:bin")


def age(note: Note, days: float) -> None:
    Note.objects.filter(pk=note.pk).update(binned=timezone.now() - timedelta(days=days))


@pytest.fixture
def binned(owner: User, note: Note) -> Note:
    writing.delete(owner, note.pk, 1)
    return note


def test_what_is_deleted_is_in_the_bin_and_nowhere_else(own: Client, binned: Note) -> None:
    assert "The kitchen at five" in own.get(BIN).content.decode()
    assert "The kitchen at five" not in own.get("/").content.decode()
    assert "The kitchen at five" not in own.post("/search/", {"words": "kitchen"}).content.decode()
    assert own.get(f"/notes/{binned.pk}/").status_code == 404


def test_it_comes_back_as_it_was(own: Client, owner: User, binned: Note) -> None:
    answer = own.post(reverse("notes:restore", args=[binned.pk]), {"back": BIN})
    assert answer["Location"] == BIN
    assert "It is back." in own.get(BIN).content.decode()
    after = Note.objects.of(owner).get()
    assert (after.text, after.version, after.created) == (binned.text, binned.version, binned.created)


def test_it_comes_back_as_json(own: Client, owner: User, binned: Note) -> None:
    answer = own.post(reverse("notes:restore", args=[binned.pk]), headers={"accept": "application/json"})
    assert answer.json()["outcome"] == "restored"
    assert Note.objects.of(owner).exists()


def test_only_what_is_in_the_bin_can_be_brought_back_or_thrown_away(own: Client, note: Note) -> None:
    for name in ("restore", "throw_away"):
        assert own.post(reverse(f"notes:{name}", args=[note.pk])).status_code == 404
    assert Note.objects.filter(pk=note.pk, binned=None).exists()


def test_throwing_one_away(own: Client, owner: User, binned: Note) -> None:
    other = Note.objects.write(owner, "other", binned=timezone.now())
    assert own.post(reverse("notes:throw_away", args=[binned.pk]))["Location"] == BIN
    assert list(Note.objects.binned(owner)) == [other]


def test_emptying_it(own: Client, owner: User, stranger: User, binned: Note) -> None:
    theirs = Note.objects.write(stranger, "x", binned=timezone.now())
    kept = Note.objects.write(owner, "kept")
    own.post(BIN)
    assert set(Note.objects.all()) == {theirs, kept}
    assert "There is nothing in it." in own.get(BIN).content.decode()


def test_after_thirty_days_it_is_gone_swept_or_not(owner: User, binned: Note) -> None:
    age(binned, BIN_DAYS - 0.01)
    assert Note.objects.binned(owner).exists()
    age(binned, BIN_DAYS)
    assert not Note.objects.binned(owner).exists()
    assert not bins.restore(owner, binned.pk)


@pytest.mark.parametrize("deletes", [False, True])
def test_looking_into_the_bin_or_deleting_sweeps_ones_own(
    own: Client, owner: User, stranger: User, deletes: bool
) -> None:
    old, one = Note.objects.write(owner, "x"), Note.objects.write(owner, "y")
    theirs = Note.objects.write(stranger, "z")
    age(old, BIN_DAYS)
    age(theirs, BIN_DAYS)
    if deletes:
        own.post(f"/notes/{one.pk}/delete/", {"version": 1})
    else:
        own.get(BIN)
    assert set(Note.objects.all()) == {one, theirs}


def test_the_command_sweeps_everybodys(owner: User, stranger: User) -> None:
    notes = [Note.objects.write(who, "x") for who in (owner, stranger, owner)]
    age(notes[0], BIN_DAYS)
    age(notes[1], BIN_DAYS + 1)
    age(notes[2], BIN_DAYS - 1)
    out = StringIO()
    call_command("empty_bins", stdout=out)
    assert out.getvalue() == "2 notes were deleted for good.\n"
    assert list(Note.objects.all()) == [notes[2]]


def test_boxes_in_the_bin_cannot_be_ticked(own: Client, owner: User) -> None:
    Note.objects.write(owner, "- [ ] <button x", binned=timezone.now())
    page = own.get(BIN).content.decode()
    assert "<button disabled class=" in page
    assert "&lt;button x" in page


@pytest.mark.parametrize("asked", ["x", "", "\0", "00000000-0000-0000-0000-000000000000"])
def test_undo_is_offered_for_a_note_in_the_bin_alone(own: Client, note: Note, asked: str) -> None:
    for given in (asked, str(note.pk)):
        assert "data-undo>" not in own.get("/", {"deleted": given}).content.decode()

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection

from notes import editing
from notes.editing import Conflict, Saved
from notes.models import Note
from notes.quotas import Full


def test_a_page_becomes_a_note(owner: User) -> None:
    page = uuid4()
    assert editing.add(owner, page, "first") == Saved(page, 1)
    note = Note.objects.of(owner).get()
    assert (note.pk, note.text, note.version) == (page, "first", 1)


def test_the_same_page_twice_is_one_note(owner: User) -> None:
    page = uuid4()
    editing.add(owner, page, "first")
    assert editing.add(owner, page, "first") == Saved(page, 1)
    assert Note.objects.of(owner).count() == 1


def test_other_text_on_the_same_page_replaces_nothing(owner: User) -> None:
    page = uuid4()
    editing.add(owner, page, "first")
    assert editing.add(owner, page, "second") == Conflict(Note.objects.get(pk=page))
    assert Note.objects.of(owner).get().text == "first"


def test_a_page_with_the_id_of_a_strangers_note_is_kept_and_tells_nothing(note: Note, stranger: User) -> None:
    result = editing.add(stranger, note.pk, "mine")
    assert isinstance(result, Saved)
    assert result.id != note.pk
    assert Note.objects.of(User.objects.get(pk=stranger.pk)).get().text == "mine"  # with the key that was kept
    note.refresh_from_db()
    assert note.text.startswith("The kitchen")


def test_a_change_counts_and_dates(owner: User, note: Note) -> None:
    assert editing.change(owner, note.pk, 1, "new") == Saved(note.pk, 2)
    after = Note.objects.get(pk=note.pk)
    assert (after.text, after.version, after.created) == ("new", 2, note.created)
    assert after.changed > note.changed


def test_a_change_of_an_old_version_replaces_nothing(owner: User, note: Note) -> None:
    editing.change(owner, note.pk, 1, "from one tab")
    result = editing.change(owner, note.pk, 1, "from the other")
    assert isinstance(result, Conflict)
    assert result.note.text == "from one tab"
    assert Note.objects.get(pk=note.pk).text == "from one tab"


def test_the_same_text_again_is_no_change(owner: User, note: Note) -> None:
    editing.change(owner, note.pk, 1, "once")
    changed = Note.objects.get(pk=note.pk).changed
    assert editing.change(owner, note.pk, 1, "once") == Saved(note.pk, 2)
    assert Note.objects.get(pk=note.pk).changed == changed


@pytest.mark.parametrize("version", [0, 1])
def test_a_strangers_note_is_not_there(note: Note, stranger: User, version: int) -> None:
    assert editing.change(stranger, note.pk, version, "mine now") is None
    assert editing.delete(stranger, note.pk, version) is None
    assert Note.objects.get(pk=note.pk).text == note.text


def test_delete(owner: User, note: Note) -> None:
    assert editing.delete(owner, note.pk, 1) is None
    assert not Note.objects.of(owner).exists()


def test_delete_keeps_a_change_that_was_not_seen(owner: User, note: Note) -> None:
    editing.change(owner, note.pk, 1, "newer")
    result = editing.delete(owner, note.pk, 1)
    assert isinstance(result, Conflict)
    assert result.note.text == "newer"
    assert Note.objects.filter(pk=note.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_of_ten_tabs_that_save_at_once_one_wins_and_nine_see_both(owner: User) -> None:
    note = Note.objects.write(owner, "before")

    def save(tab: int) -> Saved | Conflict | Full | None:
        try:
            return editing.change(owner, note.pk, 1, f"tab {tab}")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as tabs:
        results = list(tabs.map(save, range(10)))
    assert sum(isinstance(result, Saved) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 9
    assert Note.objects.get(pk=note.pk).text == f"tab {next(i for i, r in enumerate(results) if isinstance(r, Saved))}"


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_sent_ten_times_at_once_is_one_note(owner: User) -> None:
    page = uuid4()

    def add(_: int) -> Saved | Conflict | Full:
        try:
            return editing.add(owner, page, "once")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as clicks:
        assert set(clicks.map(add, range(10))) == {Saved(page, 1)}
    assert Note.objects.of(owner).count() == 1

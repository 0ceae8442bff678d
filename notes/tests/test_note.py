"""Reading, changing and deleting one note."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notes import writing
from notes.models import MAX_LENGTH, Note
from notes.tests.browser import Form, open_form, send


def at(note: Note) -> str:
    return reverse("notes:note", args=[note.pk])


def deletion_of(note: Note) -> str:
    return reverse("notes:delete", args=[note.pk])


@pytest.mark.parametrize(
    "text", ["plain", "\n\nleads with lines", "trails \n\n", "</textarea><script>", "a\tb   c", "‏سر"]
)
def test_a_note_comes_back_as_it_was_written(own: Client, owner: User, text: str) -> None:
    note = Note.objects.create(owner=owner, text=text)
    assert open_form(own, at(note)).fields["text"] == text
    send(own, at(note), open_form(own, at(note)).fields)
    note.refresh_from_db()
    assert (note.text, note.version) == (text, 1)


def test_changing(own: Client, note: Note) -> None:
    answer = send(own, at(note), open_form(own, at(note)).fields | {"text": "new words"})
    assert (answer.status_code, answer.url) == (302, reverse("notes:list"))
    note.refresh_from_db()
    assert (note.text, note.version) == ("new words", 2)


def test_a_note_takes_few_queries(own: Client, note: Note, django_assert_num_queries: Callable[[int], Any]) -> None:
    with django_assert_num_queries(3 + 3):  # the session, the person, the note; the session's new end in its savepoint
        own.get(at(note))


def test_two_tabs(own: Client, note: Note) -> None:
    one, other = open_form(own, at(note)), open_form(own, at(note))
    send(own, at(note), one.fields | {"text": "from one tab"})
    answer = send(own, at(note), other.fields | {"text": "from the other tab"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "from one tab</blockquote>" in page
    assert "from the other tab</textarea>" in page
    note.refresh_from_db()
    assert note.text == "from one tab"


def test_after_a_conflict_both_can_be_kept(own: Client, owner: User, note: Note) -> None:
    old = open_form(own, at(note))
    send(own, at(note), old.fields | {"text": "from one tab"})
    offer = Form(send(own, at(note), old.fields | {"text": "from the other"}).content.decode())
    assert offer.action == reverse("notes:list")
    assert send(own, offer.action, offer.fields).status_code == 302
    assert set(Note.objects.of(owner).values_list("text", flat=True)) == {"from one tab", "from the other"}


def test_after_a_conflict_the_other_can_be_replaced_but_only_as_it_was_shown(own: Client, note: Note) -> None:
    old = open_form(own, at(note))
    send(own, at(note), old.fields | {"text": "from one tab"})
    page = send(own, at(note), old.fields | {"text": "from the other"}).content.decode()
    assert f'formaction="{at(note)}" name="version" value="2"' in page
    choice = Form(page).fields | {"version": "2"}
    assert send(own, at(note), choice).status_code == 302
    note.refresh_from_db()
    assert note.text == "from the other"
    assert send(own, at(note), choice | {"text": "again"}).status_code == 409


def test_a_change_that_names_no_version_replaces_nothing(own: Client, note: Note) -> None:
    assert own.post(at(note), {"text": "blind"}).status_code == 409
    note.refresh_from_db()
    assert note.version == 1


def test_too_long_a_change_comes_back_whole_and_can_be_mended(own: Client, note: Note) -> None:
    text = "x" * (MAX_LENGTH + 2)
    answer = send(own, at(note), open_form(own, at(note)).fields | {"text": text})
    assert answer.status_code == 422
    form = Form(answer.content.decode())
    assert form.fields["text"] == text
    assert send(own, at(note), form.fields | {"text": text[2:]}).status_code == 302


def test_words_for_a_note_that_was_deleted_elsewhere_become_a_new_one(own: Client, owner: User, note: Note) -> None:
    form = open_form(own, at(note))
    writing.delete(owner, note.pk, 1)
    answer = send(own, at(note), form.fields | {"text": "still here"})
    assert answer.status_code == 404
    offer = Form(answer.content.decode())
    assert offer.fields["text"] == "still here"
    assert send(own, offer.action or "", offer.fields).status_code == 302
    assert Note.objects.of(owner).get().text == "still here"


def test_too_many_words_for_a_note_that_was_deleted_come_back_too(own: Client, owner: User, note: Note) -> None:
    form = open_form(own, at(note))
    writing.delete(owner, note.pk, 1)
    text = "x" * (MAX_LENGTH + 1)
    answer = send(own, at(note), form.fields | {"text": text})
    assert answer.status_code == 404
    assert Form(answer.content.decode()).fields["text"] == text


@pytest.mark.parametrize(
    ("spoil", "status", "outcome"),
    [({}, 200, "saved"), ({"version": "0"}, 409, "conflict"), ({"text": " "}, 422, "refused")],
)
def test_as_json(own: Client, note: Note, spoil: dict[str, str], status: int, outcome: str) -> None:
    fields = open_form(own, at(note)).fields | {"text": "typed on"} | spoil
    answer = send(own, at(note), fields, accept="application/json")
    assert answer.status_code == status
    assert answer.json()["outcome"] == outcome
    assert answer.json()["message"]


def test_a_missing_note_as_json(own: Client) -> None:
    answer = send(own, reverse("notes:note", args=[uuid4()]), {"text": "typed"}, accept="application/json")
    assert (answer.status_code, answer.json()["outcome"]) == (404, "gone")


def test_deleting_asks_first_and_shows_the_note(own: Client, note: Note) -> None:
    page = own.get(deletion_of(note)).content.decode()
    assert "Delete this note?" in page
    assert "Nobody up but me and the kettle." in page
    assert Note.objects.filter(pk=note.pk).exists()


def test_deleting(own: Client, note: Note) -> None:
    fields = open_form(own, deletion_of(note)).fields
    answer = send(own, deletion_of(note), fields)
    assert (answer.status_code, answer.url) == (302, reverse("notes:list"))
    assert not Note.objects.exists()
    assert "Deleted." in own.get(answer.url).content.decode()


def test_deleting_asks_again_when_the_note_has_changed(own: Client, owner: User, note: Note) -> None:
    fields = open_form(own, deletion_of(note)).fields
    writing.change(owner, note.pk, 1, "newer words")
    answer = send(own, deletion_of(note), fields)
    assert answer.status_code == 409
    assert "newer words</blockquote>" in answer.content.decode()
    assert Note.objects.filter(pk=note.pk).exists()
    assert send(own, deletion_of(note), Form(answer.content.decode()).fields).status_code == 302
    assert not Note.objects.exists()


def test_deleting_twice_is_not_found(own: Client, note: Note) -> None:
    fields = open_form(own, deletion_of(note)).fields
    send(own, deletion_of(note), fields)
    assert send(own, deletion_of(note), fields).status_code == 404


def test_a_deletion_that_names_no_version_deletes_nothing(own: Client, note: Note) -> None:
    assert own.post(deletion_of(note)).status_code == 409
    assert Note.objects.filter(pk=note.pk).exists()

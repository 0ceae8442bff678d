"""What is written is unreadable without the keys of the settings, and opens only in its own place."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notes import encryption
from notes.encryption import Altered, KeyDamaged
from notes.models import Attachment, Key, Note, Preferences, key_of
from notes.tests.conftest import everything_in_the_database, signed_in

WORDS = ("kitchen", "kettle")  # of the owner's note


def again(user: User) -> User:
    """The person as another request sees them, with no key at hand."""
    return User.objects.get(pk=user.pk)


# Sealing --------------------------------------------------------------------------------------------------------------


def test_sealed_values_open_in_their_place_alone() -> None:
    key = os.urandom(32)
    sealed = encryption.seal(key, b"words", "here")
    assert encryption.unseal(key, sealed, "here") == b"words"
    for other_key, other_place in ((os.urandom(32), "here"), (key, "there")):
        with pytest.raises(Altered):
            encryption.unseal(other_key, sealed, other_place)


@pytest.mark.parametrize("damage", [lambda s: s[:-1], lambda s: b"", lambda s: s[:12], lambda s: s[:-1] + b"\0" * 2])
def test_damaged_values_do_not_open(damage: Callable[[bytes], bytes]) -> None:
    key = os.urandom(32)
    with pytest.raises(Altered):
        encryption.unseal(key, damage(encryption.seal(key, b"words", "here")), "here")


def test_the_same_text_is_encrypted_differently_each_time() -> None:
    assert encryption.seal(b"k" * 32, b"words", "here") != encryption.seal(b"k" * 32, b"words", "here")


# Notes ----------------------------------------------------------------------------------------------------------------


def test_the_database_holds_no_word(own: Client, owner: User, note: Note) -> None:
    own.post(reverse("notes:list"), {"text": "# A title\n\nand a kettle"})
    dump = everything_in_the_database()
    assert len(dump) > 1000
    for word in (*WORDS, "title"):
        assert word.encode() not in dump
        assert base64.b64encode(word.encode())[:6] not in dump
    assert "A title" in own.get("/").content.decode()


def test_a_text_that_is_moved_to_another_note_does_not_open(owner: User, note: Note) -> None:
    other = Note.objects.write(owner, "other")
    Note.objects.filter(pk=other.pk).update(sealed_text=note.sealed_text)
    with pytest.raises(Altered):
        _ = Note.objects.get(pk=other.pk).text


def test_an_opening_does_not_pass_for_a_text(owner: User, note: Note) -> None:
    Note.objects.filter(pk=note.pk).update(sealed_text=note.sealed_opening)
    with pytest.raises(Altered):
        _ = Note.objects.get(pk=note.pk).text


def test_a_note_that_is_given_to_somebody_else_does_not_open(owner: User, stranger: User, note: Note) -> None:
    Note.objects.filter(pk=note.pk).update(owner=stranger)
    key_of(stranger)
    with pytest.raises(Altered):
        _ = Note.objects.get(pk=note.pk).text


def test_a_note_moved_with_its_key_to_somebody_else_does_not_open(owner: User, stranger: User, note: Note) -> None:
    key = key_of(owner)
    Key.objects.create(owner=stranger, wrapped=key.wrapped, wrapped_by=key.wrapped_by)
    Note.objects.filter(pk=note.pk).update(owner=stranger)
    with pytest.raises(KeyDamaged):
        _ = Note.objects.get(pk=note.pk).text


def test_everybody_has_a_key_of_their_own(owner: User, stranger: User) -> None:
    assert key_of(owner).secret != key_of(stranger).secret
    assert key_of(again(owner)).secret == key_of(owner).secret


def test_two_first_notes_at_once_have_one_key(owner: User) -> None:
    one, other = again(owner), again(owner)
    assert not Key.objects.filter(pk=owner.pk).exists()
    assert key_of(one).secret == key_of(other).secret


def test_without_the_row_of_the_key_a_note_does_not_open(owner: User, note: Note) -> None:
    Key.objects.filter(pk=owner.pk).delete()
    with pytest.raises(Altered):
        _ = Note.objects.get(pk=note.pk).text


def test_with_a_person_go_key_and_notes(owner: User, note: Note) -> None:
    owner.delete()
    assert not Key.objects.exists()
    assert not Note.objects.exists()


# What cannot be opened ------------------------------------------------------------------------------------------------


def test_an_altered_note_is_said_and_the_others_stay_open(
    owner: User, note: Note, caplog: pytest.LogCaptureFixture
) -> None:
    other = Note.objects.write(owner, "another kettle")
    Attachment.objects.create(note=other, sealed_label=b"x" * 40, size=1)
    Note.objects.filter(pk=note.pk).update(sealed_text=b"x" * 40, sealed_opening=b"x" * 40)
    page = signed_in(owner).get("/").content.decode()
    assert "This note cannot be opened." in page
    assert "another kettle" in page
    assert "another <mark>kettle</mark>" in signed_in(owner).post("/search/", {"words": "kettle"}).content.decode()
    assert "A file that cannot be opened" in signed_in(owner).get(f"/notes/{other.pk}/").content.decode()
    assert signed_in(owner).get(f"/notes/{note.pk}/").status_code == 503
    assert str(note.pk) in caplog.text


def test_a_damaged_key_is_said_and_is_no_empty_notebook(owner: User, stranger: User, note: Note) -> None:
    key = Key.objects.get(pk=owner.pk)
    key.wrapped = bytes(key_of(stranger).wrapped)
    key.save()
    with pytest.raises(KeyDamaged):
        _ = Note.objects.get(pk=note.pk).text
    assert signed_in(owner).get("/").status_code == 503


# The way from clear texts ---------------------------------------------------------------------------------------------


SCRIPT = """
import sqlite3, sys, django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.db import connection
path = settings.DATABASES["default"]["NAME"]
def lies_open():
    return any(b"kettle" in file.read_bytes() for file in settings.HOME.glob("secretly.sqlite3*"))
call_command("migrate", "auth", verbosity=0)
call_command("migrate", "notes", "0001", verbosity=0)
with sqlite3.connect(path) as database:
    database.execute(
        "INSERT INTO auth_user (id, username, password, is_superuser, is_staff, is_active, first_name, last_name,"
        " email, date_joined) VALUES (1, 'x', '', 0, 0, 1, '', '', '', '2026-01-01')"
    )
    for i in range(50):
        database.execute(
            "INSERT INTO notes_note (id, text, version, created, changed, owner_id)"
            " VALUES (?, ?, 1, '2026-01-01', '2026-01-01', 1)",
            (f"{i:032x}", f"A kettle, {i}. " * 100),
        )
database.close()
assert lies_open()
call_command("migrate", "notes", verbosity=0)
assert not lies_open()
from notes.models import Note
texts = sorted(note.text + note.opening for note in Note.objects.all())
assert texts == sorted(f"A kettle, {i}. " * 100 + (f"A kettle, {i}. " * 100)[:300] for i in range(50))
print("sealed")
"""


def test_clear_texts_are_encrypted_and_removed(tmp_path: Path) -> None:
    """In a process of its own, on a file that can be looked through."""
    environ = os.environ | {"SECRETLY_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", SCRIPT], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "sealed\n", done.stderr


# The place of a value -------------------------------------------------------------------------------------------------


def test_every_value_is_bound_to_its_part_kind_row_and_owner(owner: User, stranger: User, note: Note) -> None:
    """Whoever can write to the database could move a value: to another column, table, row or person."""
    key = key_of(owner)
    attachment = Attachment(pk=note.pk, note=note)
    sealed = {
        "text": note.seal("words", "text", 1),
        "another version": note.seal("words", "text", 2),
        "opening": note.seal("words", "opening", 1),
        "label": attachment.seal(b"words", "label"),
        "content": attachment.seal(b"words", "content"),
        "thumbnail": attachment.seal(b"words", "thumbnail"),
        "text of an attachment": attachment.seal(b"words", "text"),
        "another note": Note(pk=uuid4(), owner=owner).seal("words", "text", 1),
        "another attachment": Attachment(pk=uuid4(), note=note).seal(b"words", "label"),
        "bare": key.seal(b"words", f"text of note {note.pk}, version 1"),
        "without a version": key.seal(b"words", f"text of note {note.pk}"),
    }
    assert note.unseal(sealed["text"], "text") == note.unseal(sealed["bare"], "text") == "words"
    for name in sealed.keys() - {"text", "bare"}:
        with pytest.raises(Altered):
            note.unseal(sealed[name], "text")
    assert attachment.unseal(sealed["label"], "label") == b"words"
    for name in sealed.keys() - {"label"}:
        with pytest.raises(Altered):
            attachment.unseal(sealed[name], "label")


def test_values_under_a_copied_key_do_not_open_for_another_person(owner: User, stranger: User, note: Note) -> None:
    mine = key_of(owner)
    theirs = Key(owner=stranger)
    theirs.secret = mine.secret  # as if the wrapped key could be copied
    with pytest.raises(Altered):
        theirs.unseal(mine.seal(b"words", "here"), "here")


def test_an_opening_holds_the_beginning_alone(owner: User) -> None:
    note = Note.written(owner, "x" * 300 + "y")
    assert note.opening == "x" * 300
    assert note.text.endswith("y")


def test_no_secret_stands_in_a_representation(owner: User, note: Note) -> None:
    for thing in (note, key_of(owner), Attachment(note=note), Preferences(owner=owner)):
        assert "kitchen" not in repr(thing) + str(thing)
        assert repr(key_of(owner).secret)[2:-1] not in repr(thing)

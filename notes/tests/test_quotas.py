"""Storage, notes, uploads and imports have limits, and each says so in a sentence."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from notes import attachments, editing, quotas
from notes.models import Attachment, Note, SendCount
from notes.quotas import Full
from notes.tests.files import attach_to, send
from notes.tests.zips import bring, taken_in, zipped


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_a_file_that_does_not_fit_is_refused(owner: User, stranger: User, note: Note, settings: Settings) -> None:
    settings.STORAGE_PER_PERSON = 10_000
    attach_to(owner, note, content=b"x" * 9000)
    assert attachments.attach(owner, note.pk, "b.txt", ContentFile(b"x" * 1000)) == attachments.Fault.FULL
    other = Note.objects.write(stranger, "x")
    attach_to(stranger, other, content=b"x" * 1000)  # everybody has their own
    note.delete()
    assert quotas.usage(owner).bytes == 0


def test_a_note_too_many_is_refused_and_its_words_come_back(own: Client, note: Note, settings: Settings) -> None:
    settings.NOTES_PER_PERSON = 1
    answer = own.post("/", {"text": "one too many"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "You have reached the largest number of notes." in page
    assert "one too many</textarea>" in page
    answer = own.post("/", {"text": "x"}, headers={"accept": "application/json"})
    assert answer.json()["message"].startswith("You have reached the largest number of notes")
    assert Note.objects.count() == 1


def test_a_full_notebook_takes_shorter_texts_and_no_longer_ones(owner: User, note: Note, settings: Settings) -> None:
    settings.STORAGE_PER_PERSON = 1
    assert editing.change(owner, note.pk, 1, note.text + "!") == Full.STORAGE
    assert isinstance(editing.change(owner, note.pk, 1, "short"), editing.Saved)


def test_a_full_notebook_says_so_on_the_note(own: Client, note: Note, settings: Settings) -> None:
    settings.STORAGE_PER_PERSON = 1
    answer = own.post(f"/notes/{note.pk}/", {"text": "x" * 1000, "version": 1})
    assert answer.status_code == 422
    assert "Your storage is full." in answer.content.decode()


def test_an_import_stops_at_the_limit(owner: User, settings: Settings) -> None:
    settings.NOTES_PER_PERSON = 2
    result = taken_in(owner, zipped({f"{i}.md": f"note {i}" for i in range(3)}))
    assert (result.kept, len(result.left_out)) == (0, 3)
    assert "the largest number of notes" in result.left_out[0]
    assert taken_in(owner, zipped({f"{i}.md": f"note {i}" for i in range(2)})).kept == 2


def test_uploads_and_imports_of_an_hour_are_counted(own: Client, owner: User, note: Note, settings: Settings) -> None:
    settings.UPLOADS_PER_HOUR = settings.IMPORTS_PER_HOUR = 1
    assert send(own, note, ("a.txt", b"x")).status_code == 302
    answer = send(own, note, ("b.txt", b"x"))
    assert (answer.status_code, Attachment.objects.count()) == (429, 1)
    assert "Too many files were uploaded in the last hour." in answer.content.decode()
    answer = send(own, note, ("b.txt", b"x"), headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["outcome"]) == (429, "refused")
    assert bring(own, ("a.md", b"x")).status_code == 200
    answer = bring(own, ("b.md", b"y"))
    assert answer.status_code == 429
    assert "There were too many imports in the last hour." in answer.content.decode()
    SendCount.objects.update(began=timezone.now() - timedelta(hours=1))
    assert send(own, note, ("b.txt", b"x")).status_code == 302
    assert bring(own, ("b.md", b"y")).status_code == 200


def test_the_notebook_shows_what_is_used(own: Client, note: Note, settings: Settings) -> None:
    settings.STORAGE_PER_PERSON, settings.NOTES_PER_PERSON = 5_000_000, 70
    page = own.get("/account/").content.decode()
    assert "Stored, with the trash: 1 of 70 notes," in page


@pytest.mark.slow
def test_of_ten_at_once_only_as_many_get_in_as_fit(transactional_db: None, settings: Settings) -> None:
    owner = User.objects.create_user("owner")
    note = Note.objects.write(owner, "with files")
    settings.STORAGE_PER_PERSON, settings.NOTES_PER_PERSON = 10_000, 3

    def attach(_n: int) -> object:
        try:
            return attachments.attach(owner, note.pk, "a.txt", ContentFile(b"x" * 3000))
        finally:
            connection.close()

    def write(_n: int) -> object:
        try:
            return editing.add(owner, uuid4(), "another")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        attached, written = list(pool.map(attach, range(10))), list(pool.map(write, range(10)))
    assert [isinstance(one, Attachment) for one in attached].count(True) == 3
    assert [isinstance(one, editing.Saved) for one in written].count(True) == 2
    assert quotas.usage(owner).bytes <= 10_000
    assert sum(len(files) for _path, _folders, files in os.walk(settings.MEDIA_ROOT)) == 3

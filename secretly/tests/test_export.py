"""What the notebook adds to a person's copy of everything."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from notes import attachments, editing
from notes.models import Attachment, Note
from secretly import export


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def hang(note: Note, name: str, content: bytes) -> Attachment:
    result = attachments.attach(note.owner, note.pk, name, ContentFile(content))
    assert isinstance(result, Attachment), result
    return result


def files_of(user: User) -> dict[str, bytes]:
    return {
        str(name): b"".join(piece if isinstance(piece, bytes) else piece.encode() for piece in pieces)
        for name, pieces in export.notes(user)
    }


def test_notes_and_what_hangs_on_them(owner: User, stranger: User) -> None:
    note = Note.objects.write(owner, "The kitchen at five")
    Note.objects.write(stranger, "Nobody else's business")
    hang(note, "plan.txt", b"Meet at five.")
    files = files_of(owner)
    [page] = [name for name in files if name.endswith(".md")]
    assert b"The kitchen at five" in files[page]
    assert files[f"{page.removesuffix('.md')}/plan.txt"] == b"Meet at five."
    assert [row["text"] for row in json.loads(files["notes.json"])] == ["The kitchen at five"]
    assert (len(files), json.loads(files["earlier-versions.json"])) == (4, [])


def test_earlier_versions_too(owner: User, stranger: User) -> None:
    for person in (owner, stranger):
        note = Note.objects.write(person, f"First, {person.pk}")
        editing.change(person, note.pk, 1, "Second")
    [row] = json.loads(files_of(owner)["earlier-versions.json"])
    assert (row["version"], row["text"]) == (1, f"First, {owner.pk}")


def test_notes_of_the_bin_too(owner: User) -> None:
    note = Note.objects.write(owner, "Thrown away")
    editing.delete(owner, note.pk, note.version)
    [row] = json.loads(files_of(owner)["notes.json"])
    assert (row["text"], bool(row["trashed"])) == ("Thrown away", True)


def test_files_have_names_that_every_system_takes(owner: User) -> None:
    note = Note.objects.write(owner, "Two of a name")
    for content in (b"first", b"second"):
        hang(note, "who? me: <both>.txt", content)
    hang(note, "WHO  ME   BOTH .TXT", b"third")
    found = {name: content for name, content in files_of(owner).items() if name.lower().endswith(".txt")}
    assert set(found.values()) == {b"first", b"second", b"third"}
    assert not any(sign in name for name in found for sign in '?:<>"|*\\')
    assert len({name.casefold() for name in found}) == 3


def test_what_cannot_be_read_is_named_and_the_rest_is_there(owner: User, media: Path) -> None:
    note = Note.objects.write(owner, "The kitchen at five")
    lost, kept = hang(note, "lost.txt", b"lost"), hang(note, "kept.txt", b"kept")
    Path(media, lost.content_path).unlink()
    files = files_of(owner)
    assert [content for name, content in files.items() if name.endswith("kept.txt")] == [b"kept"]
    assert not [name for name in files if name.endswith("lost.txt")]
    assert str(lost.pk) in files["notes/missing.md"].decode()
    assert str(kept.pk) not in files["notes/missing.md"].decode()


def test_a_note_that_was_altered_is_named_and_the_rest_is_there(owner: User) -> None:
    altered, other = Note.objects.write(owner, "Altered"), Note.objects.write(owner, "Untouched")
    Note.objects.filter(pk=altered.pk).update(sealed_text=other.sealed_text)
    files = files_of(owner)
    assert [row["text"] for row in json.loads(files["notes.json"])] == [None, "Untouched"]
    assert str(altered.pk) in files["notes/missing.md"].decode()
    assert [content for name, content in files.items() if name.endswith(".md") and b"Untouched" in content]

"""The notes in a person's export of everything: Markdown for people, JSON for programs."""

from collections.abc import Iterable, Iterator

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext

from notes import attachments
from notes.encryption import CannotDecrypt
from notes.export_format import Names, file_names, file_stem, format_note
from notes.models import Note, Version
from notes.storage import StorageDown
from notes.templatetags.cards import card
from privatekit.zipstream import File, json_array

AT_ONCE = 20  # notes in one fetch: 20 of the longest are 2 million characters


def notes(user: User) -> Iterator[File]:
    """Yield each file as (name, pieces of its content), the trash included. One note is in memory at a time."""
    mine: QuerySet[Note] = user.notes.all().order_by("created", "id")
    yield "notes.json", json_array(rows(mine.iterator(AT_ONCE)))
    earlier = Version.objects.filter(note__owner_id=user.pk).select_related("note__owner__notes_key")
    yield "earlier-versions.json", json_array(version_rows(earlier.order_by("note", "number").iterator(AT_ONCE)))
    names = Names()
    missing: list[str] = []
    for note in mine.prefetch_related("attachments").iterator(AT_ONCE):
        try:
            stem = names.take(file_stem(note, card(note).title))
            page = format_note(note)
        except CannotDecrypt:
            missing.append(str(note.pk))
            continue
        yield f"notes/{stem}.md", [page]
        yield from attachment_files(note, stem, missing)
    if missing:
        yield (
            "notes/missing.md",
            ["# " + gettext("What could not be read") + "\n\n", *(f"- {name}\n" for name in missing)],
        )


def attachment_files(note: Note, stem: str, missing: list[str]) -> Iterator[File]:
    attached = note.attachments.all()
    for attachment, name in zip(attached, file_names(one.name for one in attached), strict=True):
        try:
            content = attachments.read(attachment)
        except (CannotDecrypt, StorageDown):
            missing.append(f"{stem}/{attachment.pk}")
        else:
            yield f"notes/{stem}/{name}", [content]


def rows(notes: Iterable[Note]) -> Iterator[dict[str, object]]:
    for note in notes:
        row = {"id": note.pk, "created": note.created, "changed": note.changed, "trashed": note.trashed}
        yield row | {"pinned": note.pinned, "text": text_of(note)}


def version_rows(versions: Iterable[Version]) -> Iterator[dict[str, object]]:
    for version in versions:
        row = {"note": version.note_id, "version": version.number, "written": version.written}
        yield row | {"replaced": version.replaced, "text": text_of(version)}


def text_of(written: Note | Version) -> str | None:
    try:
        return written.text
    except CannotDecrypt:
        return None

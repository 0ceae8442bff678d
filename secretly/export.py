"""The notes in a person's export of everything: Markdown for people, JSON for programs."""

import json
from collections.abc import Iterable, Iterator

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.utils.translation import gettext

from notes import attaching
from notes.archive import Names, file_names, stem_of, write_page
from notes.models import Note
from notes.sealing import CannotOpen
from notes.storing import StorageDown
from notes.templatetags.cards import card

AT_ONCE = 20  # notes in one fetch: 20 of the longest are 2 million characters

File = tuple[str, Iterable[str | bytes]]


def notes(user: User) -> Iterator[File]:
    """Yield each file as (name, pieces of its content), the trash included. One note is in memory at a time."""
    mine: QuerySet[Note] = user.notes.all().order_by("created", "id")
    yield "notes.json", as_json(mine.iterator(AT_ONCE))
    names = Names()
    missing: list[str] = []
    for note in mine.prefetch_related("attachments").iterator(AT_ONCE):
        try:
            stem = names.take(stem_of(note, card(note).title))
            page = write_page(note)
        except CannotOpen:
            missing.append(str(note.pk))
            continue
        yield f"notes/{stem}.md", [page]
        yield from attachments(note, stem, missing)
    if missing:
        yield (
            "notes/missing.md",
            ["# " + gettext("What could not be read") + "\n\n", *(f"- {name}\n" for name in missing)],
        )


def attachments(note: Note, stem: str, missing: list[str]) -> Iterator[File]:
    hanging = note.attachments.all()
    for attachment, name in zip(hanging, file_names(one.name for one in hanging), strict=True):
        try:
            content = attaching.read(attachment)
        except (CannotOpen, StorageDown):
            missing.append(f"{stem}/{attachment.pk}")
        else:
            yield f"notes/{stem}/{name}", [content]


def as_json(notes: Iterable[Note]) -> Iterator[str]:
    separator = "[\n"
    for note in notes:
        row = {"id": note.pk, "created": note.created, "changed": note.changed, "binned": note.binned}
        row |= {"pinned": note.pinned, "text": text_of(note)}
        yield separator + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"


def text_of(note: Note) -> str | None:
    try:
        return note.text
    except CannotOpen:
        return None

"""What the notebook adds to a person's export of everything: the notes, for people and for programs."""

import json
from collections.abc import Iterable, Iterator

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder

from notes.models import Note


def notes(user: User) -> Iterator[tuple[str, Iterable[str]]]:
    """The notes of the user, the eldest first and those in the bin too, as (file name, pieces of its content)."""
    mine = user.notes.all().order_by("created", "id")
    yield "notes.json", as_json(mine.iterator(chunk_size=100))
    for note in mine.iterator(chunk_size=100):
        yield f"notes/{note.created:%Y-%m-%d}-{note.pk}.md", [note.text, "\n"]


def as_json(notes: Iterable[Note]) -> Iterator[str]:
    separator = "[\n"
    for note in notes:
        row = {"id": note.pk, "created": note.created, "changed": note.changed, "binned": note.binned}
        row |= {"pinned": note.pinned, "text": note.text}
        yield separator + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"

"""Imported notes into the notebook. To import one's own export twice doubles nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from notes import attachments, quotas
from notes.attachments import Fault
from notes.export_format import ParsedNote, file_names
from notes.importing.report import Attached, Incoming, Result, Unreadable
from notes.models import Note

BATCH = 100  # notes to a transaction


def save_all(owner: User, pages: Iterable[Incoming], result: Result) -> None:
    for batch in batches(pages):
        there = existing_notes(owner, batch)
        new = []
        for incoming in batch:
            if notes := there.get((incoming.page.created, incoming.page.text)):
                result.there += 1
                attach_all(owner, notes[0], replace(incoming, files=missing(notes, incoming.files)), result)
            else:
                new.append(incoming)
        notes = [new_note(owner, incoming.page) for incoming in new]
        with quotas.one_at_a_time(owner):
            full = quotas.full(owner, notes=len(new), size=sum(len(one.page.text) for one in new)) if new else None
            kept = Note.objects.bulk_create([] if full else notes)
        if full:
            for incoming in new:
                result.leave_out(incoming.name, full.value)
            continue
        result.kept += len(kept)
        for note, incoming in zip(kept, new, strict=True):
            attach_all(owner, note, incoming, result)


def batches(pages: Iterable[Incoming]) -> Iterator[list[Incoming]]:
    source = iter(pages)
    while batch := list(islice(source, BATCH)):
        yield batch


def existing_notes(owner: User, batch: Iterable[Incoming]) -> dict[tuple[datetime | None, str], list[Note]]:
    """Which notes of our own ZIP the notebook has already, by creation time and text."""
    dates = [incoming.page.created for incoming in batch if incoming.page.created]
    there: dict[tuple[datetime | None, str], list[Note]] = {}
    for note in Note.objects.of(owner).filter(created__in=dates).with_attachments():
        there.setdefault((note.created, note.text), []).append(note)
    return there


def missing(notes: Iterable[Note], files: list[Attached]) -> list[Attached]:
    """Which of the files are attached to none of these notes: the storage may have failed when the notes were saved.

    Names are compared as the ZIP has them, where a second file of the same name has a number. When a file was stored
    its name may have changed: shortened, or ending in .jpg.
    """
    there = {name for note in notes for name in file_names(attachment.name for attachment in note.attached)}
    names = file_names(attachments.tidy(file.name) for file in files)
    return [
        file
        for file, name in zip(files, names, strict=True)
        if there.isdisjoint({file.name, name, attachments.as_jpeg(name)})
    ]


def new_note(owner: User, page: ParsedNote) -> Note:
    now = timezone.now()
    created = page.created or now
    return Note.written(owner, page.text, created=created, changed=page.changed or created, pinned=page.pinned)


def attach_all(owner: User, note: Note, incoming: Incoming, result: Result) -> None:
    ours = incoming.page.ours
    for file in incoming.files:
        try:
            content = file.read(attachments.max_bytes(encoded=ours))
        except Unreadable as error:
            result.leave_out(file.name, error)
            continue
        attached = attachments.attach(owner, note.pk, file.name, ContentFile(content), ours)
        if isinstance(attached, Fault):
            result.left_out.append(str(attached.value) % {"name": file.name})
        else:
            result.attached += 1

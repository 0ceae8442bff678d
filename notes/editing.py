"""Write, change and delete notes without losing one.

Two tabs, a lost response or a second click must neither overwrite an unseen change nor save a note twice. So every
change names the version it was made from, and every blank page has its own id from the start.
"""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from notes import history, markdown, quotas
from notes.models import Note, key_of
from notes.quotas import Full
from notes.signals import saved


@dataclass(frozen=True, slots=True)
class Saved:
    id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The note has been changed since; nothing was written or deleted."""

    note: Note


def add(owner: User, page: UUID, text: str) -> Saved | Conflict | Full:
    """Save the text of the blank page `page` as a note. The same page with the same text is one note."""
    key_of(owner)  # the first key is saved before anything can be rolled back, and the key with it
    try:
        with quotas.one_at_a_time(owner):
            if (full := quotas.full(owner, notes=1)) and not Note.objects.of(owner).filter(pk=page).exists():
                return full
            with transaction.atomic():
                note = Note.objects.write(owner, text, id=page)
    except IntegrityError:
        there = Note.objects.of(owner).filter(pk=page).first()
        if there is not None:
            return Saved(there.pk, there.version) if there.text == text else Conflict(there)
        # The id is a stranger's. To refuse it would tell that it exists.
        note = Note.objects.write(owner, text)
    saved.send(Note)
    return Saved(note.pk, note.version)


def change(owner: User, pk: UUID, version: int, text: str, keep: bool = False) -> Saved | Conflict | Full | None:
    """Replace the text that the owner saw as `version`. None: the owner has no such note.

    `keep`: what is replaced stays as an earlier version, however short a time it stood there.
    """
    note = Note.objects.of(owner).filter(pk=pk).first()
    if note is None:
        return None
    if note.text == text:
        return Saved(note.pk, note.version)
    keep = keep or history.worth_keeping(note, text)
    longer = len(text) - len(note.text)
    with quotas.one_at_a_time(owner):
        if longer > 0 and (full := quotas.full(owner, size=longer)):
            return full
        seen = Note.objects.of(owner).filter(pk=pk, version=version)
        # One statement decides: of two tabs that save at once, one finds the version gone.
        if not seen.update(**note.sealed(text, version + 1), version=F("version") + 1, changed=timezone.now()):
            return conflict(owner, pk)
        if keep and not quotas.full(owner, size=len(note.sealed_text)):
            history.keep(note)
    saved.send(Note)
    return Saved(pk, version + 1)


def restore_version(owner: User, pk: UUID, number: int) -> Saved | Conflict | Full | None:
    """Make the text of an earlier version the note's newest one. None: the owner has no such version."""
    earlier = history.Version.objects.of(owner).filter(note_id=pk, number=number).first()
    if earlier is None:
        return None
    earlier.note.owner = owner  # who has the key at hand
    return change(owner, pk, earlier.note.version, earlier.text, keep=True)


def tick(owner: User, pk: UUID, version: int, line: int) -> Saved | Conflict | Full | None:
    """Tick or untick the box in that line of what the owner saw. A line that has none is a conflict too."""
    note = Note.objects.of(owner).filter(pk=pk).first()
    if note is None:
        return None
    if note.version != version:
        return Conflict(note)
    text = markdown.tick(note.text, line)
    return change(owner, pk, version, text) if text is not None else Conflict(note)


def pin(owner: User, pk: UUID, pinned: bool) -> bool:
    """Keep the note above the others, or no longer. False: the owner has no such note."""
    return bool(Note.objects.of(owner).filter(pk=pk).update(pinned=pinned))


def delete(owner: User, pk: UUID, version: int) -> Conflict | None:
    """Put the note that the owner saw as `version` into the trash. None: it is there, now or before."""
    seen = Note.objects.of(owner).filter(pk=pk, version=version)
    return None if seen.update(trashed=timezone.now()) else conflict(owner, pk)


def conflict(owner: User, pk: UUID) -> Conflict | None:
    note = Note.objects.of(owner).filter(pk=pk).first()
    return Conflict(note) if note else None

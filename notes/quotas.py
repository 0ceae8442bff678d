"""How much one person may keep, and how often they may send files and imports."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notes.models import MAX_LENGTH, Attachment, Note, SendCount, Version

LONGEST = 4 * MAX_LENGTH + 100  # bytes of a sealed text
WINDOW = timedelta(hours=1)


class Full(Enum):
    """Why nothing more is taken."""

    STORAGE = _("Your storage is full. Delete notes or files, and empty the trash.")
    NOTES = _("You have reached the largest number of notes. Delete some, and empty the trash.")
    UPLOADS = _("Too many files were uploaded in the last hour. Please try again later.")
    IMPORTS = _("There were too many imports in the last hour. Please try again later.")


class Usage(NamedTuple):
    """What one person keeps, the trash and earlier versions included, and may keep."""

    notes: int
    bytes: int
    most_notes: int
    most_bytes: int


class Kept(NamedTuple):
    """What one person keeps; `bytes` are those of sealed texts, attachments and earlier versions together."""

    notes: int = 0
    attachments: int = 0
    attached: int = 0
    bytes: int = 0


def kept_by(owners: Sequence[int]) -> dict[int, Kept]:
    """What each of these people keeps, by their primary keys, in three queries."""
    kept = {owner: Kept() for owner in owners}
    notes = Note.objects.filter(owner__in=owners).order_by().values_list("owner")
    for owner, count, size in notes.annotate(count=Count("pk"), size=Sum(Length("sealed_text"))):
        kept[owner] = Kept(count, bytes=size or 0)
    attachments = Attachment.objects.filter(note__owner__in=owners).order_by().values_list("note__owner")
    for owner, count, size in attachments.annotate(Count("pk"), Sum("size")):
        kept[owner] = kept[owner]._replace(attachments=count, attached=size, bytes=kept[owner].bytes + size)
    versions = Version.objects.filter(note__owner__in=owners).order_by().values_list("note__owner")
    for owner, size in versions.annotate(Sum("size")):
        kept[owner] = kept[owner]._replace(bytes=kept[owner].bytes + size)
    return kept


def usage(owner: User) -> Usage:
    kept = kept_by([owner.pk])[owner.pk]
    return Usage(kept.notes, kept.bytes, settings.NOTES_PER_PERSON, settings.STORAGE_PER_PERSON)


def files_of(owner: User) -> int:
    """Bytes of attachments and earlier versions."""
    kept = (rows.objects.filter(note__owner_id=owner.pk).order_by() for rows in (Attachment, Version))
    return sum(rows.aggregate(size=Sum("size"))["size"] or 0 for rows in kept)


@contextmanager
def one_at_a_time(owner: User) -> Iterator[None]:
    """A transaction in which nobody else adds to what this person keeps: what fits when it is asked still fits then.

    SQLite has one writer at a time anyway. NO KEY leaves rows that only refer to the person to others.
    """
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update(no_key=True).filter(pk=owner.pk).first()
        yield


def full(owner: User, notes: int = 0, size: int = 0) -> Full | None:
    """Why so many more notes, or bytes, do not fit."""
    count = Note.objects.filter(owner_id=owner.pk).count()
    if notes and count + notes > settings.NOTES_PER_PERSON:
        return Full.NOTES
    # To add up 10,000 texts takes a seventh of a second: only where they might be too much.
    if files_of(owner) + size + count * LONGEST <= settings.STORAGE_PER_PERSON:
        return None
    return Full.STORAGE if usage(owner).bytes + size > settings.STORAGE_PER_PERSON else None


def send(owner: User, kind: Full, most: int) -> Full | None:
    """Count an upload or an import of this hour; `kind` where it is one too many."""
    now = timezone.now()
    counts = SendCount.objects.filter(owner_id=owner.pk, kind=kind.name)
    SendCount.objects.get_or_create(owner_id=owner.pk, kind=kind.name, defaults={"began": now})
    counts.filter(began__lte=now - WINDOW).update(began=now, count=0)
    return None if counts.filter(count__lt=most).update(count=F("count") + 1) else kind


def send_files(owner: User) -> Full | None:
    return send(owner, Full.UPLOADS, settings.UPLOADS_PER_HOUR)


def send_import(owner: User) -> Full | None:
    return send(owner, Full.IMPORTS, settings.IMPORTS_PER_HOUR)

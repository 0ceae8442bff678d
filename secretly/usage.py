"""Storage for the dashboard: how many notes and attachments, and bytes; never what is written in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

from faceauth.operators.dashboard import Usage
from notes.models import Attachment, Note, Version

Held = dict[int | None, list[Usage]]


class Kept(NamedTuple):
    """What one person keeps. `bytes` are those that count for the quota (`notes.quotas`): texts and versions too."""

    notes: int = 0
    attachments: int = 0
    attached: int = 0
    bytes: int = 0


def of_notes(users: Sequence[int] | None) -> Held:
    """Notes and attachments of each of these users, or of everybody; those in the trash count."""
    if users is None:
        attached = Attachment.objects.aggregate(count=Count("pk"), size=Sum("size"))
        return {
            None: [
                Usage(_("people"), User.objects.filter(is_staff=False).count()),
                Usage(_("notes"), Note.objects.count()),
                Usage(_("attachments"), attached["count"], attached["size"] or 0),
            ]
        }
    kept = {user: Kept() for user in users}
    notes = Note.objects.filter(owner__in=users).order_by().values_list("owner")
    for owner, count, size in notes.annotate(count=Count("pk"), size=Sum(Length("sealed_text"))):
        kept[owner] = kept[owner]._replace(notes=count, bytes=size or 0)
    attachments = Attachment.objects.filter(note__owner__in=users).order_by().values_list("note__owner")
    for owner, count, size in attachments.annotate(Count("pk"), Sum("size")):
        more = kept[owner].bytes + (size or 0)
        kept[owner] = kept[owner]._replace(attachments=count, attached=size or 0, bytes=more)
    versions = Version.objects.filter(note__owner__in=users).order_by().values_list("note__owner")
    for owner, size in versions.annotate(Sum("size")):
        kept[owner] = kept[owner]._replace(bytes=kept[owner].bytes + (size or 0))
    return {
        user: [
            Usage(_("notes"), held.notes),
            Usage(_("attachments"), held.attachments, held.attached),
            Usage(_("percent of the storage"), 100 * held.bytes // settings.STORAGE_PER_PERSON),
        ]
        for user, held in kept.items()
    }


def of_database(users: Sequence[int] | None) -> Held:
    """The size of the database; nothing where only some users are asked for."""
    return {} if users is not None else {None: [Usage(_("database"), size=database_size())]}


def database_size() -> int | None:
    """Bytes; None for a database that is neither SQLite nor PostgreSQL."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return sum(path.stat().st_size for path in (Path(name), Path(f"{name}-wal")) if path.exists())
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            row = cursor.fetchone()
        return int(row[0])
    return None

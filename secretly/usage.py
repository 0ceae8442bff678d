"""Storage for the dashboard: how many notes and attachments, and bytes; never what is written in them."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from faceauth.operators.dashboard import Usage
from notes import quotas
from notes.models import Attachment, Note

Held = dict[int | None, list[Usage]]


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
    return {
        user: [
            Usage(_("notes"), held.notes),
            Usage(_("attachments"), held.attachments, held.attached),
            Usage(_("percent of the storage"), 100 * held.bytes // settings.STORAGE_PER_PERSON),
        ]
        for user, held in quotas.kept_by(users).items()
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

"""A database of an earlier version keeps every row."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from notes.models import Attachment, Note

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(name: str) -> Any:
    """The models as they were after that migration."""
    executor = MigrationExecutor(connection)
    executor.migrate([("notes", name)])
    return MigrationExecutor(connection).loader.project_state([("notes", name)]).apps


@pytest.fixture
def latest() -> Iterator[str]:
    [(_app, name)] = [node for node in MigrationExecutor(connection).loader.graph.leaf_nodes() if node[0] == "notes"]
    yield name
    migrate(name)


def test_the_bin_becomes_the_trash(owner: User, latest: str) -> None:
    old, now = migrate("0007_single_keys_can_be_switched_off"), timezone.now()
    note = old.get_model("notes", "Note").objects.create(
        owner_id=owner.pk, sealed_text=b"text", sealed_opening=b"opening", binned=now, pinned=True, version=3
    )
    old.get_model("notes", "Attachment").objects.create(
        note=note, sealed_label=b"label", content_at="attachments/aa/bb", thumbnail_at="attachments/cc/dd", size=7
    )
    migrate(latest)
    [kept], [attachment] = Note.objects.all(), Attachment.objects.all()
    assert (kept.pk, kept.trashed, kept.pinned, kept.version, bytes(kept.sealed_text)) == (
        note.pk,
        now,
        True,
        3,
        b"text",
    )
    assert (attachment.content_path, attachment.thumbnail_path) == ("attachments/aa/bb", "attachments/cc/dd")
    assert (attachment.size, bytes(attachment.sealed_label)) == (7, b"label")

"""Encrypt templates again with the first of ENCRYPTION_KEYS."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from faceauth.local import template_encryption
from faceauth.local.models import EncryptedTemplate, Face, User
from privatekit.rotation import Progress

BATCH = 500  # rows in one transaction: others wait for a few milliseconds at most


def rotate_keys() -> Iterator[Progress]:
    """Encrypt every template with the first key; yields the progress at the start and after each batch.

    It may be stopped and started again at any point. When it has finished, the other keys can be removed. Raises as
    `EncryptedTemplate.get_template` does.
    """
    done, total = 0, sum(outdated(kind).count() for kind in (Face, User))
    yield Progress(done, total)
    for kind in (Face, User):
        last = 0
        while batch := list(outdated(kind).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
            done += encrypt_again(kind, batch)
            last = batch[-1]
            yield Progress(done, max(done, total))


def outdated(kind: type[EncryptedTemplate]) -> QuerySet[Any]:
    return kind._default_manager.exclude(template=None).exclude(key_id=template_encryption.current_key().id)


def encrypt_again(kind: type[EncryptedTemplate], primary_keys: list[int]) -> int:
    """Encrypt the rows that another process has not done yet; returns how many."""
    with transaction.atomic():
        wanted = outdated(kind).filter(pk__in=primary_keys)
        rows = list(wanted.select_for_update(of=("self",)).select_related("collection"))
        for row in rows:
            row.set_template(row.collection, row.get_template(row.collection))
            if isinstance(row, Face) and row.is_linked:
                row.give_to(row.user)
        kind._default_manager.bulk_update(rows, ["template", "key_id", *(["link"] if kind is Face else [])])
    return len(rows)

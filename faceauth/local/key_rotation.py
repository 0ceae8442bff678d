"""New keys for old: seal again what is sealed with a key that no longer writes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from faceauth.local import template_encryption
from faceauth.local.models import Face, Sealed, User

BATCH = 500  # rows a transaction: others wait for at most some milliseconds


class Progress(NamedTuple):
    done: int
    total: int


def rotate_keys() -> Iterator[Progress]:
    """Seal every template with the first of ENCRYPTION_KEYS, reporting after each batch, and at the start.

    May be stopped and started again at any point: what is done stays done, and a row is always readable with one of
    the keys. When it has come to its end the other keys can go. Raises as `Sealed.unsealed` does.
    """
    total = sum(old_rows(kind).count() for kind in (Face, User))
    done = 0
    yield Progress(done, total)
    for kind in (Face, User):
        last = 0
        while batch := list(old_rows(kind).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
            done += seal_again(kind, batch)
            last = batch[-1]
            yield Progress(done, max(done, total))


def old_rows(kind: type[Sealed]) -> QuerySet[Any]:
    return kind._default_manager.exclude(template=None).exclude(key_id=template_encryption.writing_key().id)


def seal_again(kind: type[Sealed], keys: list[int]) -> int:
    """Returns how many rows there still were to seal."""
    with transaction.atomic():
        rows = list(old_rows(kind).filter(pk__in=keys).select_for_update(of=("self",)).select_related("collection"))
        for row in rows:
            row.seal(row.collection, row.unsealed(row.collection))
        kind._default_manager.bulk_update(rows, ["template", "key_id"])
    return len(rows)

"""The keys of all people: whether they can be read, and moving them to another key of the settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, transaction

from notes import encryption
from notes.models import Key


@dataclass(frozen=True, slots=True)
class Rewrapped:
    moved: int
    there: int
    """How many were under the first key before."""


def rewrap() -> Rewrapped:
    """Wrap everybody's key by the first key of the settings; not a word of a note is touched.

    May be repeated and broken off at any time: each person's key moves by itself. Raises `encryption.CannotOpen`.
    """
    there = Key.objects.filter(wrapped_by=encryption.writing_key_id()).count()
    people = list(Key.objects.exclude(wrapped_by=encryption.writing_key_id()).values_list("pk", flat=True))
    return Rewrapped(sum(rewrap_key(person) for person in people), there)


def rewrap_key(person: int) -> bool:
    """False: the person has been deleted meanwhile."""
    with transaction.atomic():
        key = Key.objects.select_for_update().filter(pk=person).first()
        if key is None:
            return False
        key.wrapped, key.wrapped_by = encryption.wrap(key.secret, key.pk)
        key.save(update_fields=["wrapped", "wrapped_by"])
        return True


@register(Tags.database)
def check_keys(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse to start on a database that needs a key which is not there: it would look like a broken notebook."""
    faults: list[CheckMessage] = []
    for alias in databases or ():
        if Key._meta.db_table not in connections[alias].introspection.table_names():
            continue  # the first start: there is no table yet
        used = Key.objects.using(alias).order_by("wrapped_by").values_list("wrapped_by", flat=True).distinct()
        faults += [
            Error(
                f"Notes are sealed with the key {key_id}, which SECRETLY_ENCRYPTION_KEYS does not hold.",
                hint="Put that key back, after the others, and say `manage.py rotate_keys`; only then take it away.",
                id="notes.E001",
            )
            for key_id in used
            if key_id not in encryption.wrapping_keys()
        ]
    return faults

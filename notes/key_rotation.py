"""People's keys: whether they can be read, and wrapping them by another key of the settings."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, transaction

from notes import encryption
from notes.models import Key
from privatekit.crypto import KeyMissing
from privatekit.rotation import Progress


def rotate_keys() -> Iterator[Progress]:
    """Wrap everybody's key by the first key of the settings. No note is touched, and each person's key moves by itself.

    Raises `CannotDecrypt`.
    """
    first = encryption.keyring().first.id
    people = list(Key.objects.exclude(wrapped_by=first).values_list("pk", flat=True))
    yield Progress(0, len(people))
    for done, person in enumerate(people, 1):
        rewrap(person)
        yield Progress(done, len(people))


def rewrap(person: int) -> None:
    """Wrap one person's key anew. They may have been deleted meanwhile."""
    with transaction.atomic():
        key = Key.objects.select_for_update().filter(pk=person).first()
        if key is not None:
            key.wrapped, key.wrapped_by = encryption.wrap(key.secret, key.pk)
            key.save(update_fields=["wrapped", "wrapped_by"])


@register(Tags.database)
def check_keys(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse to start on a database that needs a key which is missing: it would look like a broken notebook."""
    faults: list[CheckMessage] = []
    for alias in databases or ():
        if Key._meta.db_table not in connections[alias].introspection.table_names():
            continue  # the first start: there is no table yet
        used = Key.objects.using(alias).order_by("wrapped_by").values_list("wrapped_by", flat=True).distinct()
        missing = [KeyMissing(key_id) for key_id in used if key_id not in encryption.keyring()]
        faults += [Error(f"Notes: {key.sentence}", hint=key.cure, id="notes.E001") for key in missing]
    return faults

"""People's keys: whether they and the notes can be read, and wrapping them by another key of the settings."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, transaction
from django.db.models import F

from notes import encryption
from notes.encryption import CannotDecrypt
from notes.models import Key, Note, Version
from privatekit.crypto import KeyMissing
from privatekit.rotation import Progress

logger = logging.getLogger(__name__)

PUT_BACK = "Somebody has put an older row back. Find out who; the newer text is among the note's earlier versions."


def rotate_keys() -> Iterator[Progress]:
    """Wrap everybody's key by the first key of the settings. Each person's key moves by itself.

    Notes are touched only where they are not bound to their versions yet. Raises `CannotDecrypt`.
    """
    first = encryption.keyring().first.id
    keys = Key.objects.order_by("pk").iterator(1000)
    people = [key.pk for key in keys if key.wrapped_by != first or not key.versioned]
    yield Progress(0, len(people))
    for done, person in enumerate(people, 1):
        rewrap(person)
        yield Progress(done, len(people))


def rewrap(person: int) -> None:
    """Wrap one person's key anew. They may have been deleted meanwhile."""
    with transaction.atomic():
        key = Key.objects.select_for_update().filter(pk=person).first()
        if key is not None:
            versioned = key.versioned or bind_versions(key)
            key.wrapped, key.wrapped_by = encryption.wrap(key.secret, key.pk, versioned)
            key.save(update_fields=["wrapped", "wrapped_by"])


def bind_versions(key: Key) -> bool:
    """Seal anew whatever is not bound to its version. False: some note does not open, and stays as it is."""
    whole = True
    for note in Note.objects.filter(owner_id=key.pk).order_by().select_related("owner").iterator(100):
        note.owner.notes_key = key
        try:
            fields = note.sealed(note.text, note.version)
        except encryption.Altered as error:
            logger.error("The note %s: %s", note.pk, error)
            whole = False
        else:  # a note that is saved meanwhile is bound by that
            Note.objects.filter(pk=note.pk, version=note.version).update(**fields)
    return whole


@register(Tags.database, deploy=True)
def check_notes(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Tell of every note and earlier version that does not open: `manage.py check --deploy --database default`.

    Somebody who can write to the database has altered it, or has put an older version under a newer number.
    """
    faults: list[CheckMessage] = []
    for alias in databases or ():
        notes = Note.objects.using(alias).order_by("owner").select_related("owner__notes_key")
        for note in notes.iterator(100):
            try:
                _ = note.text, note.opening
            except CannotDecrypt as error:
                told = f"Notes: the note {note.pk} does not open. {error.sentence}"
                faults.append(Error(told, hint=error.cure, id="notes.E002"))
        older = Version.objects.using(alias).filter(number__gte=F("note__version")).order_by("note")
        for note_id in older.values_list("note", flat=True).distinct():
            told = f"Notes: the note {note_id} is older than what was kept of it before its last change."
            faults.append(Error(told, hint=PUT_BACK, id="notes.E004"))
        for version in Version.objects.using(alias).select_related("note__owner__notes_key").iterator(100):
            try:
                _ = version.text
            except CannotDecrypt as error:
                told = f"Notes: version {version.number} of the note {version.note_id} does not open. {error.sentence}"
                faults.append(Error(told, hint=error.cure, id="notes.E003"))
    return faults


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

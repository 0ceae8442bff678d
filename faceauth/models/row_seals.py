"""Seals of rows: who can write to the database, but has no keys, cannot give a row to somebody else.

A seal is the id of a key and an HMAC-SHA256, under a key derived from ENCRYPTION_KEYS, of the columns that say whose
the row is. It is made when the row is inserted, and by nothing that merely saves it.
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import models
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from faceauth import crypto
from privatekit.crypto import Altered, Key, KeyMissing
from privatekit.rotation import Progress

logger = logging.getLogger(__name__)

PURPOSE = "faceauth row seal"
BATCH = 500  # rows of one query
KEY_ID = re.compile("[0-9a-f]{16}")


def made_by(key: Key, row: models.Model, columns: Sequence[str]) -> str:
    """The row's seal under one key. A model of a migration has the same seal."""
    fields: list[Any] = [row._meta.get_field(name) for name in columns]
    values = [text_of(field.to_python(getattr(row, field.attname))) for field in fields]
    stated = json.dumps([row._meta.label_lower, *values]).encode()
    return f"{key.id}:{key.fingerprint(PURPOSE, stated).hex()}"


def made_now(row: models.Model, columns: Sequence[str]) -> str:
    return made_by(crypto.keyring().first, row, columns)


def text_of(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


class SealField(models.CharField):  # type: ignore[type-arg]
    """Sealed by every way of inserting, `bulk_create` too. A row that is read back and inserted keeps its seal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_("seal"), max_length=96, default="", editable=False)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add and isinstance(model_instance, SealedRow) and not model_instance.seal:
            model_instance.renew_seal()
        return super().pre_save(model_instance, add)


class SealedRow(models.Model):
    """A row that is worth nothing with a wrong seal."""

    SEALED: ClassVar[tuple[str, ...]]
    """The columns that the seal covers."""

    seal = SealField()

    class Meta:
        abstract = True

    def renew_seal(self) -> None:
        """Seal what the row says now. Only for a change that was decided with the keys at hand."""
        self.seal = made_now(self, self.SEALED)

    def is_sealed(self) -> bool:
        """Whether the row says what it said when it was sealed. Where not, the operator is told in the log."""
        key_id = self.seal.partition(":")[0]
        key = crypto.keyring().keys.get(key_id)
        if key is not None and constant_time_compare(self.seal, made_by(key, self, self.SEALED)):
            return True
        if self.lacks_key():
            logger.error("key_missing: %s %s opens nothing. %s", self._meta.label, self.pk, KeyMissing(key_id))
        else:
            logger.error(
                "row_altered: %s %s was changed outside the site, and opens nothing.", self._meta.label, self.pk
            )
        return False

    def lacks_key(self) -> bool:
        """Whether the seal is of a key that ENCRYPTION_KEYS does not hold: nobody can tell then whether it is right."""
        key_id = self.seal.partition(":")[0]
        return bool(KEY_ID.fullmatch(key_id)) and key_id not in crypto.keyring()

    def change(self, **values: Any) -> None:
        """Save these values under a new seal; a row with a wrong seal keeps a wrong one."""
        sound = self.is_sealed()
        for name, value in values.items():
            setattr(self, name, value)
        if sound:
            self.renew_seal()
        self.save(update_fields=[*values, "seal"])


def sealed_models() -> tuple[type[SealedRow], ...]:
    return tuple(SealedRow.__subclasses__())


def rotate_keys() -> Iterator[Progress]:
    """Seal every row with the first of ENCRYPTION_KEYS.

    Raises `KeyMissing` or `Altered` at the end, where rows had a wrong seal: these are left as they are.
    """
    under_first = f"{crypto.keyring().first.id}:"
    waiting = [(model, model._base_manager.exclude(seal__startswith=under_first)) for model in sealed_models()]
    total = sum(rows.count() for _model, rows in waiting)
    yield Progress(0, total)
    done, missing = 0, ""
    for model, rows in waiting:
        later = rows.order_by("pk")
        while batch := list(later[:BATCH]):
            later = later.filter(pk__gt=batch[-1].pk)
            sound = [row for row in batch if row.is_sealed()]
            missing = next((row.seal.partition(":")[0] for row in batch if row.lacks_key()), missing)
            for row in sound:
                renewed = made_now(row, row.SEALED)
                model._base_manager.filter(pk=row.pk, seal=row.seal).update(seal=renewed)
            done += len(sound)
            yield Progress(done, total)
    if missing:
        raise KeyMissing(missing)
    if done < total:
        raise Altered

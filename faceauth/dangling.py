"""Rows that point to a row that is gone, because somebody deleted it behind the site's back, without the constraints.

Django's own deletions leave none, and databases check it, unless they are told not to, as SQLite's shell is by default.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models
from django.db.models import Exists, ForeignKey, OuterRef, QuerySet

BATCH = 1000


class Dangling(NamedTuple):
    row: models.Model
    field: "ForeignKey[Any, Any]"

    @property
    def name(self) -> str:
        return f"{self.row._meta.label} {self.row.pk}"

    @property
    def what(self) -> str:
        target = self.field.related_model._meta
        return f"its {self.field.name}, {target.label} {getattr(self.row, self.field.attname)}, is gone"


def dangling_rows() -> Iterator[Dangling]:
    """Every such row of every table of the installed apps."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and model._meta.managed and not model._meta.proxy:
                rows = orphans(model, field)
                last = None
                while batch := list((rows.filter(pk__gt=last) if last is not None else rows)[:BATCH]):
                    last = batch[-1].pk
                    yield from (Dangling(row, field) for row in batch)


def orphans(model: type[models.Model], field: "ForeignKey[Any, Any]") -> QuerySet[Any]:
    target = field.related_model._base_manager.filter(**{field.target_field.name: OuterRef(field.attname)})
    rows = model._base_manager.filter(**{f"{field.attname}__isnull": False})
    return rows.filter(~Exists(target)).order_by("pk")


def let_go(found: Dangling) -> None:
    """Do what the deletion would have done: forget what the row pointed to, or delete it, and with it what it owns."""
    if found.field.null:
        type(found.row)._base_manager.filter(pk=found.row.pk).update(**{found.field.attname: None})
    else:
        found.row.delete()

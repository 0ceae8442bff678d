"""Collections whose templates are stored with the mean in them become like new ones.

Nobody is unknown at any moment: both kinds compare, because the mean of the one is subtracted as it is read, and all of
a collection changes in one transaction. Searches go on meanwhile; changes of the collection wait.
"""

from collections.abc import Callable
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from faceauth.local.models import FACE_MODEL_VERSION, WITH_MEAN, Collection, Face, User, begin_change, faces_of
from faceauth.local.operations.users import mean

BATCH = 500

Report = Callable[[int], object]


def is_older(collection_id: str) -> bool:
    """Whether the collection is here and `convert` has something to do."""
    return Collection.objects.filter(collection_id=collection_id, face_model_version=WITH_MEAN).exists()


def convert(collection_id: str, report: Report = lambda done: None) -> int:
    """Store the templates of a collection without the mean; returns how many, 0 where it is done already.

    `report` is told how many are done. Raises Collection.DoesNotExist, and as `get_template` does.
    """
    done = 0
    with transaction.atomic():
        before = begin_change(collection_id)
        if before.face_model_version != WITH_MEAN:
            return 0
        now = copy(before)
        now.face_model_version = FACE_MODEL_VERSION
        for batch in batches(Face.objects.filter(collection=before)):
            for face in batch:
                face.set_template(now, face.get_template(before))
            Face.objects.bulk_update(batch, ["template", "key_id"])
            report(done := done + len(batch))
        for batch in batches(User.objects.filter(collection=before)):
            for user in batch:
                renew(user, before, now)
            User.objects.bulk_update(batch, ["template", "key_id", "sequence"])
            report(done := done + len(batch))
        now.save(update_fields=["face_model_version"])
    return done


def renew(user: User, before: Collection, now: Collection) -> None:
    """Make the template of a user anew from their faces, which are converted already: the mean is another one now."""
    templates = [face.get_template(now) for face in faces_of(user)]
    if not templates and user.template is not None:
        templates = [user.get_template(before)]
    user.set_template(now, mean(templates) if templates else None)
    user.sequence = now.sequence  # every process takes it in; the faces are to them what they were


def batches(rows: "QuerySet[Any]") -> Any:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        yield batch

"""The deletion ledger: a face to be deleted is written down first, and deleted until Rekognition confirms it.

The row is written in the transaction that deletes the `Face` row, whatever code does that (`note_deletion`).
Rekognition is called after the commit, never in a transaction. `manage.py rekognition_collection doctor --repair` tries
again what failed.
"""

import logging
from collections.abc import Iterable
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from faceauth.models import Deletion, Face, Receipt
from faceauth.rekognition.collection import Collection
from faceauth.rekognition.errors import RekognitionError

logger = logging.getLogger(__name__)


@receiver(pre_delete, sender=Face)
def note_deletion(instance: Face, **kwargs: Any) -> None:
    """Write down a face that is deleted alone or with its user: Django sends this for every row of a cascade."""
    write([instance])


def write(faces: Iterable[Face], receipt: Receipt | None = None) -> None:
    """Write down that these faces are to be deleted, and delete them after the commit. Call it in a transaction."""
    enter(
        Deletion(
            face_id=face.face_id,
            collection_id=face.collection_id,
            person=face.person,
            associated=face.associated,
            receipt=receipt,
        )
        for face in faces
    )


def enter(deletions: Iterable[Deletion]) -> None:
    """As `write`, for faces that never belonged to anybody. A face that is in the ledger is not added again."""
    rows = list(deletions)
    Deletion.objects.bulk_create(rows, ignore_conflicts=True)
    after_commit(row.face_id for row in rows)


class Settling:
    """Collects the faces of a transaction, so that one request after the commit deletes them all."""

    def __init__(self) -> None:
        self.face_ids: set[UUID] = set()

    def __call__(self) -> None:
        settle(Deletion.objects.filter(face_id__in=self.face_ids))


def after_commit(face_ids: Iterable[UUID | str]) -> None:
    wanted = {UUID(str(face_id)) for face_id in face_ids}
    waiting = [entry[1] for entry in transaction.get_connection().run_on_commit if isinstance(entry[1], Settling)]
    # Faces of a savepoint that is rolled back stay in the set. They have no row then, so nothing happens.
    settling = waiting[0] if waiting else Settling()
    settling.face_ids |= wanted
    if not waiting:
        transaction.on_commit(settling)


def settle(deletions: Any) -> None:
    """Delete in Rekognition what is not confirmed of the queryset `deletions`. Errors are kept in the rows."""
    rows = deletions.filter(confirmed=None).order_by("collection_id", "person", "pk")
    for (collection_id, person), some in groupby(rows, key=lambda row: (row.collection_id, row.person)):
        settle_person(Collection(collection_id), person, list(some))


def settle_person(collection: Collection, person: str, rows: list[Deletion]) -> None:
    ours = Deletion.objects.filter(pk__in=[row.pk for row in rows])
    ours.update(tries=F("tries") + 1)
    try:
        failed = delete(collection, person, rows)
    except RekognitionError as error:
        ours.update(error=error.code)
        logger.error(
            "%d faces of the collection %s could not be deleted yet; `manage.py rekognition_collection doctor --repair`"
            " tries again: %s",
            len(rows),
            collection.id,
            error,
        )
        return
    ours.exclude(face_id__in=failed).update(confirmed=timezone.now(), error="")
    for face_id, reason in failed.items():
        logger.error("The face %s was not deleted: %s. `doctor --repair` tries again.", face_id, reason)
        ours.filter(face_id=face_id).update(error=reason[:64])


def delete(collection: Collection, person: str, rows: list[Deletion]) -> dict[str, str]:
    """Delete the faces; return Rekognition's reasons for those that are still there.

    A face cannot be deleted while a user vector contains it. `associated` may be wrong after a crash, so what fails is
    tried again without the vector.
    """
    face_ids = [str(row.face_id) for row in rows]
    if any(row.associated for row in rows):
        leave_vector(collection, person, face_ids)
    deletion = collection.delete_faces(face_ids)
    if deletion.failed and person:
        leave_vector(collection, person, list(deletion.failed))
        deletion = collection.delete_faces(list(deletion.failed))
    return deletion.failed


def leave_vector(collection: Collection, person: str, face_ids: list[str]) -> None:
    """Take the faces out of the person's vector; delete the vector with the last of them."""
    if Face.objects.filter(person=person, collection_id=collection.id).exists():
        collection.disassociate(person, face_ids)
    else:
        collection.delete_user(person)

"""Checks of the collection: faces and vectors of nobody, of another face model, or missing."""

from collections.abc import Iterator
from itertools import islice

from django.db import transaction
from django.utils import timezone

from faceauth.enrolment.enrol import IN_PROGRESS
from faceauth.models import Deletion, Enrolment, Face
from faceauth.operators.database_checks import batches
from faceauth.operators.findings import BATCH, REPAIR_HINT, Finding, Kind, settle, with_retries
from faceauth.recognition import user_vectors
from faceauth.rekognition.collection import Collection, IndexedFace
from faceauth.rekognition.errors import CredentialsRefused, NotOffered


def pages(collection: Collection) -> Iterator[list[IndexedFace]]:
    token = ""
    while True:
        at = token
        page, token = with_retries(lambda: collection.page(at))  # noqa: B023 - called at once
        yield page
        if not token:
            return


def faces(collection: Collection, page: list[IndexedFace], version: str, repair: bool) -> Iterator[Finding]:
    """Faces of the page that belong to nobody, or were made by another face model than new ones."""
    rest = iter(page)
    while batch := list(islice(rest, BATCH)):
        for face in batch:
            if face.model_version and face.model_version != version:
                what = f"made by face model {face.model_version}; the collection has {version}"
                yield Finding(Kind.WRONG_MODEL, face.face_id, what, "enrol the person again, from a new photo")
        yield from faces_without_user(collection, batch, repair)


def faces_without_user(collection: Collection, batch: list[IndexedFace], repair: bool) -> Iterator[Finding]:
    ids = [face.face_id for face in batch]
    # In this order: an enrolment that ends in between gives its face a row before its own row goes.
    enrolling = being_enrolled([face.external_id for face in batch])
    pending = Deletion.objects.filter(face_id__in=ids, confirmed=None).values_list("face_id", flat=True)
    accounted = {str(it) for it in pending}
    accounted |= {str(it) for it in Face.objects.filter(face_id__in=ids).values_list("face_id", flat=True)}
    strays = [face for face in batch if face.external_id not in enrolling and face.face_id not in accounted]
    ours = names_given_here([face.external_id for face in strays if face.external_id])
    gone = delete(collection, [face for face in strays if face.external_id in ours]) if repair else set()
    for face in strays:
        if face.external_id in ours:
            what, cure = f"left over from {face.external_id}", REPAIR_HINT
        else:
            what = f"this site never enrolled {face.external_id or 'a face without a name'}; it may be another site's"
            cure = f"if it is not, run: rekognition_collection delete-faces {face.face_id}"
        yield Finding(Kind.FACE_WITHOUT_USER, face.face_id, what, cure, face.face_id in gone)


def being_enrolled(names: list[str]) -> set[str]:
    """Those of the names under which a face is being enrolled at this moment."""
    recent = Enrolment.objects.filter(external_id__in=names, started__gt=timezone.now() - IN_PROGRESS)
    return set(recent.values_list("external_id", flat=True))


def names_given_here(names: list[str]) -> set[str]:
    """Those of the names that this site has given to people in Rekognition."""
    found = set(Face.objects.filter(person__in=names).values_list("person", flat=True))
    found |= set(Deletion.objects.filter(person__in=names).values_list("person", flat=True))
    return found | set(Enrolment.objects.filter(external_id__in=names).values_list("external_id", flat=True))


def delete(collection: Collection, strays: list[IndexedFace]) -> set[str]:
    """Delete these faces through the ledger; return the FaceIds of those that are gone."""
    ids = [face.face_id for face in strays]
    with transaction.atomic():
        # A face whose deletion was confirmed, and which is there again, is deleted once more.
        Deletion.objects.filter(face_id__in=ids).update(confirmed=None)
        Deletion.objects.bulk_create(
            [Deletion(face_id=face.face_id, collection_id=collection.id, person=face.external_id) for face in strays],
            ignore_conflicts=True,
        )
    rows = Deletion.objects.filter(face_id__in=ids)
    settle(list(rows))
    return {str(it) for it in rows.exclude(confirmed=None).values_list("face_id", flat=True)}


def vectors_without_user(collection: Collection, repair: bool) -> Iterator[Finding]:
    users = vector_names(collection)
    while names := list(islice(users, BATCH)):
        accounted = set(Face.objects.filter(person__in=names).values_list("person", flat=True))
        accounted |= being_enrolled(names)
        # Pending deletions are reported by their own check.
        accounted |= set(Deletion.objects.filter(person__in=names, confirmed=None).values_list("person", flat=True))
        ours = names_given_here(names)
        for name in names:
            if name in accounted:
                continue
            if name in ours and repair:
                with_retries(lambda: collection.delete_user(name))  # noqa: B023 - called at once
            foreign = "if it is not another site's, delete it with the AWS CLI: delete-user"
            cure = REPAIR_HINT if name in ours else foreign
            what = "a user vector that belongs to nobody here"
            yield Finding(Kind.VECTOR_WITHOUT_USER, name, what, cure, name in ours and repair)


def vector_names(collection: Collection) -> Iterator[str]:
    """The names of the user vectors; none where the endpoint has no vectors."""
    try:
        yield from collection.users()
    except (NotOffered, CredentialsRefused):
        return


def missing_faces(collection: Collection, repair: bool) -> Iterator[Finding]:
    """Faces in the database that the collection lacks. The newest may not have reached all of AWS yet."""
    settled = Face.objects.filter(collection_id=collection.id, enrolled__lt=timezone.now() - IN_PROGRESS)
    for batch in batches(settled.select_related("user")):
        ids = [str(face.face_id) for face in batch]
        there = {face.face_id for face in with_retries(lambda: collection.page(face_ids=ids))[0]}  # noqa: B023
        for face in batch:
            if str(face.face_id) in there or not Face.objects.filter(pk=face.pk).exists():
                continue
            spare = Face.objects.filter(user_id=face.user_id, face_id__in=there).exclude(pk=face.pk).exists()
            if spare and repair:
                face.delete()  # through the ledger, where Rekognition confirms that it is gone
            name = face.user.get_username()
            what = f"a face of {name}, which the collection does not have"
            enrol = f"it is their last one: run rekognition_collection enrol {name} PHOTO, or delete the user"
            yield Finding(Kind.FACE_MISSING, str(face.face_id), what, REPAIR_HINT if spare else enrol, spare and repair)


def renew_vectors(collection_id: str) -> None:
    """Make the vectors again that lack a face of the person, after a crash or an outage."""
    incomplete = Face.objects.filter(collection_id=collection_id, associated=False).select_related("user")
    last = 0
    while face := incomplete.filter(user_id__gt=last).order_by("user_id").first():
        user_vectors.renew(face.user)
        last = face.user_id

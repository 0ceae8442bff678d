"""The enrolled faces of a person: add, remove and drop appearances."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from faceauth import signals
from faceauth.conf import conf
from faceauth.models import Consent, Deletion, Enrolment, Face
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal, refused
from faceauth.policy import capacity, photo_logins, population, thresholds
from faceauth.privacy import deletion_ledger
from faceauth.recognition import search, user_vectors
from faceauth.recognition.matching import Evidence
from faceauth.rekognition import collection as rekognition
from faceauth.rekognition.collection import Collection, IndexedFace
from faceauth.vision import quality_gate
from faceauth.vision.faces import find_faces
from faceauth.vision.measures import Quality
from faceauth.vision.photos import Photo

if TYPE_CHECKING:
    from django.contrib.auth.models import User


MAX_FACES = 10


def assign(user: "User", indexed: IndexedFace, intent: Enrolment, quality: Quality) -> None:
    """Make the indexed face the user's.

    Rekognition answers the same picture with the same face, even one that was about to be deleted.
    """
    Deletion.objects.filter(face_id=indexed.face_id, confirmed=None).delete()
    Face.objects.create(
        user=user,
        face_id=indexed.face_id,
        image_id=indexed.image_id,
        collection_id=intent.collection_id,
        person=intent.external_id,
        brightness=quality.brightness,
        sharpness=quality.sharpness,
    )


def add_face(user: "User", photo: Photo, quality: Quality) -> Recognition:
    """Index one more face of the user: enrolled, or refused. The vector is the caller's to renew.

    Raises `RekognitionError` where Rekognition cannot answer.
    """
    collection = Collection(conf().COLLECTION)
    intent = Enrolment.objects.create(external_id=user_vectors.user_id_of(user), collection_id=collection.id)
    indexed = collection.index(photo.jpeg, intent.external_id)
    if isinstance(indexed, Refusal):
        intent.delete()
        return refused(indexed.reason)
    return keep_face(user, intent, indexed, quality)


@transaction.atomic
def keep_face(user: "User", intent: Enrolment, indexed: IndexedFace, quality: Quality) -> Recognition:
    """Give the indexed face to the user, if they are still here and have room for it."""
    there = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    mine = Enrolment.objects.select_for_update().filter(pk=intent.pk).first()
    faces = Face.objects.filter(user_id=user.pk)
    known = faces.filter(face_id=indexed.face_id).exists()  # the same picture again: Rekognition answers the same face
    if there is None or mine is None or (not known and faces.count() >= MAX_FACES):
        deletion_ledger.enter(
            [Deletion(face_id=indexed.face_id, collection_id=intent.collection_id, person=intent.external_id)]
        )
        Enrolment.objects.filter(pk=intent.pk).delete()
        return refused(Reason.TOO_MANY_FACES if there is not None and mine is not None else Reason.EXPIRED)
    if not known:
        assign(user, indexed, intent, quality)
    mine.delete()
    return Recognition(Outcome.ENROLLED, user=user)


def add(user: "User", photo: Photo, live: bool = False, consent: str = "") -> Recognition:
    """Enrol one more face of the user: recognised as theirs, and like their oldest one. A first face must be nobody's.

    Like the oldest, so that no chain of faces, each like the one before, leads to another person. `live` says that the
    photo is of a liveness check. `consent` is the version of the text that the person agreed to, before a first face.
    Raises `RekognitionError` where Rekognition cannot answer.
    """
    seen = quality_gate.judge_for_enrolment(find_faces(photo.pixels), photo.pixels)
    if isinstance(seen, Refusal):
        return refused(seen.reason)
    count = Face.objects.filter(user_id=user.pk).count()
    if count >= MAX_FACES:
        return refused(Reason.TOO_MANY_FACES)
    if not count and capacity.full():  # they would be one person more
        return refused(Reason.CLOSED)
    known = search.look_up([photo.jpeg], Evidence(live=live))
    if known.outcome == Outcome.REFUSED:
        return known
    if known.user != (user if count else None):
        return refused(Reason.DIFFERENT_PERSON)
    if count and not like_the_oldest(user, photo):
        return refused(Reason.DIFFERENT_PERSON)
    recognition = add_face(user, photo, seen.quality)
    if recognition.user is not None:
        if consent and not count:
            Consent.objects.create(user=user, text=consent)
        user_vectors.renew(user)
        population.forget()
        signals.enrolled.send(type(user), user=user, new=False)
    return recognition


def like_the_oldest(user: "User", photo: Photo) -> bool:
    """Whether the photo reaches the threshold with the face that the user was enrolled with. Costs a call."""
    oldest = oldest_of(user)
    found = Collection(oldest.collection_id).search(photo.jpeg, thresholds.current().threshold)
    return not isinstance(found, Refusal) and str(oldest.face_id) in {match.face_id for match in found}


def oldest_of(user: "User") -> Face:
    """Raises `Face.DoesNotExist`."""
    return Face.objects.filter(user_id=user.pk).order_by("enrolled", "pk")[:1].get()


def oldest_stays(user: "User") -> bool:
    """Whether the oldest face cannot be removed: the user has never passed a liveness check, where one is asked for.

    Every new face must be like the oldest. If photos alone could remove that one, a chain of them would lead to the
    face of somebody else, and the user would no longer be recognised.
    """
    return conf().PHOTOS != "open" and not photo_logins.has_passed_liveness(user)


def remove(user: "User", face_id: UUID) -> bool:
    """Remove one appearance, unless it is the last, the oldest that stays, or not the user's."""
    if oldest_stays(user) and Face.objects.filter(user_id=user.pk).exists() and oldest_of(user).face_id == face_id:
        return False
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        faces = Face.objects.filter(user_id=user.pk)
        face = faces.filter(face_id=face_id).first()
        if face is None or faces.count() == 1:
            return False
        face.delete()
        faces.update(associated=False)  # until the vector is known to be made without it
    if not Deletion.objects.filter(face_id=face_id, confirmed=None).exists():
        user_vectors.renew(user)
    return True


def drop(collection: Collection, face_ids: list[str]) -> rekognition.Deletion:
    """Delete faces by their FaceIds, whoever's they are; the last one too. What cannot be deleted is in the ledger.

    Raises `RekognitionError` for faces that are nobody's.
    """
    with transaction.atomic():
        faces = list(Face.objects.filter(collection_id=collection.id, face_id__in=face_ids).select_related("user"))
        for face in faces:
            face.delete()
        users = {face.user_id: face.user for face in faces}
        Face.objects.filter(user_id__in=users).update(associated=False)
    for user in users.values():
        user_vectors.renew(user)
    rows = Deletion.objects.filter(face_id__in=[face.face_id for face in faces])
    rest = collection.delete_faces([it for it in face_ids if it not in {str(face.face_id) for face in faces}])
    rest.deleted.extend(str(row.face_id) for row in rows if row.confirmed)
    rest.failed.update({str(row.face_id): row.error for row in rows if not row.confirmed})
    return rest

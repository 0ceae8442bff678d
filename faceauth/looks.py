"""Know somebody better: more pictures of the same person, in glasses, with a beard, in winter."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from faceauth import crowd, odds, people, vectors, vision
from faceauth.images import Photo
from faceauth.models import Deletion, Face
from faceauth.outcomes import Outcome, Reason, Refusal
from faceauth.people import MOST_LOOKS, Recognition, refused
from faceauth.rekognition import collection as rekognition
from faceauth.rekognition.collection import Collection

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def add(user: "User", photo: Photo) -> Recognition:
    """Remember one more look of the user, who must be recognised on it; their first face must be nobody's.

    Raises `RekognitionError` where Rekognition cannot answer.
    """
    seen = vision.judge_to_remember(vision.find_faces(photo.pixels), photo.pixels)
    if isinstance(seen, Refusal):
        return refused(seen.reason)
    looks = Face.objects.filter(user_id=user.pk).count()
    if looks >= MOST_LOOKS:
        return refused(Reason.ENOUGH_LOOKS)
    if not looks and crowd.full():  # they would be one person more
        return refused(Reason.CLOSED)
    known = people.look_up([photo.jpeg])
    if known.outcome == Outcome.REFUSED:
        return known
    if known.user != (user if looks else None):
        return refused(Reason.SOMEBODY_ELSE)
    recognition = people.add_look(user, photo, seen.quality)
    if recognition.user is not None:
        vectors.renew(user)
        odds.count_again()
    return recognition


def remove(user: "User", face_id: UUID) -> bool:
    """Forget one look, unless it is the last or not the user's."""
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        faces = Face.objects.filter(user_id=user.pk)
        look = faces.filter(face_id=face_id).first()
        if look is None or faces.count() == 1:
            return False
        look.delete()
        faces.update(associated=False)  # until the vector is known to be made without the look
    if not Deletion.objects.filter(face_id=face_id, confirmed=None).exists():
        vectors.renew(user)
    return True


def drop(collection: Collection, face_ids: list[str]) -> rekognition.Deletion:
    """Forget faces by their FaceIds, whoever's they are; the last look too. What cannot be deleted is in the ledger.

    Raises `RekognitionError` for faces that are nobody's.
    """
    with transaction.atomic():
        faces = list(Face.objects.filter(collection_id=collection.id, face_id__in=face_ids).select_related("user"))
        for face in faces:
            face.delete()
        users = {face.user_id: face.user for face in faces}
        Face.objects.filter(user_id__in=users).update(associated=False)
    for user in users.values():
        vectors.renew(user)
    rows = Deletion.objects.filter(face_id__in=[face.face_id for face in faces])
    rest = collection.delete_faces([it for it in face_ids if it not in {str(face.face_id) for face in faces}])
    rest.deleted.extend(str(row.face_id) for row in rows if row.confirmed)
    rest.failed.update({str(row.face_id): row.error for row in rows if not row.confirmed})
    return rest

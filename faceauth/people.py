"""Recognise, remember, forget: the only place where a face becomes a user or stops being one."""

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction

from faceauth import vision
from faceauth.conf import conf
from faceauth.images import Photo
from faceauth.models import Face
from faceauth.outcomes import Outcome, Reason, Refusal
from faceauth.rekognition.collection import Collection, Match
from faceauth.rekognition.errors import RekognitionError

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# Two people whose similarities to one photo lie closer than this are about equally similar. On the similarity scale
# 9 points are one decade of false match rate (see faceauth.local.similarity), so 5 are a factor of three to four.
TOO_ALIKE = 5.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """What came of showing a photo: `user` is set when, and only when, somebody was recognised or remembered."""

    outcome: Outcome
    reason: Reason | None = None
    user: "User | None" = None
    similarity: float | None = None


def refused(reason: Reason, similarity: float | None = None) -> Recognition:
    return Recognition(Outcome.REFUSED, reason, similarity=similarity)


def recognise(photo: Photo) -> Recognition:
    """Find whose face is in the photo: recognised, stranger or refused.

    A photo without a usable face is refused here and costs Rekognition no call.
    Raises `RekognitionError` where Rekognition cannot answer.
    """
    face = vision.judge(vision.find_faces(photo.pixels), photo.pixels)
    if isinstance(face, Refusal):
        return refused(face.reason)
    matches = Collection(conf().COLLECTION).search(photo.jpeg, conf().THRESHOLD)
    if isinstance(matches, Refusal):
        return refused(matches.reason)
    return decide(matches)


def decide(matches: list[Match]) -> Recognition:
    """Whose notebook the matches open, if anybody's. Never a guess: opening the wrong one is the worst of all.

    A face whose user is gone opens nothing, yet it still counts: a photo that is clearly more like the face of
    somebody who left than like anybody here belongs to a stranger.
    """
    best = best_by_person(matches)
    if not best:
        return Recognition(Outcome.STRANGER)
    users = users_by_name(list(best))
    top = max(best.values())
    rivals = sorted(((best[name], name) for name in best if name in users), reverse=True)
    if not rivals or top - rivals[0][0] >= TOO_ALIKE:
        return Recognition(Outcome.STRANGER, similarity=top)
    similarity, name = rivals[0]
    if len(rivals) > 1 and similarity - rivals[1][0] < TOO_ALIKE:
        return refused(Reason.TOO_ALIKE, similarity)
    if not may_enter(users[name]):
        return refused(Reason.INACTIVE, similarity)
    return Recognition(Outcome.RECOGNISED, user=users[name], similarity=similarity)


def best_by_person(matches: list[Match]) -> dict[str, float]:
    """The highest similarity to each person; the ExternalImageId names them."""
    best: dict[str, float] = {}
    for match in matches:
        best[match.external_id] = max(match.similarity, best.get(match.external_id, 0.0))
    return best


def users_by_name(names: list[str]) -> dict[str, "User"]:
    model = get_user_model()
    field = model.USERNAME_FIELD
    return {user.get_username(): user for user in model._default_manager.filter(**{f"{field}__in": names})}


def may_enter(user: "User") -> bool:
    """Whether a face may open this user's session: active people, never operators, who use a password."""
    operator = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    return user.is_active and not operator


def remember(photo: Photo, consent: str = "") -> Recognition:
    """Remember the face in the photo for a new user, unless somebody here already has it.

    `consent` is the version of the text that the person agreed to. The face is indexed first: where none is stored
    there is no user, and where the user cannot be saved the face is deleted again.
    Raises `RekognitionError` where Rekognition cannot answer.
    """
    if conf().ENROLMENT == "closed":
        return refused(Reason.CLOSED)
    recognition = recognise(photo)
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    name = str(uuid.uuid4())
    collection = Collection(conf().COLLECTION)
    indexed = collection.index(photo.jpeg, name)
    if isinstance(indexed, Refusal):
        return refused(indexed.reason)
    saved = False
    try:
        with transaction.atomic():
            user = create_user(name)
            Face.objects.create(
                user=user,
                face_id=indexed.face_id,
                image_id=indexed.image_id,
                collection_id=collection.id,
                consent=consent,
            )
        saved = True
    finally:
        if not saved:
            undo_index(collection, indexed.face_id)
    return Recognition(Outcome.REMEMBERED, user=user)


def create_user(name: str) -> "User":
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: name})
    user.set_unusable_password()
    user.save()
    return user


def undo_index(collection: Collection, face_id: str) -> None:
    """Delete a face that has just been indexed for a user who could not be saved."""
    try:
        collection.delete_faces([face_id])
    except RekognitionError:
        logger.exception(
            "The face %s stays in the collection without a user, because neither the database nor Rekognition answered."
            " Delete it with `manage.py rekognition_collection delete-faces %s`.",
            face_id,
            face_id,
        )


def forget(user: "User") -> list[str]:
    """Delete the user's faces in Rekognition, then the user with all that hangs on it; the FaceIds that are gone.

    Faces go first: should Rekognition not answer (`RekognitionError`), the user and the notes are still there and
    the person can ask again.
    """
    forgotten: list[str] = []
    faces = Face.objects.filter(user_id=user.pk)
    for collection_id in faces.order_by().values_list("collection_id", flat=True).distinct():
        face_ids = [
            str(face_id) for face_id in faces.filter(collection_id=collection_id).values_list("face_id", flat=True)
        ]
        deletion = Collection(collection_id).delete_faces(face_ids)
        if deletion.failed:
            raise RekognitionError(f"These faces could not be deleted: {deletion.failed}.")
        forgotten += face_ids
    user.delete()
    return forgotten

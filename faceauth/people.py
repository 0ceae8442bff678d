"""Recognise, remember, forget: the only place where a face becomes a user or stops being one."""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.db.models import Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from faceauth import ledger, vectors, vision, visits
from faceauth.conf import conf
from faceauth.images import Photo
from faceauth.models import Consent, Deletion, Enrolment, Face, Receipt
from faceauth.outcomes import Outcome, Reason, Refusal
from faceauth.rekognition.collection import Collection, Match, RememberedFace

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# Two people whose similarities to one photo lie closer than this are about equally similar. On the similarity scale
# 9 points are one decade of false match rate (see faceauth.local.similarity), so 5 are a factor of three to four.
TOO_ALIKE = 5.0

# Somebody this close below the threshold may be who is on the photo: they are asked to try again before they are
# offered a second, empty notebook.
FAMILIAR = 5.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """What came of showing a photo: `user` is set when, and only when, somebody was recognised or remembered."""

    outcome: Outcome
    reason: Reason | None = None
    user: "User | None" = None
    similarity: float | None = None
    near: "User | None" = field(default=None, compare=False)
    """Whom the photo is like, without being let in. Of a stranger: they look familiar."""


def refused(reason: Reason, similarity: float | None = None, near: "User | None" = None) -> Recognition:
    return Recognition(Outcome.REFUSED, reason, similarity=similarity, near=near)


# Recognise ------------------------------------------------------------------------------------------------------------


def recognise(photo: Photo) -> Recognition:
    """Find whose face is in the photo: recognised, stranger or refused.

    A photo without a usable face is refused here and costs Rekognition no call. A stranger's must be good enough to be
    remembered by, unless nobody is: a bad one would make a second, empty notebook of somebody who has one.
    Raises `RekognitionError` where Rekognition cannot answer.
    """
    return recognise_among(vision.find_faces(photo.pixels), photo)


def recognise_among(faces: list[vision.Face], photo: Photo) -> Recognition:
    face = vision.judge(faces, photo.pixels)
    if isinstance(face, Refusal):
        return refused(face.reason)
    recognition = look_up(photo.jpeg)
    if recognition.outcome == Outcome.STRANGER and conf().ENROLMENT != "closed":
        good = vision.judge_to_remember(faces, photo.pixels)
        if isinstance(good, Refusal):
            return refused(good.reason, recognition.similarity, recognition.near)
    return recognition


def too_bad_to_remember(photo: Photo) -> Refusal | None:
    """Why a stranger on this photo could not be remembered, if so."""
    good = vision.judge_to_remember(vision.find_faces(photo.pixels), photo.pixels)
    return good if isinstance(good, Refusal) else None


def look_up(jpeg: bytes) -> Recognition:
    """Ask Rekognition for everybody who looks like this, and decide.

    The vectors are asked when there are any, and the single faces unless somebody was recognised and nobody here is
    known by single faces alone.
    """
    collection = Collection(conf().COLLECTION)
    faces = Face.objects.filter(collection_id=collection.id)
    least = max(conf().THRESHOLD - FAMILIAR, 0.0)
    matches: list[Match] = []
    if faces.filter(associated=True).exists():
        found = vectors.search(collection, jpeg, least)
        if isinstance(found, Refusal):
            return refused(found.reason)
        matches = found
        recognition = decide(matches)
        if recognition.outcome == Outcome.RECOGNISED and not faces.filter(associated=False).exists():
            return recognition
    found = collection.search(jpeg, least)
    if isinstance(found, Refusal):
        return refused(found.reason)
    return decide(matches + found)


def decide(matches: list[Match]) -> Recognition:
    """Whose notebook the matches open, if anybody's. Never a guess: opening the wrong one is the worst of all.

    A face whose user is gone opens nothing, yet it still counts: a photo that is clearly more like the face of
    somebody who left than like anybody here belongs to a stranger. Matches below the threshold open nothing either;
    the best of them says who looks familiar.
    """
    people = best_by_person(matches)
    over = [(similarity, user) for similarity, user in people if similarity >= conf().THRESHOLD]
    top = over[0][0] if over else None
    rivals = [(similarity, user) for similarity, user in over if user is not None]
    if top is None or not rivals or top - rivals[0][0] >= TOO_ALIKE:
        return Recognition(Outcome.STRANGER, similarity=top, near=people[0][1] if people else None)
    similarity, user = rivals[0]
    if len(rivals) > 1 and similarity - rivals[1][0] < TOO_ALIKE:
        return refused(Reason.TOO_ALIKE, similarity, user)
    return enter(user, similarity)


def best_by_person(matches: list[Match]) -> list[tuple[float, "User | None"]]:
    """The highest similarity to each person, best first; None is somebody who is gone."""
    best: dict[str, tuple[float, User | None]] = {}
    for match, face in with_faces(matches):
        person = face.person if face else match.external_id or match.face_id
        if person not in best or match.similarity > best[person][0]:
            best[person] = match.similarity, face.user if face else None
    return sorted(best.values(), key=lambda one: -one[0])


def with_faces(matches: list[Match]) -> Iterator[tuple[Match, Face | None]]:
    """Each match with the row that gives it to a user: its own, or, for a vector, any of the person's.

    The row decides, not the name that Rekognition keeps: a look that was removed has none, though its person is here.
    A vector that may still be made of such a look is left out.
    """
    face_ids = [match.face_id for match in matches if match.face_id]
    people = [match.external_id for match in matches if not match.face_id]
    faces = list(Face.objects.filter(Q(face_id__in=face_ids) | Q(person__in=people)).select_related("user"))
    by_id = {str(face.face_id): face for face in faces}
    by_person = {face.person: face for face in sorted(faces, key=lambda face: face.associated)}
    for match in matches:
        face = by_id.get(match.face_id) if match.face_id else by_person.get(match.external_id)
        if match.face_id or face is None or face.associated:
            yield match, face


def enter(user: "User", similarity: float | None) -> Recognition:
    if not may_enter(user):
        return refused(Reason.INACTIVE, similarity, user)
    return Recognition(Outcome.RECOGNISED, user=user, similarity=similarity)


def may_enter(user: "User") -> bool:
    """Whether a face may open this user's session: active people, never operators, who use a password."""
    return user.is_active and not operator(user)


def operator(user: "User") -> bool:
    return getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)


# Remember -------------------------------------------------------------------------------------------------------------


def remember(photo: Photo, consent: str = "") -> Recognition:
    """Remember the face in the photo for a new user, unless somebody here already has it.

    `consent` is the version of the text that the person agreed to. However often the same new face comes at the same
    moment, through however many servers, it ends with one user and one face:

    1. an `Enrolment` is written, under the name that the face will have;
    2. the face is indexed, and then the collection is searched for faces like it. Of any two that are indexed at the
       same time at least the later sees the other, because both search after both are there;
    3. `settle` decides in one transaction. The first to come so far wins and tells the others that it sees; the
       others find the winner, or were told. They become the winner, and their own face is deleted.

    Raises `RekognitionError` where Rekognition cannot answer.
    """
    if conf().ENROLMENT == "closed":
        return refused(Reason.CLOSED)
    faces = vision.find_faces(photo.pixels)
    recognition = recognise_among(faces, photo)
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    face = vision.judge_to_remember(faces, photo.pixels)
    if isinstance(face, Refusal):
        return refused(face.reason)
    collection = Collection(conf().COLLECTION)
    intent = Enrolment.objects.create(external_id=str(uuid.uuid4()), collection_id=collection.id)
    indexed = collection.index(photo.jpeg, intent.external_id)
    if isinstance(indexed, Refusal):
        intent.delete()
        return refused(indexed.reason)
    settled = False
    try:
        recognition = settle(
            intent, indexed, collection.similar(indexed.face_id, conf().THRESHOLD), face.quality, consent
        )
        settled = True
    finally:
        if not settled:
            give_up(intent, indexed)
    if recognition.outcome == Outcome.REMEMBERED and recognition.user:
        vectors.renew(recognition.user)
    else:
        finish(intent, indexed)
    return recognition


@transaction.atomic
def settle(
    intent: Enrolment, indexed: RememberedFace, alike: list[Match], quality: vision.Quality, consent: str
) -> Recognition:
    """Make the user whose face was indexed; or, if somebody was earlier, let that one in and the face go.

    The enrolments of all faces that look like this one are locked, in one order, so that of two that see each other
    the second to come here finds what the first has done.
    """
    names = [intent.external_id, *(match.external_id for match in alike)]
    others = list(Enrolment.objects.select_for_update().filter(external_id__in=names).order_by("pk"))
    mine = next((one for one in others if one.pk == intent.pk), None)
    if mine is None:  # so long ago that `doctor` has cleared up
        release(intent, indexed)
        return refused(Reason.LOOK_EXPIRED)
    if mine.winner is not None:
        release(intent, indexed)
        return enter(mine.winner, None)
    under_way = {one.external_id for one in others}
    recognition = decide([match for match, face in with_faces(alike) if face or match.external_id not in under_way])
    if recognition.outcome != Outcome.STRANGER:
        release(intent, indexed)
        return recognition
    user = create_user(intent.external_id)
    own(user, indexed, intent, quality)
    if consent:
        Consent.objects.create(user=user, text=consent)
    Enrolment.objects.filter(pk__in=[one.pk for one in others], winner=None).update(winner=user)
    mine.delete()
    return Recognition(Outcome.REMEMBERED, user=user)


def create_user(name: str) -> "User":
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: name})
    user.set_unusable_password()
    user.save()
    return user


def own(user: "User", indexed: RememberedFace, intent: Enrolment, quality: vision.Quality) -> None:
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


def release(intent: Enrolment, indexed: RememberedFace) -> None:
    """Let go of a face that was indexed for nobody.

    The enrolment stays until the face is gone, so that others do not take it for the face of somebody who left.
    """
    ledger.enter([Deletion(face_id=indexed.face_id, collection_id=intent.collection_id, person=intent.external_id)])


def give_up(intent: Enrolment, indexed: RememberedFace) -> None:
    """Something broke after the face was indexed: it goes, now or with the help of `doctor`."""
    try:
        with transaction.atomic():
            release(intent, indexed)
    except DatabaseError:
        logger.exception(
            "The face %s is in the collection without a user, because the database did not answer."
            " `manage.py rekognition_collection doctor --repair` deletes it.",
            indexed.face_id,
        )
    else:
        finish(intent, indexed)


def finish(intent: Enrolment, indexed: RememberedFace) -> None:
    """The enrolment of a face that was let go is over when the face is gone; until then `doctor` looks after it."""
    if Deletion.objects.filter(face_id=indexed.face_id).exclude(confirmed=None).exists():
        Enrolment.objects.filter(pk=intent.pk).delete()


# Forget ---------------------------------------------------------------------------------------------------------------


def forget(user: "User") -> Receipt:
    """Delete the user with all that hangs on it, at once, and the faces in Rekognition, through the ledger.

    The receipt says what became of the faces. While Rekognition does not answer they wait in the ledger and open
    nothing.
    """
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        receipt = Receipt.objects.create()
        ledger.write(Face.objects.filter(user_id=user.pk), receipt)
        visits.end_sessions(user)
        user.delete()
    return receipt


def expired(days: int) -> Iterator["User"]:
    """People, never operators, who have not come for so many days; a batch at a time."""
    since = timezone.now() - timedelta(days=days)
    last_pk = None
    while True:
        users = get_user_model()._default_manager.alias(
            came=Coalesce("last_login", Min("faces__remembered")),
        )
        users = users.filter(faces__isnull=False, came__lt=since).order_by("pk").distinct()
        if last_pk is not None:
            users = users.filter(pk__gt=last_pk)
        batch = list(users[:500])
        if not batch:
            return
        yield from (user for user in batch if not operator(user))
        last_pk = batch[-1].pk

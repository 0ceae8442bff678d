"""Enrol a new person: a face becomes a user's."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from faceauth import signals
from faceauth.conf import conf
from faceauth.enrolment.faces import add_face, assign
from faceauth.enrolment.make_user import make_user
from faceauth.models import Consent, Deletion, Enrolment, Face, SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal, refused
from faceauth.policy import capacity, photo_logins, population, thresholds
from faceauth.policy.capacity import enrolment_closed
from faceauth.policy.thresholds import Requirement
from faceauth.privacy import deletion_ledger
from faceauth.recognition import user_vectors
from faceauth.recognition.matching import A_PHOTO, Evidence, allow, decide, with_faces
from faceauth.recognition.search import Observed, good_for_enrolment, logger, observe, recognise_observed
from faceauth.rekognition.collection import Collection, IndexedFace, Match
from faceauth.rekognition.errors import RekognitionError
from faceauth.vision import measures
from faceauth.vision.photos import Photo

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User


# An enrolment takes seconds, and no server lets a request live for minutes.
IN_PROGRESS = timedelta(minutes=10)


def enrol(
    photos: Photo | Sequence[Photo], consent: str = "", method: str = "", apart_from: "User | None" = None
) -> Recognition:
    """Enrol the face in the photos as a new user, unless somebody here already has it.

    `consent` is the version of the text that the person agreed to, `method` how the photos came. `apart_from` is
    somebody whom the face may be like: the new notebook is another one, which opens by photos alone.

    However often the same new face comes at the same moment, through however many servers, it ends with one user:

    1. an `Enrolment` is written, under the name that the face will have;
    2. the face is indexed, and then the collection is searched for faces like it. Of any two that are indexed at the
       same time at least the later sees the other, because both search after both are there;
    3. `settle` decides in one transaction. The first to come so far wins and tells the others that it sees; the
       others find the winner, or were told. They become the winner, and their own face is deleted. Who would be one
       person too many (`faceauth.policy.capacity`) is refused;
    4. the winner's other frames are indexed, one by one, as more appearances. What breaks from here on costs an
       appearance, not the person.

    Raises `RekognitionError` where Rekognition cannot answer.
    """
    if conf().ENROLMENT == "closed":
        return refused(Reason.CLOSED)
    seen = observe(photos)
    if isinstance(seen, Refusal):
        return refused(seen.reason)
    apart = frozenset() if apart_from is None else frozenset({apart_from.pk})
    evidence = Evidence(live=method == SignIn.Method.LIVENESS, apart_from=apart)
    recognition = recognise_observed(seen, evidence)
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    if enrolment_closed():
        return refused(Reason.CLOSED)
    good = good_for_enrolment(seen)
    if isinstance(good, Refusal):
        return refused(good.reason, searched=True)
    return enrol_stranger(good, consent, evidence)


def enrol_stranger(good: Sequence[Observed], consent: str, evidence: Evidence) -> Recognition:
    """Index the first frame, settle who it is, and index the others for a new person: steps 1 to 4 of `enrol`."""
    (photo, _, face), *others = good
    collection = Collection(conf().COLLECTION)
    intent = Enrolment.objects.create(external_id=str(uuid.uuid4()), collection_id=collection.id)
    indexed = collection.index(photo.jpeg, intent.external_id)
    if isinstance(indexed, Refusal):
        intent.delete()
        return refused(indexed.reason)
    settled = False
    needed = thresholds.current()  # of one picture: the faces that are compared here are single ones
    try:
        alike = collection.similar(indexed.face_id, needed.threshold)
        recognition = settle(intent, indexed, alike, face.quality, consent, needed, evidence)
        settled = True
    finally:
        if not settled:
            give_up(intent, indexed)
    if recognition.outcome == Outcome.ENROLLED and recognition.user:
        enrol_more_frames(recognition.user, others)
        user_vectors.renew(recognition.user)
        population.forget()
        signals.enrolled.send(type(recognition.user), user=recognition.user, new=True)
    else:
        finish(intent, indexed)
    return recognition


def enrol_more_frames(user: "User", others: Sequence[Observed]) -> None:
    """Add more appearances to somebody enrolled just now. The person is enrolled without them, so none may fail."""
    for photo, _, face in others:
        try:
            add_face(user, photo, face.quality)
        except RekognitionError as error:
            logger.warning("An appearance of %s is missing: %s", user.get_username(), error)
            return


@transaction.atomic
def settle(
    intent: Enrolment,
    indexed: IndexedFace,
    alike: list[Match],
    quality: measures.Quality,
    consent: str,
    needed: Requirement,
    evidence: Evidence = A_PHOTO,
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
        return refused(Reason.EXPIRED)
    if mine.winner is not None:
        release(intent, indexed)
        return allow(mine.winner, None, needed.lock) if mine.is_sealed() else refused(Reason.EXPIRED)
    under_way = {one.external_id for one in others}
    others_faces = [match for match, face in with_faces(alike) if face or match.external_id not in under_way]
    recognition = decide(others_faces, needed=needed, evidence=evidence)
    if recognition.outcome != Outcome.STRANGER:
        release(intent, indexed)
        return recognition
    if capacity.full(newcomers(intent.collection_id, besides=others), anew=True):
        release(intent, indexed)
        return refused(Reason.CLOSED)
    user = made(intent, indexed, quality, consent, evidence)
    for one in others:
        if one.winner is None:
            one.change(winner=user)
    mine.delete()
    return Recognition(Outcome.ENROLLED, user=user)


def made(
    intent: Enrolment, indexed: IndexedFace, quality: measures.Quality, consent: str, evidence: Evidence
) -> "User":
    """The new user, with their face, what it was shown by, and what they agreed to."""
    user = make_user(intent.external_id)
    photo_logins.note_enrolled(user, evidence.live, superseded=bool(evidence.apart_from))
    assign(user, indexed, intent, quality)
    if consent:
        Consent.objects.create(user=user, text=consent)
    return user


def newcomers(collection_id: str, besides: list[Enrolment]) -> int:
    """How many others are being enrolled at this moment.

    Count them before the people who are here. Everybody wrote down that they begin before they count, so of several at
    once the last to begin has counted all others, among these or among those, and there are never too many.
    """
    begun = Enrolment.objects.filter(
        collection_id=collection_id, winner=None, started__gt=timezone.now() - IN_PROGRESS
    ).exclude(pk__in=[one.pk for one in besides])
    return begun.exclude(Exists(Face.objects.filter(person=OuterRef("external_id")))).count()


def release(intent: Enrolment, indexed: IndexedFace) -> None:
    """Let go of a face that was indexed for nobody.

    The enrolment stays until the face is gone, so that others do not take it for the face of somebody who left.
    """
    deletion_ledger.enter(
        [Deletion(face_id=indexed.face_id, collection_id=intent.collection_id, person=intent.external_id)]
    )


def give_up(intent: Enrolment, indexed: IndexedFace) -> None:
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


def finish(intent: Enrolment, indexed: IndexedFace) -> None:
    """The enrolment of a face that was let go is over when the face is gone; until then `doctor` looks after it."""
    if Deletion.objects.filter(face_id=indexed.face_id).exclude(confirmed=None).exists():
        Enrolment.objects.filter(pk=intent.pk).delete()

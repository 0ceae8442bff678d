"""Recognise, remember, forget: the only place where a face becomes a user or stops being one."""

import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, transaction
from django.db.models import Exists, Min, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from faceauth import crowd, ledger, odds, similarity, vectors, vision, visits
from faceauth.conf import conf
from faceauth.images import Photo
from faceauth.models import Consent, Deletion, Enrolment, Face, Receipt
from faceauth.odds import Needed
from faceauth.outcomes import Outcome, Reason, Refusal
from faceauth.rekognition.collection import Collection, Match, RememberedFace
from faceauth.rekognition.errors import RekognitionError

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# The least similarity, on the local scale, of any two frames of a look: two pictures of different people reach it once
# in 100,000 times, and two pictures of one person, taken years apart, in 97 of 100.
SAME_PERSON = 99.0

MOST_LOOKS = 10


@dataclass(frozen=True, slots=True)
class Recognition:
    """What came of showing a photo: `user` is set when, and only when, somebody was recognised or remembered."""

    outcome: Outcome
    reason: Reason | None = None
    user: "User | None" = None
    similarity: float | None = None
    near: "User | None" = field(default=None, compare=False)
    """Whom the photo is like, without being let in. Of a stranger: they look familiar."""
    lock: bool = False
    """Whether the face alone is not enough, with so many people: `user` may only enter with their second lock."""
    searched: bool = field(default=False, compare=False)
    """Whether a photo that is refused for what is wrong with it was looked up before: it was a guess all the same."""


def refused(
    reason: Reason, similarity: float | None = None, near: "User | None" = None, searched: bool = False
) -> Recognition:
    return Recognition(Outcome.REFUSED, reason, similarity=similarity, near=near, searched=searched)


# Recognise ------------------------------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """A frame, and who is on it."""

    photo: Photo
    faces: list[vision.Face]
    face: vision.Face


def recognise(photos: Photo | Sequence[Photo]) -> Recognition:
    """Find whose face is in the photos, one to three of one person, the best first: recognised, stranger or refused.

    Photos without a usable face, or of two people, are refused here and cost Rekognition no call. A stranger's must be
    good enough to be remembered by, unless nobody is: a bad one would make a second, empty notebook of somebody who
    has one. Raises `RekognitionError` where Rekognition cannot answer.
    """
    seen = look_at(photos)
    return refused(seen.reason) if isinstance(seen, Refusal) else recognise_seen(seen)


def look_at(photos: Photo | Sequence[Photo]) -> list[Seen] | Refusal:
    """The one person on all photos. A photo that comes twice counts once: it says nothing new."""
    given = [photos] if isinstance(photos, Photo) else list(photos)
    if not 1 <= len(given) <= odds.MOST_FRAMES:
        raise ValueError(f"One to {odds.MOST_FRAMES} photos are recognised together, not {len(given)}.")
    seen: list[Seen] = []
    for photo in {photo.jpeg: photo for photo in reversed(given)}.values():
        faces = vision.find_faces(photo.pixels)
        face = vision.judge(faces, photo.pixels)
        if isinstance(face, Refusal):
            return face
        seen.insert(0, Seen(photo, faces, face))
    return seen if of_one_person(seen) else Refusal(Reason.LOOK_FAILED)


def of_one_person(seen: list[Seen]) -> bool:
    if len(seen) == 1:
        return True
    templates = [vision.template(one.photo.pixels, one.face) for one in seen]
    least = similarity.to_cosine(SAME_PERSON)
    return all(float(one @ other) >= least for one in templates for other in templates)


def recognise_seen(seen: list[Seen]) -> Recognition:
    recognition = look_up([one.photo.jpeg for one in seen])
    if recognition.outcome == Outcome.STRANGER and not closed():
        good = good_to_remember(seen)
        if isinstance(good, Refusal):
            return refused(good.reason, recognition.similarity, recognition.near, searched=True)
    return recognition


def good_to_remember(seen: list[Seen]) -> list[Seen] | Refusal:
    """The frames that somebody may be remembered by; where none is, what is wrong with the first."""
    judged = [vision.judge_to_remember(one.faces, one.photo.pixels) for one in seen]
    good = [one for one, face in zip(seen, judged, strict=True) if not isinstance(face, Refusal)]
    return good or next(refusal for refusal in judged if isinstance(refusal, Refusal))


def as_stranger(photos: Sequence[Photo]) -> Refusal | None:
    """What a stranger's photos go through that those of somebody who was recognised need not; why they are refused.

    They are searched among the single faces as well, so that the answer costs as many calls, and takes about as long.
    Raises `RekognitionError` where Rekognition cannot answer.
    """
    collection = Collection(conf().COLLECTION)
    if not Face.objects.filter(collection_id=collection.id, associated=False).exists():
        collection.search(photos[0].jpeg, odds.current(len(photos)).familiar)
    if closed():
        return None
    seen = look_at(photos)
    good = seen if isinstance(seen, Refusal) else good_to_remember(seen)
    return good if isinstance(good, Refusal) else None


def look_up(jpegs: Sequence[bytes]) -> Recognition:
    """Ask Rekognition for everybody who looks like this, and decide. Each picture costs a call or two.

    Only as many are searched as the odds need. The vectors are asked when there are any, and the single faces unless
    somebody was recognised and nobody here is known by single faces alone.
    """
    collection = Collection(conf().COLLECTION)
    needed = odds.current(len(jpegs))
    jpegs = jpegs[: needed.frames]
    faces = Face.objects.filter(collection_id=collection.id)
    least = needed.familiar
    frames: list[list[Match]] = [[] for _ in jpegs]
    if faces.filter(associated=True).exists():
        for jpeg, matches in zip(jpegs, frames, strict=True):
            found = vectors.search(collection, jpeg, least)
            if isinstance(found, Refusal):
                return refused(found.reason)
            matches += found
            if not frames[0]:  # then nobody is on all of them
                break
        recognition = decide(*frames, needed=needed)
        if recognition.outcome == Outcome.RECOGNISED and not faces.filter(associated=False).exists():
            return recognition
    for jpeg, matches in zip(jpegs, frames, strict=True):
        found = collection.search(jpeg, least)
        if isinstance(found, Refusal):
            return refused(found.reason)
        matches += found
        if not frames[0]:
            break
    return decide(*frames, needed=needed)


class Candidate(NamedTuple):
    """A person whom the frames are like; `user` is None where they are gone."""

    similarity: float
    user: "User | None"
    everywhere: bool
    """Whether they are among the matches of every frame. Who is not opens nothing, and still counts as a rival."""


def decide(*frames: list[Match], needed: Needed | None = None) -> Recognition:
    """Whose notebook the matches of the frames open, if anybody's. Never a guess: the wrong one is the worst of all.

    The mean of the frames decides. A face whose user is gone opens nothing, yet it still counts: a photo that is
    clearly more like the face of somebody who left than like anybody here belongs to a stranger. Matches below the
    threshold open nothing either; the best of them says who looks familiar.
    """
    needed = needed or odds.current(len(frames))
    people = candidates(frames, needed.familiar)
    nearest, near = (people[0].similarity, people[0].user) if people else (None, None)
    over = [one for one in people if one.similarity >= needed.threshold]
    top = over[0].similarity if over else None
    rivals = [(one, one.user) for one in over if one.user is not None]
    if top is None or not rivals or odds.apart(top, rivals[0][0].similarity):
        return Recognition(Outcome.STRANGER, similarity=nearest, near=near)
    best, user = rivals[0]
    if len(rivals) > 1 and not odds.apart(best.similarity, rivals[1][0].similarity):
        return refused(Reason.TOO_ALIKE, best.similarity, user)
    if not best.everywhere:
        return Recognition(Outcome.STRANGER, similarity=nearest, near=user)
    return enter(user, best.similarity, needed.lock)


def candidates(frames: Sequence[list[Match]], least: float) -> list[Candidate]:
    """Everybody whom the frames are like, the best first, by the mean of the frames.

    On a frame that does not match them at all a person has `least`, for they may have no more.
    """
    seen = [best_by_person(matches) for matches in frames]
    users = {person: user for frame in seen for person, (_, user) in frame.items()}
    found = [
        Candidate(
            odds.combined([frame[person][0] if person in frame else least for frame in seen]),
            user,
            all(person in frame for frame in seen),
        )
        for person, user in users.items()
    ]
    return sorted(found, key=lambda one: -one.similarity)


def best_by_person(matches: list[Match]) -> dict[str, tuple[float, "User | None"]]:
    """The highest similarity to each person; None is somebody who is gone."""
    best: dict[str, tuple[float, User | None]] = {}
    for match, face in with_faces(matches):
        person = face.person if face else match.external_id or match.face_id
        if person not in best or match.similarity > best[person][0]:
            best[person] = match.similarity, face.user if face else None
    return best


def with_faces(matches: list[Match]) -> Iterator[tuple[Match, Face | None]]:
    """Each match with the row that gives it to a user: its own, or, for a vector, any of the person's.

    The row decides, not the name that Rekognition keeps. Of a person who is here, what has no row is left out: a look
    that was removed or is just being added, and a vector that may still be made of such a look. Neither opens
    anything, nor does it stand in the way of its own person as the face of somebody who left would.
    """
    face_ids = [match.face_id for match in matches if match.face_id]
    people = [match.external_id for match in matches if match.external_id]
    faces = list(Face.objects.filter(Q(face_id__in=face_ids) | Q(person__in=people)).select_related("user"))
    by_id = {str(face.face_id): face for face in faces}
    by_person = {face.person: face for face in sorted(faces, key=lambda face: face.associated)}
    for match in matches:
        here = by_person.get(match.external_id)
        face = by_id.get(match.face_id) if match.face_id else here
        if (face or here is None) and (match.face_id or face is None or face.associated):
            yield match, face


def enter(user: "User", alike: float | None, lock: bool) -> Recognition:
    if not may_enter(user):
        return refused(Reason.INACTIVE, alike, user)
    return Recognition(Outcome.RECOGNISED, user=user, similarity=alike, lock=lock)


def may_enter(user: "User") -> bool:
    """Whether a face may open this user's session: active people, never operators, who use a password."""
    return user.is_active and not operator(user)


def operator(user: "User") -> bool:
    return getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)


# Remember -------------------------------------------------------------------------------------------------------------

# An enrolment takes seconds, and no server lets a request live for minutes.
UNDER_WAY = timedelta(minutes=10)


def closed() -> bool:
    """Whether nobody new is remembered: by the settings, or because it would shut out somebody who is here."""
    return conf().ENROLMENT == "closed" or crowd.full()


def remember(photos: Photo | Sequence[Photo], consent: str = "") -> Recognition:
    """Remember the face in the photos for a new user, unless somebody here already has it.

    `consent` is the version of the text that the person agreed to. However often the same new face comes at the same
    moment, through however many servers, it ends with one user:

    1. an `Enrolment` is written, under the name that the face will have;
    2. the face is indexed, and then the collection is searched for faces like it. Of any two that are indexed at the
       same time at least the later sees the other, because both search after both are there;
    3. `settle` decides in one transaction. The first to come so far wins and tells the others that it sees; the
       others find the winner, or were told. They become the winner, and their own face is deleted. Who would be one
       person too many (`faceauth.crowd`) is refused;
    4. the winner's other frames are indexed, one by one, as more looks of theirs. What breaks from here on costs a
       look, not the person.

    Raises `RekognitionError` where Rekognition cannot answer.
    """
    if conf().ENROLMENT == "closed":
        return refused(Reason.CLOSED)
    seen = look_at(photos)
    if isinstance(seen, Refusal):
        return refused(seen.reason)
    recognition = recognise_seen(seen)
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    if closed():
        return refused(Reason.CLOSED)
    good = good_to_remember(seen)
    if isinstance(good, Refusal):
        return refused(good.reason, searched=True)
    (photo, _, face), *others = good
    collection = Collection(conf().COLLECTION)
    intent = Enrolment.objects.create(external_id=str(uuid.uuid4()), collection_id=collection.id)
    indexed = collection.index(photo.jpeg, intent.external_id)
    if isinstance(indexed, Refusal):
        intent.delete()
        return refused(indexed.reason)
    settled = False
    needed = odds.current()  # of one picture: the faces that are compared here are single ones
    try:
        alike = collection.similar(indexed.face_id, needed.threshold)
        recognition = settle(intent, indexed, alike, face.quality, consent, needed)
        settled = True
    finally:
        if not settled:
            give_up(intent, indexed)
    if recognition.outcome == Outcome.REMEMBERED and recognition.user:
        remember_others(recognition.user, others)
        vectors.renew(recognition.user)
        odds.count_again()
    else:
        finish(intent, indexed)
    return recognition


def remember_others(user: "User", others: Sequence[Seen]) -> None:
    """More looks of somebody who was remembered just now. The person is there without them, so no failure is theirs."""
    for photo, _, face in others:
        try:
            add_look(user, photo, face.quality)
        except RekognitionError as error:
            logger.warning("A look of %s is missing: %s", user.get_username(), error)
            return


@transaction.atomic
def settle(
    intent: Enrolment,
    indexed: RememberedFace,
    alike: list[Match],
    quality: vision.Quality,
    consent: str,
    needed: Needed,
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
        return enter(mine.winner, None, needed.lock)
    under_way = {one.external_id for one in others}
    others_faces = [match for match, face in with_faces(alike) if face or match.external_id not in under_way]
    recognition = decide(others_faces, needed=needed)
    if recognition.outcome != Outcome.STRANGER:
        release(intent, indexed)
        return recognition
    if crowd.full(newcomers(intent.collection_id, besides=others), anew=True):
        release(intent, indexed)
        return refused(Reason.CLOSED)
    user = create_user(intent.external_id)
    own(user, indexed, intent, quality)
    if consent:
        Consent.objects.create(user=user, text=consent)
    Enrolment.objects.filter(pk__in=[one.pk for one in others], winner=None).update(winner=user)
    mine.delete()
    return Recognition(Outcome.REMEMBERED, user=user)


def newcomers(collection_id: str, besides: list[Enrolment]) -> int:
    """How many others are being remembered at this moment.

    Count them before the people who are here. Everybody wrote down that they begin before they count, so of several at
    once the last to begin has counted all others, among these or among those, and there are never too many.
    """
    begun = Enrolment.objects.filter(
        collection_id=collection_id, winner=None, started__gt=timezone.now() - UNDER_WAY
    ).exclude(pk__in=[one.pk for one in besides])
    return begun.exclude(Exists(Face.objects.filter(person=OuterRef("external_id")))).count()


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


def add_look(user: "User", photo: Photo, quality: vision.Quality) -> Recognition:
    """Index one more face of the user: remembered, or refused. The vector is the caller's to renew.

    Raises `RekognitionError` where Rekognition cannot answer.
    """
    collection = Collection(conf().COLLECTION)
    intent = Enrolment.objects.create(external_id=vectors.person_of(user), collection_id=collection.id)
    indexed = collection.index(photo.jpeg, intent.external_id)
    if isinstance(indexed, Refusal):
        intent.delete()
        return refused(indexed.reason)
    return keep_look(user, intent, indexed, quality)


@transaction.atomic
def keep_look(user: "User", intent: Enrolment, indexed: RememberedFace, quality: vision.Quality) -> Recognition:
    """Give the indexed face to the user, if they are still here and have room for it."""
    there = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
    mine = Enrolment.objects.select_for_update().filter(pk=intent.pk).first()
    faces = Face.objects.filter(user_id=user.pk)
    known = faces.filter(face_id=indexed.face_id).exists()  # the same picture again: Rekognition answers the same face
    if there is None or mine is None or (not known and faces.count() >= MOST_LOOKS):
        ledger.enter([Deletion(face_id=indexed.face_id, collection_id=intent.collection_id, person=intent.external_id)])
        Enrolment.objects.filter(pk=intent.pk).delete()
        return refused(Reason.ENOUGH_LOOKS if there is not None and mine is not None else Reason.LOOK_EXPIRED)
    if not known:
        own(user, indexed, intent, quality)
    mine.delete()
    return Recognition(Outcome.REMEMBERED, user=user)


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
        return erase(user)


def forget_if_away(user: "User") -> Receipt | None:
    """Forget somebody who has not come for long; None if they have come since this `user` was read."""
    with transaction.atomic():
        there = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        return erase(user) if there is not None and there.last_login == user.last_login else None


def erase(user: "User") -> Receipt:
    """The admin's log keeps that something was done, and not to whom."""
    receipt = Receipt.objects.create()
    ledger.write(Face.objects.filter(user_id=user.pk), receipt)
    visits.end_sessions(user)
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(user), object_id=str(user.pk))
    entries.update(object_repr=f"#{user.pk}")
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

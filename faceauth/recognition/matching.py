"""From matches to a decision: whose notebook opens, if anybody's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from faceauth.models import Face
from faceauth.outcomes import Outcome, Reason, Recognition, refused
from faceauth.policy import photo_logins, thresholds
from faceauth.policy.accounts import may_sign_in
from faceauth.policy.thresholds import Requirement
from faceauth.rekognition.collection import Match

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User


class Candidate(NamedTuple):
    """A person whom the frames are like; `user` is None where they are gone."""

    similarity: float
    user: "User | None"
    everywhere: bool
    """Whether they are among the matches of every frame. Who is not opens nothing, and still counts as a rival."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the pictures came, besides what is on them."""

    live: bool = False
    """By a liveness check."""
    trusted: frozenset[object] = frozenset()
    """The primary keys of the users whose trusted device they came from."""
    apart_from: frozenset[object] = frozenset()
    """The primary keys of users whom they are not to be taken for."""


A_PHOTO = Evidence()


def decide(
    *frames: list[Match],
    needed: Requirement | None = None,
    evidence: Evidence = A_PHOTO,
    on_device: float | None = None,
) -> Recognition:
    """Whose notebook the matches of the frames open, if anybody's. Never a guess: the wrong one is the worst of all.

    The mean of the frames decides. A face whose user is gone opens nothing, yet it still counts: a photo that is
    clearly more like the face of somebody who left than like anybody here belongs to a stranger. Matches below the
    threshold open nothing either; the best of them says who nearly matched. `on_device` is the threshold for the
    people whose trusted device the frames came from.
    """
    needed = needed or thresholds.current(len(frames))
    least = needed.near_match if on_device is None else min(needed.near_match, on_device)
    people = meant(candidates(frames, least), evidence)
    known_here = of_device(people, evidence, on_device)
    if known_here is not None:
        return known_here
    people = [one for one in people if one.similarity >= needed.near_match]
    nearest, near = (people[0].similarity, people[0].user) if people else (None, None)
    over = [one for one in people if one.similarity >= needed.threshold]
    top = over[0].similarity if over else None
    rivals = [(one, one.user) for one in over if one.user is not None]
    if top is None or not rivals or thresholds.apart(top, rivals[0][0].similarity):
        return Recognition(Outcome.STRANGER, similarity=nearest, near=near)
    best, user = rivals[0]
    if len(rivals) > 1 and not thresholds.apart(best.similarity, rivals[1][0].similarity):
        return refused(Reason.AMBIGUOUS, best.similarity, user)
    if not best.everywhere:
        return Recognition(Outcome.STRANGER, similarity=nearest, near=user)
    return allow(user, best.similarity, needed.lock)


def of_device(people: list[Candidate], evidence: Evidence, threshold: float | None) -> Recognition | None:
    """Whom of a trusted device's people the pictures show; None where it is nobody of them.

    They need only be told from each other, by a `threshold` of their own. Somebody else who is clearly more alike is
    who the pictures show.
    """
    there = [one for one in people if one.user is not None and one.user.pk in evidence.trusted]
    if threshold is None or not there or there[0].similarity < threshold or not there[0].everywhere:
        return None
    best, *rivals = there
    rivals += [one for one in people if one not in there]
    if any(not thresholds.apart(best.similarity, one.similarity) for one in rivals if one.similarity >= threshold):
        return None
    return allow(best.user, best.similarity, False) if best.user is not None else None


def meant(people: list[Candidate], evidence: Evidence) -> list[Candidate]:
    """Those whom the pictures can mean."""
    users = [one.user for one in people if one.user is not None]
    left_out = evidence.apart_from
    if users:
        left_out = left_out | photo_logins.not_meant(users, evidence.live, evidence.trusted)
    return [one for one in people if one.user is None or one.user.pk not in left_out]


def candidates(frames: Sequence[list[Match]], least: float) -> list[Candidate]:
    """Everybody whom the frames are like, the best first, by the mean of the frames.

    On a frame that does not match them at all a person has `least`, for they may have no more.
    """
    seen = [best_by_person(matches) for matches in frames]
    users = {person: user for frame in seen for person, (_, user) in frame.items()}
    found = [
        Candidate(
            thresholds.combined([frame[person][0] if person in frame else least for frame in seen]),
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

    The row decides, not the name that Rekognition keeps; one whose seal is wrong is none. Of a person who is here,
    what has no row is left out: an appearance that was removed or is just being added, and a vector that may still
    contain one. Neither opens anything, nor does it stand in the way of its own person as the face of somebody who
    left would.
    """
    face_ids = [match.face_id for match in matches if match.face_id]
    people = [match.external_id for match in matches if match.external_id]
    rows = Face.objects.filter(Q(face_id__in=face_ids) | Q(person__in=people)).select_related("user")
    faces = [face for face in rows if face.is_sealed()]
    by_id = {str(face.face_id): face for face in faces}
    by_person = {face.person: face for face in sorted(faces, key=lambda face: face.associated)}
    for match in matches:
        here = by_person.get(match.external_id)
        face = by_id.get(match.face_id) if match.face_id else here
        if (face or here is None) and (match.face_id or face is None or face.associated):
            yield match, face


def allow(user: "User", alike: float | None, lock: bool) -> Recognition:
    if not may_sign_in(user):
        return refused(Reason.INACTIVE, alike, user)
    return Recognition(Outcome.RECOGNISED, user=user, similarity=alike, needs_mfa=lock)

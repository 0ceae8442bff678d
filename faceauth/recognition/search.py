"""Find whose face is in the photos."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from faceauth import models
from faceauth.conf import MAX_FRAMES, conf
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal, refused
from faceauth.policy import thresholds
from faceauth.policy.capacity import enrolment_closed
from faceauth.recognition import user_vectors
from faceauth.recognition.matching import A_PHOTO, Evidence, decide
from faceauth.rekognition.collection import Collection, Match
from faceauth.vision import quality_gate, similarity
from faceauth.vision.faces import Face, find_faces
from faceauth.vision.photos import Photo

logger = logging.getLogger(__name__)


# The least similarity, on the local scale, of any two frames of a check: two pictures of different people reach it once
# in 100,000 times, and two pictures of one person, taken years apart, in 97 of 100.
SAME_PERSON = 99.0


class Observed(NamedTuple):
    """A frame, and who is on it."""

    photo: Photo
    faces: list[Face]
    face: Face


def recognise(photos: Photo | Sequence[Photo], evidence: Evidence = A_PHOTO) -> Recognition:
    """Find whose face is in the photos, one to three of one person, the best first: recognised, stranger or refused.

    Photos without a usable face, or of two people, are refused here and cost Rekognition no call. A stranger's must be
    good enough to enrol, unless nobody is: a bad one would make a second, empty notebook of somebody who
    has one. Raises `RekognitionError` where Rekognition cannot answer.
    """
    seen = observe(photos)
    return refused(seen.reason) if isinstance(seen, Refusal) else recognise_observed(seen, evidence)


def observe(photos: Photo | Sequence[Photo]) -> list[Observed] | Refusal:
    """The one person on all photos. A photo that comes twice counts once: it says nothing new."""
    given = [photos] if isinstance(photos, Photo) else list(photos)
    if not 1 <= len(given) <= MAX_FRAMES:
        raise ValueError(f"One to {MAX_FRAMES} photos are recognised together, not {len(given)}.")
    seen: list[Observed] = []
    for photo in {photo.jpeg: photo for photo in reversed(given)}.values():
        faces = find_faces(photo.pixels)
        face = quality_gate.judge(faces, photo.pixels)
        if isinstance(face, Refusal):
            return face
        seen.insert(0, Observed(photo, faces, face))
    return seen if of_one_person(seen) else Refusal(Reason.LIVENESS_FAILED)


def of_one_person(seen: list[Observed]) -> bool:
    if len(seen) == 1:
        return True
    templates = [one.face.template for one in seen]
    least = similarity.to_cosine(SAME_PERSON)
    return all(float(one @ other) >= least for one in templates for other in templates)


def recognise_observed(seen: list[Observed], evidence: Evidence = A_PHOTO) -> Recognition:
    recognition = look_up([one.photo.jpeg for one in seen], evidence)
    if recognition.outcome == Outcome.STRANGER and not enrolment_closed():
        good = good_for_enrolment(seen)
        if isinstance(good, Refusal):
            return refused(good.reason, recognition.similarity, recognition.near, searched=True)
    return recognition


def good_for_enrolment(seen: list[Observed]) -> list[Observed] | Refusal:
    """The frames that somebody may be enrolled by; where none is, what is wrong with the first."""
    judged = [quality_gate.judge_for_enrolment(one.faces, one.photo.pixels) for one in seen]
    good = [one for one, face in zip(seen, judged, strict=True) if not isinstance(face, Refusal)]
    return good or next(refusal for refusal in judged if isinstance(refusal, Refusal))


def as_stranger(photos: Sequence[Photo]) -> Refusal | None:
    """What a stranger's photos go through that those of somebody who was recognised need not; why they are refused.

    They are searched among the single faces as well, so that the answer costs as many calls, and takes about as long.
    Raises `RekognitionError` where Rekognition cannot answer.
    """
    collection = Collection(conf().COLLECTION)
    if not models.Face.objects.filter(collection_id=collection.id, associated=False).exists():
        collection.search(photos[0].jpeg, thresholds.current(len(photos)).near_match)
    if enrolment_closed():
        return None
    seen = observe(photos)
    good = seen if isinstance(seen, Refusal) else good_for_enrolment(seen)
    return good if isinstance(good, Refusal) else None


def look_up(jpegs: Sequence[bytes], evidence: Evidence = A_PHOTO) -> Recognition:
    """Ask Rekognition for everybody who looks like this, and decide. Each picture costs a call or two.

    Only as many are searched as the odds need. The vectors are asked when there are any, and the single faces unless
    somebody was recognised and nobody here is known by single faces alone.
    """
    collection = Collection(conf().COLLECTION)
    needed = thresholds.current(len(jpegs))
    on_device = thresholds.on_device(evidence.trusted) if evidence.trusted else None
    jpegs = jpegs[: needed.frames]
    faces = models.Face.objects.filter(collection_id=collection.id)
    least = needed.near_match if on_device is None else min(needed.near_match, on_device)
    frames: list[list[Match]] = [[] for _ in jpegs]
    if faces.filter(associated=True).exists():
        for jpeg, matches in zip(jpegs, frames, strict=True):
            found = user_vectors.search(collection, jpeg, least)
            if isinstance(found, Refusal):
                return refused(found.reason)
            matches += found
            if not frames[0]:  # then nobody is on all of them
                break
        recognition = decide(*frames, needed=needed, evidence=evidence, on_device=on_device)
        if recognition.outcome == Outcome.RECOGNISED and not faces.filter(associated=False).exists():
            return recognition
    for jpeg, matches in zip(jpegs, frames, strict=True):
        found = collection.search(jpeg, least)
        if isinstance(found, Refusal):
            return refused(found.reason)
        matches += found
        if not frames[0]:
            break
    return decide(*frames, needed=needed, evidence=evidence, on_device=on_device)

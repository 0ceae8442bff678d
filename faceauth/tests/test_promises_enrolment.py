"""What is promised of becoming a person: one face is one person, and frames of two people are nobody's."""

import uuid

import numpy as np
from django.contrib.auth.models import User
from PIL import Image

from faceauth.enrolment import enrol as enrolment_module
from faceauth.enrolment.enrol import enrol
from faceauth.enrolment.faces import add_face, drop
from faceauth.models import Deletion, Enrolment, Face
from faceauth.outcomes import Outcome, Reason, Recognition
from faceauth.policy import thresholds
from faceauth.privacy import forget
from faceauth.recognition import user_vectors
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection, IndexedFace, Match
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, read
from faceauth.vision import faces, quality_gate, similarity
from faceauth.vision.measures import Quality

QUALITY = Quality(brightness=50.0, sharpness=90.0)


# A race ---------------------------------------------------------------------------------------------------------------


def begun(collection: Collection) -> tuple[Enrolment, IndexedFace]:
    """An enrolment whose face is indexed and which is not decided yet."""
    enrolment = Enrolment.objects.create(external_id=str(uuid.uuid4()), collection_id=collection.id)
    return enrolment, IndexedFace(str(uuid.uuid4()), str(uuid.uuid4()), enrolment.external_id, 99.0)


def settle(enrolment: Enrolment, face: IndexedFace, *alike: IndexedFace) -> Recognition:
    """Decide one enrolment, which sees these other faces as its own."""
    matches = [Match(other.face_id, other.external_id, 99.8) for other in alike]
    return enrolment_module.settle(enrolment, face, matches, QUALITY, "", thresholds.requirement(1))


def test_of_two_at_once_the_second_becomes_the_first(transactional_db: None, collection: Collection) -> None:
    """The second was told by the first: it need not see the first one's face itself."""
    (first, first_face), (second, second_face) = begun(collection), begun(collection)
    won = settle(first, first_face, second_face)
    assert won.outcome == Outcome.ENROLLED
    second.refresh_from_db()
    assert second.winner == won.user
    lost = settle(second, second_face)
    assert (lost.outcome, lost.user) == (Outcome.RECOGNISED, won.user)
    assert User.objects.count() == 1


def test_whoever_came_second_leaves_no_face(transactional_db: None, collection: Collection) -> None:
    (first, first_face), (second, second_face) = begun(collection), begun(collection)
    settle(first, first_face, second_face)
    second.refresh_from_db()
    settle(second, second_face)
    assert [str(face.face_id) for face in Face.objects.all()] == [first_face.face_id]
    assert [str(row.face_id) for row in Deletion.objects.all()] == [second_face.face_id]


def test_a_winner_who_may_not_enter_opens_nothing_for_the_second(
    transactional_db: None, collection: Collection, owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    enrolment, face = begun(collection)
    enrolment.change(winner=User.objects.get(pk=owner.pk))
    assert settle(enrolment, face).reason == Reason.INACTIVE
    assert not Face.objects.exists()


def test_two_who_do_not_see_each_other_are_two_people(transactional_db: None, collection: Collection) -> None:
    results = [settle(*begun(collection)) for _ in range(2)]
    assert [result.outcome for result in results] == [Outcome.ENROLLED] * 2
    assert User.objects.count() == 2


# Frames of one person -------------------------------------------------------------------------------------------------


def morph(share: float) -> bytes:
    """Grace Hopper's portrait with so much of Eileen Collins' face in it, eyes on eyes."""
    import cv2

    hopper, collins = read(pictures.hopper()), read(pictures.collins())
    to, source = (quality_gate.judge(faces.find_faces(photo.pixels), photo.pixels) for photo in (hopper, collins))
    assert isinstance(to, faces.Face)
    assert isinstance(source, faces.Face)
    matrix, _inliers = cv2.estimateAffinePartial2D(source.landmarks, to.landmarks)
    height, width = hopper.pixels.shape[:2]
    over = cv2.warpAffine(np.asarray(collins.pixels), matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    mixed = np.asarray(hopper.pixels) * (1 - share) + over * share
    return pictures.encoded(Image.fromarray(mixed.astype(np.uint8)), quality=95)


def alike(one: bytes, other: bytes) -> float:
    """The similarity of the faces on two pictures, 0 to 100."""
    templates = []
    for photo in (read(one), read(other)):
        face = quality_gate.judge(faces.find_faces(photo.pixels), photo.pixels)
        assert isinstance(face, faces.Face)
        templates.append(face.template)
    return float(similarity.from_cosine(float(templates[0] @ templates[1])))


MORPHED = 0.72  # about 93: two strangers in a thousand are as alike


def test_frames_of_people_who_resemble_each_other_are_not_of_one_person(hopper: User, calls: list[str]) -> None:
    """Similar enough to be taken for one person at a low threshold; the mean of both frames must open nothing."""
    mixed = morph(MORPHED)
    assert 80 < alike(pictures.hopper(), mixed) < 99
    calls.clear()
    recognition = recognise([read(pictures.hopper()), read(mixed)])
    assert (recognition.outcome, recognition.reason, calls) == (Outcome.REFUSED, Reason.LIVENESS_FAILED, [])


# A removed vector -----------------------------------------------------------------------------------------------------


def test_a_face_that_a_vector_still_holds_is_deleted_all_the_same(
    transactional_db: None, hopper: User, collection: Collection, calls: list[str]
) -> None:
    """A crash may come between making the vector and noting that; Rekognition then refuses to delete the face."""
    second = enrol_another(hopper, collection)
    Face.objects.update(associated=False)
    calls.clear()
    Face.objects.get(face_id=second).delete()
    deletion = Deletion.objects.get()
    assert (str(deletion.face_id), deletion.confirmed is not None, deletion.error) == (second, True, "")
    assert calls == ["DeleteFaces", "DisassociateFaces", "DeleteFaces"]
    assert second not in [face.face_id for face in collection.faces()]
    assert list(collection.users()) == [hopper.username]


def test_the_last_face_that_a_vector_still_holds_takes_the_vector_along(
    transactional_db: None, hopper: User, collection: Collection, calls: list[str]
) -> None:
    Face.objects.update(associated=False)
    calls.clear()
    forget.forget(hopper)
    assert Deletion.objects.get().confirmed is not None
    assert calls == ["DeleteFaces", "DeleteUser", "DeleteFaces"]
    assert (list(collection.faces()), list(collection.users())) == ([], [])


def enrol_another(user: User, collection: Collection) -> str:
    """One more picture of the person, in the vector too; its FaceId."""
    add_face(user, read(pictures.another(pictures.hopper())), QUALITY)
    user_vectors.renew(user)
    return str(Face.objects.exclude(face_id=Face.objects.order_by("pk")[0].face_id).get().face_id)


def test_somebody_known_is_not_enrolled_twice(hopper: User) -> None:
    assert enrol(read(pictures.another(pictures.hopper()))).user == hopper
    assert User.objects.count() == 1


# An operator deletes faces --------------------------------------------------------------------------------------------


def test_only_the_named_faces_are_dropped(transactional_db: None, hopper: User, collection: Collection) -> None:
    second = enrol_another(hopper, collection)
    collins = enrol(read(pictures.collins())).user
    nobodys = collection.index(pictures.another(pictures.collins()), "nobody")
    assert isinstance(nobodys, IndexedFace)
    unknown = str(uuid.uuid4())
    deletion = drop(collection, [second, nobodys.face_id, unknown])
    assert (sorted(deletion.deleted), deletion.unknown, deletion.failed) == (
        sorted([second, nobodys.face_id]),
        [unknown],
        {},
    )
    assert {face.face_id for face in collection.faces()} == {str(face.face_id) for face in Face.objects.all()}
    assert [face.user for face in Face.objects.order_by("pk")] == [hopper, collins]
    assert recognise(read(pictures.hopper())).user == hopper
    assert recognise(read(pictures.collins())).user == collins


def test_what_cannot_be_dropped_is_said_and_opens_nothing(
    transactional_db: None, hopper: User, collection: Collection, fault: Fault
) -> None:
    """Its person is recognised by what is left, and not by a vector that may still be made of it."""
    second = enrol_another(hopper, collection)
    fault("DisassociateFaces", "InternalServerError", status=500)
    deletion = drop(collection, [second])
    assert (deletion.deleted, deletion.failed) == ([], {second: "unavailable"})
    assert [str(face.face_id) for face in Face.objects.all()] != [second]
    assert recognise(read(pictures.hopper())).user == hopper


def test_the_vector_is_made_anew_without_the_dropped_face(
    transactional_db: None, hopper: User, collection: Collection, calls: list[str]
) -> None:
    second = enrol_another(hopper, collection)
    calls.clear()
    drop(collection, [second])
    assert calls[:2] == ["DisassociateFaces", "DeleteFaces"]
    assert "AssociateFaces" in calls
    assert Face.objects.get().associated

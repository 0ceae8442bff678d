"""The health check, and the commands `expire` and `enrol`, at both endpoints."""

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.utils import timezone

from faceauth.enrolment.enrol import enrol
from faceauth.models import Deletion, Enrolment, Face
from faceauth.operators import findings as findings_module
from faceauth.operators import reconcile
from faceauth.privacy import forget as forget_module
from faceauth.privacy.forget import expired, forget
from faceauth.recognition.search import recognise
from faceauth.rekognition.client import client
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, answer_of, read
from faceauth.tests.test_rekognition_collection import run

LONG_AGO = timezone.now() - timedelta(days=2000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings_module, "WAITS", (0, 0))


@pytest.fixture
def grace(transactional_db: None, collection: Collection) -> User:
    """Enrolled long ago, as most are."""
    user = enrol(read(pictures.hopper())).user
    assert user is not None
    Face.objects.update(enrolled=LONG_AGO)
    return user


def findings(*args: str) -> list[tuple[str, bool]]:
    """What doctor says, and whether it repaired it."""
    return [(it.kind, it.repaired) for it in reconcile.reconcile("secretly", repair="--repair" in args)]


def index(name: str, data: bytes) -> str:
    face = Collection("secretly").index(read(data).jpeg, name)
    return face.face_id  # type: ignore[union-attr]


def test_clean(endpoint: str, grace: User, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == "No problems found.\n"
    assert json.loads(run("doctor", "--json")) == []
    assert capsys.readouterr().err == ""  # progress is for a terminal


def test_a_finding_is_an_exit_status(grace: User) -> None:
    Collection("secretly").delete_user(grace.username)
    Collection("secretly").delete_faces([str(Face.objects.get().face_id)])
    with pytest.raises(CommandError, match="1 not repaired"):
        run("doctor")
    with pytest.raises(CommandError, match="1 not repaired"):
        run("doctor", "--json", "--repair")


def test_an_unfinished_deletion(endpoint: str, grace: User, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("faceauth.privacy.deletion_ledger.settle", lambda deletions: None)
        receipt = forget(grace)
    assert findings() == [("unfinished_deletion", False)]
    assert findings("--repair") == [("unfinished_deletion", True)]
    assert receipt.deletions.get().confirmed is not None
    assert list(Collection("secretly").faces()) == []
    assert findings() == []


def test_a_face_left_over_from_an_enrolment(endpoint: str, grace: User) -> None:
    name = str(uuid.uuid4())
    Enrolment.objects.create(external_id=name, collection_id="secretly", started=LONG_AGO)
    face_id = index(name, pictures.collins())
    assert findings() == [("face_without_user", False), ("unfinished_enrolment", False)]
    assert findings("--repair") == [("face_without_user", True), ("unfinished_enrolment", True)]
    assert face_id not in [face.face_id for face in Collection("secretly").faces()]
    assert findings() == []
    assert recognise(read(pictures.hopper())).user == grace


def test_an_enrolment_under_way_is_left_alone(grace: User) -> None:
    name = str(uuid.uuid4())
    Enrolment.objects.create(external_id=name, collection_id="secretly")
    index(name, pictures.collins())
    assert findings("--repair") == []
    assert len(list(Collection("secretly").faces())) == 2


def test_a_face_of_another_site_is_left_alone(grace: User) -> None:
    index("somebody-elses", pictures.collins())
    assert findings("--repair") == [("face_without_user", False)]
    with pytest.raises(CommandError):
        run("doctor", "--repair")
    assert len(list(Collection("secretly").faces())) == 2


def test_a_face_that_comes_back_after_its_deletion(grace: User) -> None:
    name = str(uuid.uuid4())
    face_id = index(name, pictures.collins())
    Deletion.objects.create(face_id=face_id, collection_id="secretly", person=name, confirmed=LONG_AGO)
    assert findings("--repair") == [("face_without_user", True)]
    assert Deletion.objects.get().confirmed > LONG_AGO  # type: ignore[operator]


def test_a_face_that_the_collection_lost(grace: User) -> None:
    Face.objects.create(
        user=grace,
        face_id=uuid.uuid4(),
        image_id=uuid.uuid4(),
        collection_id="secretly",
        person=grace.username,
        enrolled=LONG_AGO,
    )
    assert findings() == [("face_missing", False)]
    assert findings("--repair") == [("face_missing", True)]
    assert findings() == []
    assert Face.objects.count() == 1


def test_the_last_face_that_the_collection_lost_needs_a_decision(grace: User) -> None:
    Collection("secretly").delete_user(grace.username)
    Collection("secretly").delete_faces([str(Face.objects.get().face_id)])
    assert findings("--repair") == [("face_missing", False)]
    assert Face.objects.exists()


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"user__is_active": False}, "inactive_user"), ({"collection_id": "other"}, "other_collection")],
)
def test_needs_a_decision(change: dict[str, Any], kind: str, grace: User) -> None:
    if "collection_id" in change:
        Collection("other").create()
        face = Face.objects.get()
        face.collection_id = change["collection_id"]
        face.renew_seal()
        face.save()
        expected = [("face_without_user", False), ("vector_without_user", False)]
        assert (kind, False) in findings()
        assert set(findings()) - set(expected) <= {(kind, False)}
    else:
        User.objects.update(is_active=False)
        assert findings("--repair") == [(kind, False)]
    assert Face.objects.exists()


def test_somebody_who_cannot_come_in(collection: Collection, operator: User) -> None:
    person = User(username="lost")
    person.set_unusable_password()
    person.save()
    assert findings("--repair") == [("user_without_face", False)]


def test_a_wrong_model_version(grace: User, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Collection.page

    def old(self: Collection, *args: Any, **kwargs: Any) -> Any:
        from dataclasses import replace

        faces, token = page(self, *args, **kwargs)
        return [replace(face, model_version="1.0") for face in faces], token

    monkeypatch.setattr(Collection, "page", old)
    assert findings("--repair") == [("wrong_model_version", False)]


def test_a_vector_that_was_not_made_is_made(grace: User) -> None:
    Collection("secretly").delete_user(grace.username)
    Face.objects.update(associated=False)
    assert findings("--repair") == []
    assert Face.objects.get().associated
    assert list(Collection("secretly").users()) == [grace.username]


def test_throttled_in_the_middle(endpoint: str, grace: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run waits and goes on where it was: each page is read once, and nothing is missed."""
    for _ in range(5):
        index("another-sites", pictures.another(pictures.collins()) + bytes([_]))
    for number in range(4):
        index(f"another-sites-{number}", pictures.collins())
    monkeypatch.setattr("faceauth.rekognition.collection.MOST_IDS", 2)
    asked = 0

    def throttle(request: Any, **kwargs: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked % 3 == 2:
            return answer_of(request, 400, {"__type": "ThrottlingException"})
        return None

    events = client().meta.events
    events.register_first("before-send.rekognition.ListFaces", throttle)
    try:
        strays = [it for it in findings() if it[0] == "face_without_user"]
    finally:
        events.unregister("before-send.rekognition.ListFaces", throttle)
    assert len(strays) == len(list(Collection("secretly").faces())) - 1
    assert asked > 4


def test_throttled_for_good(endpoint: str, grace: User, fault: Fault) -> None:
    tries = fault("ListFaces", "ThrottlingException")
    with pytest.raises(CommandError, match="throttled"):
        run("doctor")
    assert len(tries) >= 3


def test_the_collection_is_gone(endpoint: str, grace: User) -> None:
    Collection("secretly").delete()
    with pytest.raises(CommandError, match="rekognition_collection create"):
        run("doctor")


def test_memory_stays_flat(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the collection holds, a page of it is in memory."""
    import gc
    import tracemalloc

    from faceauth.tests.local import add_faces as put
    from faceauth.tests.local import some_templates

    monkeypatch.setattr("faceauth.rekognition.collection.MOST_IDS", 100)
    put(some_templates(2000), "secretly")
    found = reconcile.reconcile("secretly")
    for _ in range(200):
        next(found)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1700):
            next(found)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 200_000  # 1,700 faces would be more than 1 MB
    finally:
        tracemalloc.stop()


# Expire ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(grace: User) -> tuple[User, User]:
    """Grace has not come for years; Eileen came today."""
    eileen = enrol(read(pictures.collins())).user
    assert eileen is not None
    User.objects.filter(pk=eileen.pk).update(last_login=timezone.now())
    return grace, eileen


def test_expire(endpoint: str, two: tuple[User, User]) -> None:
    assert "1 people would be forgotten" in run("expire", "--inactive-days", "1095", "--dry-run")
    told = json.loads(run("expire", "--inactive-days", "1095", "--dry-run", "--json"))
    assert told == {"people": 1, "dry_run": True, "faces_pending": 0, "would_be": [two[0].username]}
    assert User.objects.count() == 2
    assert "1 people were forgotten" in run("expire", "--inactive-days", "1095", "--yes")
    assert User.objects.get() == two[1]
    assert len(list(Collection("secretly").faces())) == 1
    assert findings() == []
    assert json.loads(run("expire", "--inactive-days", "1095", "--yes", "--json"))["people"] == 0


def test_expire_uses_the_last_sign_in(two: tuple[User, User]) -> None:
    User.objects.filter(pk=two[0].pk).update(last_login=timezone.now() - timedelta(days=10))
    assert "0 people" in run("expire", "--inactive-days", "11", "--dry-run")
    assert "1 people" in run("expire", "--inactive-days", "9", "--dry-run")


def test_expire_spares_who_comes_while_it_runs(two: tuple[User, User], monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds are read at once, and forgetting them takes minutes."""
    users = list(expired(0))
    assert len(users) == 2
    monkeypatch.setattr(forget_module, "expired", lambda days: users)
    back = User.objects.get(pk=users[1].pk)
    back.last_login = timezone.now()
    back.save()
    assert "1 people were forgotten" in run("expire", "--inactive-days", "9", "--yes")
    assert list(User.objects.filter(pk__in=[user.pk for user in users])) == [back]


def test_expire_leaves_operators(two: tuple[User, User]) -> None:
    User.objects.filter(pk=two[0].pk).update(is_staff=True)
    assert "0 people" in run("expire", "--inactive-days", "1095", "--yes")


def test_expire_while_rekognition_is_away(two: tuple[User, User], fault: Fault) -> None:
    fault("DeleteUser", "InternalServerError", status=500)
    with pytest.raises(CommandError, match="doctor --repair"):
        run("expire", "--inactive-days", "1095", "--yes")
    assert User.objects.get() == two[1]


@pytest.mark.parametrize("days", ["0", "-3", "three", "1000000"])
def test_expire_wants_a_number_of_days(days: str, db: None) -> None:
    with pytest.raises(CommandError, match="not a number of days"):
        run("expire", f"--inactive-days={days}")


# Enrol ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def maria(db: None) -> User:
    return User.objects.create_user(username="maria@example.org")


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    made = [pictures.hopper(), pictures.another(pictures.hopper()), pictures.collins()]
    for number, data in enumerate(made):
        (tmp_path / f"{number}.jpg").write_bytes(data)
    return [str(tmp_path / f"{number}.jpg") for number in range(3)]


def test_enrol(endpoint: str, collection: Collection, maria: User, photos: list[str]) -> None:
    assert "has 2 faces" in run("enrol", maria.username, *photos[:2])
    assert recognise(read(pictures.hopper())).user == maria
    assert {face.external_id for face in collection.faces()} == set(Face.objects.values_list("person", flat=True))
    assert findings() == []


def test_enrol_only_one_person(collection: Collection, maria: User, photos: list[str]) -> None:
    with pytest.raises(CommandError, match="1 of 2"):
        run("enrol", maria.username, photos[0], photos[2])
    assert Face.objects.count() == len(list(collection.faces())) == 1


def test_enrol_nobody_who_is_here_already(hopper: User, maria: User, photos: list[str]) -> None:
    with pytest.raises(CommandError, match="1 of 1"):
        run("enrol", maria.username, photos[0])
    assert recognise(read(pictures.hopper())).user == hopper


@pytest.mark.parametrize("problem", ["unknown", "operator", "no file"])
def test_enrol_refuses(problem: str, collection: Collection, maria: User, operator: User, photos: list[str]) -> None:
    name = {"unknown": "nobody", "operator": operator.username}.get(problem, maria.username)
    with pytest.raises(CommandError):
        run("enrol", name, "/nowhere.jpg" if problem == "no file" else photos[0])
    assert not Face.objects.exists()

"""The index finds exactly what is in the database: at once, everywhere, and nothing else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from django.db import connection, connections, transaction

from faceauth.local import search_index
from faceauth.local.models import Collection, Face, begin_change
from faceauth.local.template_encryption import Tampered
from faceauth.tests.local import Template, call, collection_named, names_of, remember, some_templates, workers
from faceauth.tests.pictures import collins, hopper


def search(vector: Template, least: float = 0.5, most: int = 10, name: str = "people") -> list[str]:
    """The FaceIds that the index finds."""
    collection = Collection.objects.get(collection_id=name)
    return [str(face.face_id) for face, _ in search_index.search(collection, Face.objects.all(), vector, least, most)]


def shared_keys() -> set[int]:
    """What is in the shared memory of this process."""
    opened = search_index.indexes.open.get(("people", Face.kind))
    return set() if opened is None else set(opened.templates.keys.tolist())


# Exact ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_finds_what_a_plain_product_finds() -> None:
    collection_named()
    templates = some_templates(3000)
    face_ids = remember(templates)
    for query in some_templates(20, seed=2):
        cosines = dict(zip(face_ids, templates.astype(np.float64) @ query.astype(np.float64), strict=True))
        ranked = sorted(cosines.values(), reverse=True)
        for least, most in ((0.1, 5000), (0.1, 7), (-1.0, 5), (0.9, 5)):
            found = [cosines[face_id] for face_id in search(query, least, most)]
            expected = [cosine for cosine in ranked if cosine >= least][:most]
            assert found[: len(expected)] == pytest.approx(expected, abs=1e-6)
            assert all(cosine >= least - search_index.ROUNDING for cosine in found)


@pytest.mark.django_db(transaction=True)
def test_tells_apart_what_half_precision_cannot() -> None:
    """A crowd of templates that are all but the same: their order and the threshold between them are still exact."""
    collection_named()
    query, *others = some_templates(2)
    steps = np.linspace(0.700, 0.701, 500)  # of cosine; half precision is off by up to 0.0005
    across = others[0] - (others[0] @ query) * query
    across /= np.linalg.norm(across)
    crowd = np.asarray([step * query + np.sqrt(1 - step**2) * across for step in steps], np.float32)
    face_ids = remember(crowd)
    assert search(query, least=0.6, most=10) == face_ids[:-11:-1]
    assert search(query, least=0.6, most=1000) == face_ids[::-1]
    middle = float(steps[250] + steps[251]) / 2
    assert search(query, least=middle, most=1000) == face_ids[:250:-1]
    assert search(query, least=middle, most=40) == face_ids[:-41:-1]


@pytest.mark.django_db(transaction=True)
def test_of_two_alike_the_elder_comes_first() -> None:
    collection_named()
    face_ids = remember(np.repeat(some_templates(1), 5, axis=0))
    assert search(some_templates(1)[0], most=3) == face_ids[:3]


@pytest.mark.django_db(transaction=True)
def test_a_lost_row_in_the_middle_of_opening_leaves_no_half_index() -> None:
    collection_named()
    templates = some_templates(6)
    face_ids = remember(templates[:3])
    assert search(templates[0]) == face_ids[:1]
    remember(templates[3:])
    spoilt = Face.objects.order_by("pk").last()
    assert spoilt is not None
    token = spoilt.template
    Face.objects.filter(pk=spoilt.pk).update(template=b"")
    for _ in range(2):
        with pytest.raises(Tampered):
            search(templates[0])
    Face.objects.filter(pk=spoilt.pk).update(template=token)
    assert [len(search(template)) for template in templates] == [1] * 6
    assert len(shared_keys()) == 6


@pytest.mark.django_db(transaction=True)
def test_keeps_up_through_growth_and_many_removals() -> None:
    collection_named()
    templates = some_templates(6000)
    face_ids: list[str] = []
    for start in range(0, 6000, 1500):
        face_ids += remember(templates[start : start + 1500])
        assert search(templates[start]) == [face_ids[start]]
    call("DeleteFaces", CollectionId="people", FaceIds=face_ids[:4000])
    assert search(templates[10]) == []
    assert search(templates[5000]) == [face_ids[5000]]
    assert len(shared_keys()) == 2000
    again = remember(templates[:10])
    assert search(templates[3]) == [again[3]]


@pytest.mark.django_db(transaction=True)
def test_an_index_far_behind_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "REMOVALS_KEPT", 3)
    collection_named()
    templates = some_templates(12)
    face_ids = remember(templates)
    assert search(templates[0]) == [face_ids[0]]
    for face_id in face_ids[:10]:
        call("DeleteFaces", CollectionId="people", FaceIds=[face_id])
    assert Collection.objects.get().removals.count() < 6
    assert [search(template) for template in templates] == [[]] * 10 + [[face_ids[10]], [face_ids[11]]]


@pytest.mark.django_db(transaction=True)
def test_a_collection_of_the_same_name_is_another_one() -> None:
    templates = some_templates(2)
    collection_named()
    remember(templates[:1])
    assert len(search(templates[0])) == 1
    call("DeleteCollection", CollectionId="people")
    collection_named()
    remember(templates[1:])
    assert search(templates[0]) == []
    assert len(search(templates[1])) == 1


# Not yet, and no longer -----------------------------------------------------------------------------------------------


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction, or a savepoint within one, that comes to nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_a_face_that_is_rolled_back_never_matches() -> None:
    collection_named()
    old, new, other = some_templates(3)
    kept = remember(old[np.newaxis])
    assert search(old) == kept
    with rolled_back():
        face_ids = remember(new[np.newaxis])
        assert search(new) == face_ids  # its own transaction sees it
    assert search(new) == []
    # The database gives the sequence and the primary key of the lost face to the next one.
    later = remember(other[np.newaxis])
    assert search(new) == []
    assert search(other) == later


@pytest.mark.django_db(transaction=True)
def test_a_removal_that_is_rolled_back_never_was() -> None:
    collection_named()
    template = some_templates(1)[0]
    face_ids = remember(template[np.newaxis])
    with rolled_back():
        call("DeleteFaces", CollectionId="people", FaceIds=face_ids)
        assert search(template) == []  # also with an index that is opened now
    assert search(template) == face_ids


@pytest.mark.django_db(transaction=True)
def test_a_savepoint_that_is_rolled_back_leaves_the_rest() -> None:
    collection_named()
    first, second = some_templates(2)
    with transaction.atomic():
        kept = remember(first[np.newaxis])
        with rolled_back():
            remember(second[np.newaxis])
            assert len(search(second)) == 1
        assert search(second) == []
        assert search(first) == kept
        assert shared_keys() == set()
    assert search(first) == kept
    assert len(shared_keys()) == 1


@pytest.mark.django_db
def test_nothing_of_an_open_transaction_gets_into_shared_memory() -> None:
    """Django's TestCase holds such a transaction around every test."""
    collection_named()
    template = some_templates(1)[0]
    face_ids = remember(template[np.newaxis])
    assert search(template) == face_ids
    assert shared_keys() == set()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_changed_nothing_fills_shared_memory() -> None:
    collection_named()
    template = some_templates(1)[0]
    remember(template[np.newaxis])
    with transaction.atomic():
        assert len(search(template)) == 1
    assert len(shared_keys()) == 1


# Threads --------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite in memory has one connection: see the processes below."
)
def test_searches_while_faces_come_and_go() -> None:
    collection_named()
    templates = some_templates(400)
    stays = remember(templates[:1])
    wrong: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            if search(templates[0]) != stays:
                wrong.append("the face that stays was missed")
        connections.close_all()

    def change(part: Template) -> None:
        for template in part:
            face_ids = remember(template[np.newaxis])
            if search(template) != face_ids:
                wrong.append("a new face was missed")
            call("DeleteFaces", CollectionId="people", FaceIds=face_ids)
            if search(template):
                wrong.append("a deleted face matched")
        connections.close_all()

    looking = [threading.Thread(target=look) for _ in range(2)]
    changing = [threading.Thread(target=change, args=(part,)) for part in np.array_split(templates[1:61], 3)]
    for thread in looking + changing:
        thread.start()
    for thread in changing:
        thread.join(60)
    done.set()
    for thread in looking:
        thread.join(60)
    assert wrong == []


# Processes ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_one_process_changes_the_others_know_at_once(tmp_path: Path) -> None:
    with workers(str(tmp_path), 2) as (one, other):
        one.call("CreateCollection", CollectionId="people")
        mine = one.call("IndexFaces", CollectionId="people", Image={"Bytes": hopper()}, ExternalImageId="grace")
        face_id = mine["FaceRecords"][0]["Face"]["FaceId"]

        question = {"CollectionId": "people", "Image": {"Bytes": hopper()}}
        assert names_of(other.call("SearchFacesByImage", **question)) == [face_id]

        more = other.call("IndexFaces", CollectionId="people", Image={"Bytes": collins()}, MaxFaces=1)
        hers = more["FaceRecords"][0]["Face"]["FaceId"]
        assert names_of(one.call("SearchFacesByImage", CollectionId="people", Image={"Bytes": collins()})) == [hers]

        assert one.call("DeleteFaces", CollectionId="people", FaceIds=[face_id])["DeletedFaces"] == [face_id]
        assert names_of(other.call("SearchFacesByImage", **question)) == []
        assert names_of(one.call("SearchFacesByImage", **question)) == []


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_in_the_middle_leaves_no_face(tmp_path: Path) -> None:
    with workers(str(tmp_path), 2) as (dies, lives):
        lives.call("CreateCollection", CollectionId="people")
        dies.call("stop_after_writing")
        dies.tell("IndexFaces", CollectionId="people", Image={"Bytes": hopper()})
        assert dies.hear() == {"written": True}  # in its transaction, which is still open
        dies.kill()

        assert lives.call("DescribeCollection", CollectionId="people")["FaceCount"] == 0
        assert lives.call("ListFaces", CollectionId="people")["Faces"] == []
        question = {"CollectionId": "people", "Image": {"Bytes": hopper()}}
        assert lives.call("SearchFacesByImage", **question)["FaceMatches"] == []
        assert len(lives.call("IndexFaces", **question)["FaceRecords"]) == 1  # nothing is locked either
        assert len(lives.call("SearchFacesByImage", **question)["FaceMatches"]) == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_index_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with workers(str(tmp_path), 3) as (first, second, third):
        first.call("CreateCollection", CollectionId="people")
        for round_ in range(10):
            for number, worker in enumerate((first, second)):
                worker.tell("remember", count=5, seed=100 * round_ + number)
            face_ids = first.hear()["face_ids"] + second.hear()["face_ids"]
            for face_id in face_ids:
                found = third.call("SearchFaces", CollectionId="people", FaceId=face_id, FaceMatchThreshold=0)
                assert found["status"] == 200
        assert third.call("DescribeCollection", CollectionId="people")["FaceCount"] == 100
        assert len(found["FaceMatches"]) == 99


@pytest.mark.django_db(transaction=True)
def test_what_can_happen_once_happens_once(tmp_path: Path) -> None:
    with workers(str(tmp_path), 3) as together:

        def all_at_once(operation: str, **parameters: str) -> list[int]:
            for worker in together:
                worker.tell(operation, **parameters)
            return sorted(worker.hear()["status"] for worker in together)

        for number in range(8):
            assert all_at_once("CreateCollection", CollectionId=f"people-{number}") == [200, 400, 400]
            user = {"CollectionId": f"people-{number}", "UserId": "grace"}
            assert all_at_once("CreateUser", **user) == [200, 400, 400]
            token = {**user, "UserId": "eileen", "ClientRequestToken": f"token-{number}"}
            assert all_at_once("CreateUser", **token) == [200, 200, 200]
            assert all_at_once("DeleteUser", **user) == [200, 400, 400]
            assert all_at_once("DeleteCollection", CollectionId=f"people-{number}") == [200, 400, 400]


def test_begin_change_counts_changes_in_order(db: None) -> None:
    collection_named()
    with transaction.atomic():
        assert [begin_change("people").sequence for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Collection.DoesNotExist), transaction.atomic():
        begin_change("strangers")

"""Several processes with one database."""

from pathlib import Path

import pytest

from faceauth.tests.local import names_of, workers
from faceauth.tests.pictures import collins, hopper


@pytest.mark.django_db(transaction=True)
def test_other_processes_see_a_change_at_once(tmp_path: Path) -> None:
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
def test_a_process_killed_in_a_transaction_leaves_no_face(tmp_path: Path) -> None:
    with workers(str(tmp_path), 2) as (dies, lives):
        lives.call("CreateCollection", CollectionId="people")
        dies.call("stop_after_writing")
        dies.send("IndexFaces", CollectionId="people", Image={"Bytes": hopper()})
        assert dies.receive() == {"written": True}  # in its transaction, which is still open
        dies.kill()

        assert lives.call("DescribeCollection", CollectionId="people")["FaceCount"] == 0
        assert lives.call("ListFaces", CollectionId="people")["Faces"] == []
        question = {"CollectionId": "people", "Image": {"Bytes": hopper()}}
        assert lives.call("SearchFacesByImage", **question)["FaceMatches"] == []
        assert len(lives.call("IndexFaces", **question)["FaceRecords"]) == 1  # nothing is locked either
        assert len(lives.call("SearchFacesByImage", **question)["FaceMatches"]) == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_index_at_the_same_time_lose_no_face(tmp_path: Path) -> None:
    with workers(str(tmp_path), 3) as (first, second, third):
        first.call("CreateCollection", CollectionId="people")
        for round_ in range(10):
            for number, worker in enumerate((first, second)):
                worker.send("add_faces", count=5, seed=100 * round_ + number)
            face_ids = first.receive()["face_ids"] + second.receive()["face_ids"]
            for face_id in face_ids:
                found = third.call("SearchFaces", CollectionId="people", FaceId=face_id, FaceMatchThreshold=0)
                assert found["status"] == 200
        assert third.call("DescribeCollection", CollectionId="people")["FaceCount"] == 100
        assert len(found["FaceMatches"]) == 99


@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_creations_and_deletions_one_succeeds(tmp_path: Path) -> None:
    with workers(str(tmp_path), 3) as together:

        def all_at_once(operation: str, **parameters: str) -> list[int]:
            for worker in together:
                worker.send(operation, **parameters)
            return sorted(worker.receive()["status"] for worker in together)

        for number in range(8):
            assert all_at_once("CreateCollection", CollectionId=f"people-{number}") == [200, 400, 400]
            user = {"CollectionId": f"people-{number}", "UserId": "grace"}
            assert all_at_once("CreateUser", **user) == [200, 400, 400]
            token = {**user, "UserId": "eileen", "ClientRequestToken": f"token-{number}"}
            assert all_at_once("CreateUser", **token) == [200, 200, 200]
            assert all_at_once("DeleteUser", **user) == [200, 400, 400]
            assert all_at_once("DeleteCollection", CollectionId=f"people-{number}") == [200, 400, 400]

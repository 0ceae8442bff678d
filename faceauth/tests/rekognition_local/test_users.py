"""Users: their life, faces and searches."""

import uuid
from typing import Any

import pytest

from faceauth.tests.local_endpoints import index, picture, refused
from faceauth.tests.pictures import (
    another,
    collins,
    hopper,
    side_by_side,
)

pytestmark = pytest.mark.django_db(transaction=True)  # for the half that runs in this process


def test_a_user_from_creation_to_end(client: Any, people: str) -> None:
    client.create_user(CollectionId=people, UserId="grace")
    assert client.list_users(CollectionId=people)["Users"] == [{"UserId": "grace", "UserStatus": "CREATED"}]
    assert client.describe_collection(CollectionId=people)["UserCount"] == 1
    refused("ConflictException", client.create_user, CollectionId=people, UserId="grace")
    (first,) = index(client, people, hopper())
    (second,) = index(client, people, another(hopper()))
    answer = client.associate_faces(CollectionId=people, UserId="grace", FaceIds=[first, second])
    assert answer["AssociatedFaces"] == [{"FaceId": first}, {"FaceId": second}]
    assert (answer["UnsuccessfulFaceAssociations"], answer["UserStatus"]) == ([], "ACTIVE")

    found = client.search_users_by_image(CollectionId=people, Image=picture(hopper()))
    assert [match["User"] for match in found["UserMatches"]] == [{"UserId": "grace", "UserStatus": "ACTIVE"}]
    assert found["SearchedFace"]["FaceDetail"]["Confidence"] > 80
    assert {face["UserId"] for face in client.list_faces(CollectionId=people, UserId="grace")["Faces"]} == {"grace"}
    by_face = client.search_users(CollectionId=people, FaceId=first)
    assert by_face["SearchedFace"] == {"FaceId": first}
    assert by_face["UserMatches"][0]["User"]["UserId"] == "grace"

    kept = client.delete_faces(CollectionId=people, FaceIds=[first])
    assert kept["UnsuccessfulFaceDeletions"] == [
        {"FaceId": first, "UserId": "grace", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}
    ]
    client.delete_user(CollectionId=people, UserId="grace")
    assert client.list_users(CollectionId=people)["Users"] == []
    assert client.search_users_by_image(CollectionId=people, Image=picture(hopper()))["UserMatches"] == []
    assert client.delete_faces(CollectionId=people, FaceIds=[first])["DeletedFaces"] == [first]
    for call in (client.delete_user, client.search_users):
        refused("ResourceNotFoundException", call, CollectionId=people, UserId="grace")


def test_faces_of_another_user_are_not_associated(client: Any, people: str) -> None:
    for user in ("grace", "eileen"):
        client.create_user(CollectionId=people, UserId=user)
    (grace,) = index(client, people, hopper())
    (eileen,) = index(client, people, collins())
    unknown = str(uuid.uuid4())
    client.associate_faces(CollectionId=people, UserId="grace", FaceIds=[grace])
    again = client.associate_faces(CollectionId=people, UserId="grace", FaceIds=[grace])
    assert (again["AssociatedFaces"], again["UnsuccessfulFaceAssociations"]) == ([], [])

    mixed = client.associate_faces(CollectionId=people, UserId="grace", FaceIds=[eileen, unknown])
    missing, unlike = mixed["UnsuccessfulFaceAssociations"]
    assert (unlike["FaceId"], unlike["Reasons"]) == (eileen, ["LOW_MATCH_CONFIDENCE"])
    assert unlike["Confidence"] < 75
    assert missing == {"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]}
    anyway = client.associate_faces(CollectionId=people, UserId="grace", FaceIds=[eileen], UserMatchThreshold=0)
    assert anyway["AssociatedFaces"] == [{"FaceId": eileen}]

    taken = client.associate_faces(CollectionId=people, UserId="eileen", FaceIds=[eileen])
    not_hers = {"FaceId": eileen, "UserId": "grace", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
    assert taken["UnsuccessfulFaceAssociations"] == [not_hers]
    assert taken["UserStatus"] == "CREATED"
    released = client.disassociate_faces(CollectionId=people, UserId="eileen", FaceIds=[eileen, unknown])
    assert released["DisassociatedFaces"] == []
    assert released["UnsuccessfulFaceDisassociations"] == [not_hers, {"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]}]

    released = client.disassociate_faces(CollectionId=people, UserId="grace", FaceIds=[grace, eileen])
    assert released["DisassociatedFaces"] == [{"FaceId": grace}, {"FaceId": eileen}]
    assert released["UserStatus"] == "CREATED"
    nothing = client.disassociate_faces(CollectionId=people, UserId="grace", FaceIds=[grace])
    assert (nothing["DisassociatedFaces"], nothing["UnsuccessfulFaceDisassociations"]) == ([], [])
    assert client.search_users_by_image(CollectionId=people, Image=picture(hopper()))["UserMatches"] == []
    for call in (client.associate_faces, client.disassociate_faces):
        refused("ResourceNotFoundException", call, CollectionId=people, UserId="nobody", FaceIds=[grace])


def test_users_are_found_by_user_and_listed_in_order(client: Any, people: str) -> None:
    for user, data in (("grace", hopper()), ("double", another(hopper())), ("eileen", collins())):
        client.create_user(CollectionId=people, UserId=user)
        client.associate_faces(CollectionId=people, UserId=user, FaceIds=index(client, people, data))
    found = client.search_users(CollectionId=people, UserId="grace", UserMatchThreshold=0)
    assert found["SearchedUser"] == {"UserId": "grace"}
    assert [match["User"]["UserId"] for match in found["UserMatches"]] == ["double", "eileen"]
    near = client.search_users_by_image(
        CollectionId=people, Image=picture(side_by_side(hopper(), collins())), MaxUsers=1, UserMatchThreshold=0
    )
    assert len(near["UserMatches"]) == 1
    assert [face["Reasons"] for face in near["UnsearchedFaces"]] == [["FACE_NOT_LARGEST"]]
    for either_or in ({}, {"UserId": "grace", "FaceId": str(uuid.uuid4())}):
        refused("InvalidParameterException", client.search_users, CollectionId=people, **either_or)
    pages = [client.list_users(CollectionId=people, MaxResults=2)]
    pages.append(client.list_users(CollectionId=people, MaxResults=2, NextToken=pages[0]["NextToken"]))
    assert [user["UserId"] for page in pages for user in page["Users"]] == ["grace", "double", "eileen"]


def test_a_request_with_the_same_token_is_done_once(client: Any, people: str) -> None:
    token = str(uuid.uuid4())
    for _ in range(2):
        client.create_user(CollectionId=people, UserId="grace", ClientRequestToken=token)
    refused(
        "IdempotentParameterMismatchException",
        client.create_user,
        CollectionId=people,
        UserId="eileen",
        ClientRequestToken=token,
    )
    face_ids = index(client, people, hopper())
    association = {"CollectionId": people, "UserId": "grace", "FaceIds": face_ids, "ClientRequestToken": token}
    answers = [client.associate_faces(**association) for _ in range(2)]
    assert answers[0]["AssociatedFaces"] == answers[1]["AssociatedFaces"] == [{"FaceId": face_ids[0]}]
    client.delete_user(CollectionId=people, UserId="grace", ClientRequestToken=token)
    client.delete_user(CollectionId=people, UserId="grace", ClientRequestToken=token)
    refused("ResourceNotFoundException", client.delete_user, CollectionId=people, UserId="grace")
    failed = {"CollectionId": people, "UserId": "later", "ClientRequestToken": str(uuid.uuid4())}
    refused("ResourceNotFoundException", client.delete_user, **failed)
    client.create_user(CollectionId=people, UserId="later")
    client.delete_user(**failed)  # what failed has not been done, and is done now

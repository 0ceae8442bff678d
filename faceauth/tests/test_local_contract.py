"""What Rekognition promises, kept in this process and over HTTP alike.

Every answer and every error is checked against botocore's service model on its way; see aws_model.py.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from faceauth.local.service import OPERATIONS
from faceauth.tests.local_endpoints import Endpoint, in_process, over_http, serving
from faceauth.tests.pictures import (
    another,
    blurred,
    claims,
    collins,
    darkened,
    encoded,
    hopper,
    landscape,
    opened,
    side_by_side,
)

pytestmark = pytest.mark.django_db(transaction=True)  # for the half that runs in this process


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rekognition")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[str]:
    with serving(str(home)) as url:
        yield url


@pytest.fixture(params=["in this process", "over HTTP"])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    if request.param == "over HTTP":
        return over_http(request.getfixturevalue("server"))
    return in_process()


@pytest.fixture
def client(endpoint: Endpoint) -> Any:
    return endpoint.client


@pytest.fixture
def people(client: Any) -> str:
    """An empty collection."""
    name = f"people-{uuid.uuid4()}"
    client.create_collection(CollectionId=name)
    return name


def tiny(data: bytes) -> bytes:
    return encoded(opened(data).resize((94, 110)))


NOBODYS = "00000000-0000-0000-0000-000000000000"


def picture(data: bytes) -> dict[str, bytes]:
    return {"Bytes": data}


def index(client: Any, collection: str, data: bytes, **parameters: Any) -> list[str]:
    answer = client.index_faces(CollectionId=collection, Image=picture(data), **parameters)
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def refused(code: str, call: Any, **parameters: Any) -> str:
    """The message with which `call` is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


# Collections ----------------------------------------------------------------------------------------------------------


def test_a_collection_from_its_creation_to_its_end(client: Any) -> None:
    name = f"a.b_c-{uuid.uuid4()}"
    made = client.create_collection(CollectionId=name, Tags={"für": "Ähre 1/2 +-=:@", "empty": ""})
    assert made["StatusCode"] == 200
    assert made["CollectionArn"].startswith("arn:aws:rekognition:")
    assert made["CollectionArn"].endswith(f":collection/{name}")
    assert name in refused("ResourceAlreadyExistsException", client.create_collection, CollectionId=name)

    described = client.describe_collection(CollectionId=name)
    assert described["CollectionARN"] == made["CollectionArn"]
    assert (described["FaceCount"], described["UserCount"]) == (0, 0)
    assert described["FaceModelVersion"] == made["FaceModelVersion"]
    assert described["CreationTimestamp"].year >= 2025

    client.create_collection(CollectionId=name.upper())  # ids are case-sensitive
    assert client.delete_collection(CollectionId=name)["StatusCode"] == 200
    for call in (client.describe_collection, client.delete_collection, client.list_faces, client.list_users):
        assert name in refused("ResourceNotFoundException", call, CollectionId=name)
    client.describe_collection(CollectionId=name.upper())


def test_collections_are_listed_in_pages(client: Any) -> None:
    names = [f"page-{uuid.uuid4()}" for _ in range(5)]
    for name in names:
        client.create_collection(CollectionId=name)
    pages = list(client.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 2}))
    listed = [name for page in pages for name in page["CollectionIds"]]
    assert [name for name in listed if name in names] == names
    assert all(len(page["CollectionIds"]) == len(page["FaceModelVersions"]) <= 2 for page in pages)
    assert set(names) <= set(client.list_collections(MaxResults=0)["CollectionIds"])


def test_a_token_is_good_for_its_own_list_only(client: Any, people: str) -> None:
    index(client, people, hopper())
    index(client, people, collins())
    token = client.list_faces(CollectionId=people, MaxResults=1)["NextToken"]
    other = f"other-{uuid.uuid4()}"
    client.create_collection(CollectionId=other)
    for call, parameters in (
        (client.list_collections, {}),
        (client.list_faces, {"CollectionId": other}),
        (client.list_faces, {"CollectionId": people, "UserId": "somebody"}),
        (client.list_users, {"CollectionId": people}),
    ):
        refused("InvalidPaginationTokenException", call, NextToken=token, **parameters)
    for wrong in ("", "x", "ä", token[:-4] + "AAAA", token + "AAAA"):
        refused("InvalidPaginationTokenException", client.list_faces, CollectionId=people, NextToken=wrong)
    refused("InvalidParameterException", client.list_faces, CollectionId=people, NextToken="x" * 256)
    assert len(client.list_faces(CollectionId=people, MaxResults=1, NextToken=token)["Faces"]) == 1


# Faces ----------------------------------------------------------------------------------------------------------------


def test_a_face_is_remembered_found_and_forgotten(client: Any, people: str) -> None:
    answer = client.index_faces(CollectionId=people, Image=picture(hopper()), ExternalImageId="grace:1.jpg")
    (record,) = answer["FaceRecords"]
    assert answer["UnindexedFaces"] == []
    assert "OrientationCorrection" not in answer
    face = record["Face"]
    assert face["ExternalImageId"] == "grace:1.jpg"
    assert face["BoundingBox"] == record["FaceDetail"]["BoundingBox"]
    assert {mark["Type"] for mark in record["FaceDetail"]["Landmarks"]} == {
        "eyeLeft",
        "eyeRight",
        "nose",
        "mouthLeft",
        "mouthRight",
    }
    assert index(client, people, collins(), ExternalImageId="eileen") != [face["FaceId"]]

    found = client.search_faces_by_image(CollectionId=people, Image=picture(another(hopper())))
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [face["FaceId"]]
    assert found["FaceMatches"][0]["Face"]["ExternalImageId"] == "grace:1.jpg"
    assert found["FaceMatches"][0]["Similarity"] > 90
    assert found["SearchedFaceConfidence"] > 80

    everybody = client.search_faces_by_image(CollectionId=people, Image=picture(hopper()), FaceMatchThreshold=0)
    similarities = [match["Similarity"] for match in everybody["FaceMatches"]]
    assert len(similarities) == 2
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] == pytest.approx(100, abs=0.01)
    one = client.search_faces_by_image(CollectionId=people, Image=picture(hopper()), FaceMatchThreshold=0, MaxFaces=1)
    assert [match["Face"]["FaceId"] for match in one["FaceMatches"]] == [face["FaceId"]]

    assert client.describe_collection(CollectionId=people)["FaceCount"] == 2
    unknown = str(uuid.uuid4())
    gone = client.delete_faces(CollectionId=people, FaceIds=[face["FaceId"], unknown, face["FaceId"]])
    assert gone["DeletedFaces"] == [face["FaceId"]]
    assert gone["UnsuccessfulFaceDeletions"] == [{"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]}]
    again = client.delete_faces(CollectionId=people, FaceIds=[face["FaceId"]])
    assert again.get("DeletedFaces", []) == []
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 1
    assert client.search_faces_by_image(CollectionId=people, Image=picture(hopper()))["FaceMatches"] == []


def test_the_threshold_is_80_where_none_is_given(client: Any, people: str) -> None:
    index(client, people, hopper())
    alike = client.search_faces_by_image(CollectionId=people, Image=picture(collins()), FaceMatchThreshold=0)
    assert alike["FaceMatches"][0]["Similarity"] < 80
    assert client.search_faces_by_image(CollectionId=people, Image=picture(collins()))["FaceMatches"] == []


def test_a_threshold_lets_in_what_reaches_it(client: Any, people: str) -> None:
    index(client, people, hopper())
    question = {"CollectionId": people, "Image": picture(another(hopper()))}
    (match,) = client.search_faces_by_image(**question)["FaceMatches"]
    assert match["Similarity"] < 100
    exactly = client.search_faces_by_image(**question, FaceMatchThreshold=match["Similarity"])
    assert len(exactly["FaceMatches"]) == 1
    assert client.search_faces_by_image(**question, FaceMatchThreshold=100)["FaceMatches"] == []


def test_search_by_face_leaves_that_face_out(client: Any, people: str) -> None:
    (first,) = index(client, people, hopper())
    (second,) = index(client, people, another(hopper()))
    answer = client.search_faces(CollectionId=people, FaceId=first)
    assert answer["SearchedFaceId"] == first
    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [second]
    all_but_one = client.search_faces(CollectionId=people, FaceId=first, FaceMatchThreshold=0, MaxFaces=1)
    assert [match["Face"]["FaceId"] for match in all_but_one["FaceMatches"]] == [second]
    refused("InvalidParameterException", client.search_faces, CollectionId=people, FaceId=str(uuid.uuid4()))


def test_the_same_picture_under_the_same_id_is_remembered_once(client: Any, people: str) -> None:
    first = client.index_faces(CollectionId=people, Image=picture(hopper()), ExternalImageId="grace")
    again = client.index_faces(CollectionId=people, Image=picture(hopper()), ExternalImageId="grace")
    assert [record["Face"] for record in again["FaceRecords"]] == [record["Face"] for record in first["FaceRecords"]]
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 1
    (other,) = index(client, people, hopper(), ExternalImageId="another")
    assert other != first["FaceRecords"][0]["Face"]["FaceId"]
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 2


def test_a_bystander_is_remembered_too_unless_one_face_is_asked_for(client: Any, people: str) -> None:
    both = side_by_side(hopper(), collins())
    one = client.index_faces(CollectionId=people, Image=picture(both), MaxFaces=1)
    assert len(one["FaceRecords"]) == 1
    assert [face["Reasons"] for face in one["UnindexedFaces"]] == [["EXCEEDS_MAX_FACES"]]
    largest = one["FaceRecords"][0]["Face"]["BoundingBox"]
    left_out = one["UnindexedFaces"][0]["FaceDetail"]["BoundingBox"]
    assert largest["Width"] * largest["Height"] >= left_out["Width"] * left_out["Height"]
    everybody = client.index_faces(CollectionId=people, Image=picture(both), ExternalImageId="both")
    assert len(everybody["FaceRecords"]) == 2
    assert {record["Face"]["ExternalImageId"] for record in everybody["FaceRecords"]} == {"both"}


@pytest.mark.parametrize(
    ("spoil", "reason"), [(tiny, "SMALL_BOUNDING_BOX"), (blurred, "LOW_SHARPNESS"), (darkened, "LOW_BRIGHTNESS")]
)
def test_a_poor_face_is_not_indexed_but_told_of(client: Any, people: str, spoil: Any, reason: str) -> None:
    poor = spoil(hopper())
    answer = client.index_faces(CollectionId=people, Image=picture(poor))
    assert answer["FaceRecords"] == []
    assert reason in answer["UnindexedFaces"][0]["Reasons"]
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 0
    assert len(index(client, people, poor, QualityFilter="NONE")) == 1


def test_nobody_in_the_picture(client: Any, people: str) -> None:
    nobody = picture(landscape())
    assert client.detect_faces(Image=nobody)["FaceDetails"] == []
    answer = client.index_faces(CollectionId=people, Image=nobody)
    assert (answer["FaceRecords"], answer["UnindexedFaces"]) == ([], [])
    message = refused("InvalidParameterException", client.search_faces_by_image, CollectionId=people, Image=nobody)
    assert message == "There are no faces in the image. Should be at least 1."
    users = client.search_users_by_image(CollectionId=people, Image=nobody)
    assert users["UserMatches"] == []
    assert "SearchedFace" not in users
    for source, target in ((nobody, picture(hopper())), (picture(hopper()), nobody)):
        refused("InvalidParameterException", client.compare_faces, SourceImage=source, TargetImage=target)


def test_faces_are_listed_in_pages_and_by_id(client: Any, people: str) -> None:
    face_ids = index(client, people, hopper()) + index(client, people, collins())
    face_ids += index(client, people, another(hopper()))
    pages = list(client.get_paginator("list_faces").paginate(CollectionId=people, PaginationConfig={"PageSize": 2}))
    assert [[face["FaceId"] for face in page["Faces"]] for page in pages] == [face_ids[:2], face_ids[2:]]
    some = client.list_faces(CollectionId=people, FaceIds=[face_ids[2], str(uuid.uuid4())])
    assert [face["FaceId"] for face in some["Faces"]] == face_ids[2:]
    assert "ExternalImageId" not in some["Faces"][0]
    assert client.list_faces(CollectionId=people, UserId="nobody")["Faces"] == []


def test_detect_and_compare(client: Any) -> None:
    both = side_by_side(hopper(), collins())
    details = client.detect_faces(Image=picture(both), Attributes=["DEFAULT"])["FaceDetails"]
    assert len(details) == 2
    assert set(details[0]) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    compared = client.compare_faces(SourceImage=picture(hopper()), TargetImage=picture(both))
    assert len(compared["FaceMatches"]) == len(compared["UnmatchedFaces"]) == 1
    assert compared["FaceMatches"][0]["Face"]["BoundingBox"]["Left"] < 0.5
    assert compared["UnmatchedFaces"][0]["BoundingBox"]["Left"] > 0.4
    anybody = client.compare_faces(
        SourceImage=picture(hopper()), TargetImage=picture(both), SimilarityThreshold=0, QualityFilter="LOW"
    )
    assert len(anybody["FaceMatches"]) == 2


def test_a_picture_lies_as_its_exif_says_in_jpeg_alone(client: Any) -> None:
    turned = opened(hopper()).rotate(90, expand=True)
    exif = turned.getexif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise to look at it
    jpeg, png = (encoded(turned, kind, exif=exif) for kind in ("JPEG", "PNG"))
    box = client.detect_faces(Image=picture(hopper()))["FaceDetails"][0]["BoundingBox"]
    upright = client.detect_faces(Image=picture(jpeg))["FaceDetails"][0]["BoundingBox"]
    assert upright["Left"] == pytest.approx(box["Left"], abs=0.05)
    assert upright["Top"] == pytest.approx(box["Top"], abs=0.05)
    for lying in client.detect_faces(Image=picture(png))["FaceDetails"]:
        assert lying["BoundingBox"]["Left"] != pytest.approx(box["Left"], abs=0.05)


# Users ----------------------------------------------------------------------------------------------------------------


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


def test_whose_face_it_is_decides_what_may_be_associated(client: Any, people: str) -> None:
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


def test_users_alike_each_other_and_in_order(client: Any, people: str) -> None:
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


def test_a_request_token_counts_once(client: Any, people: str) -> None:
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


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("ImageTooLargeException", lambda: b"\xff\xd8" + bytes(5_242_879)),
        ("InvalidImageFormatException", lambda: b"GIF89a" + bytes(500)),
        ("InvalidImageFormatException", lambda: hopper()[:3000]),
        ("InvalidImageFormatException", lambda: encoded(opened(hopper()), "WEBP")),
        ("InvalidParameterException", lambda: encoded(opened(hopper()).resize((79, 200)))),
        ("ImageTooLargeException", lambda: claims(60_000, 60_000)),
    ],
    ids=["too many bytes", "a gif", "cut off", "webp", "under 80 px", "a bomb"],
)
def test_a_picture_that_cannot_be_used(client: Any, people: str, code: str, data: Any) -> None:
    image = picture(data())
    refused(code, client.detect_faces, Image=image)
    refused(code, client.index_faces, CollectionId=people, Image=image)
    refused(code, client.search_faces_by_image, CollectionId=people, Image=image)
    refused(code, client.search_users_by_image, CollectionId=people, Image=image)
    refused(code, client.compare_faces, SourceImage=picture(hopper()), TargetImage=image)
    assert len(index(client, people, hopper())) == 1  # the service goes on


def test_what_this_service_cannot_know_is_refused(client: Any, people: str) -> None:
    in_s3 = {"S3Object": {"Bucket": "bucket", "Name": "grace.jpg"}}
    assert "S3" in refused("InvalidS3ObjectException", client.detect_faces, Image=in_s3)
    refused("InvalidS3ObjectException", client.search_faces_by_image, CollectionId=people, Image=in_s3)
    for attributes in (["ALL"], ["DEFAULT", "EMOTIONS"]):
        for call, more in (
            (client.detect_faces, {"Attributes": attributes}),
            (client.index_faces, {"CollectionId": people, "DetectionAttributes": attributes}),
        ):
            message = refused("AccessDeniedException", call, Image=picture(hopper()), **more)
            assert attributes[-1] in message
    assert "DetectLabels" in refused("AccessDeniedException", client.detect_labels, Image=picture(hopper()))
    for image in ({}, picture(hopper()) | in_s3):
        refused("InvalidParameterException", client.detect_faces, Image=image)


def sent(endpoint: Endpoint, operation: str, parameters: Any) -> tuple[int, dict[str, Any]]:
    """What the raw request is answered with; botocore's own checks are left out."""
    body = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
    status, _, answered = endpoint.send(f"RekognitionService.{operation}", body)
    assert b"Traceback" not in answered
    return status, json.loads(answered)


@pytest.mark.parametrize(
    ("operation", "parameters", "path"),
    [
        ("CreateCollection", {}, "collectionId"),
        ("CreateCollection", {"CollectionId": None}, "collectionId"),
        ("CreateCollection", {"CollectionId": ""}, "collectionId"),
        ("CreateCollection", {"CollectionId": "a b"}, "collectionId"),
        ("CreateCollection", {"CollectionId": "a\n"}, "collectionId"),
        ("CreateCollection", {"CollectionId": "ä"}, "collectionId"),
        ("CreateCollection", {"CollectionId": "x" * 256}, "collectionId"),
        ("CreateCollection", {"CollectionId": "x", "Tags": {"aws:mine": ""}}, "tags.key"),
        ("CreateCollection", {"CollectionId": "x", "Tags": {"a": "b;"}}, "tags.value"),
        ("CreateCollection", {"CollectionId": "x", "Tags": {str(n): "" for n in range(201)}}, "tags"),
        ("IndexFaces", {"CollectionId": "x", "Image": {"Bytes": ""}}, "image.bytes"),
        ("IndexFaces", {"CollectionId": "x", "Image": {"Bytes": "eA=="}, "MaxFaces": 0}, "maxFaces"),
        ("IndexFaces", {"CollectionId": "x", "Image": {"Bytes": "eA=="}, "ExternalImageId": "a/b"}, "externalImageId"),
        ("IndexFaces", {"CollectionId": "x", "Image": {"Bytes": "eA=="}, "QualityFilter": "auto"}, "qualityFilter"),
        ("DetectFaces", {"Image": {"Bytes": "eA=="}, "Attributes": ["SMELL"]}, "attributes.1.member"),
        ("SearchFacesByImage", {"CollectionId": "x", "Image": {"Bytes": "eA=="}, "MaxFaces": 4097}, "maxFaces"),
        ("SearchFaces", {"CollectionId": "x", "FaceId": "0", "FaceMatchThreshold": 50}, "faceId"),
        ("SearchFaces", {"CollectionId": "x", "FaceId": str(uuid.uuid4()).upper()}, "faceId"),
        (
            "SearchFaces",
            {"CollectionId": "x", "FaceId": NOBODYS, "FaceMatchThreshold": 100.1},
            "Threshold",
        ),
        ("SearchFaces", {"CollectionId": "x", "FaceId": NOBODYS, "FaceMatchThreshold": -1}, "Threshold"),
        ("DeleteFaces", {"CollectionId": "x", "FaceIds": []}, "faceIds"),
        ("DeleteFaces", {"CollectionId": "x", "FaceIds": [NOBODYS] * 4097}, "faceIds"),
        ("ListFaces", {"CollectionId": "x", "MaxResults": 4097}, "maxResults"),
        ("ListUsers", {"CollectionId": "x", "MaxResults": 0}, "maxResults"),
        ("CreateUser", {"CollectionId": "x", "UserId": "x" * 129}, "userId"),
        ("CreateUser", {"CollectionId": "x", "UserId": "x", "ClientRequestToken": "a b"}, "clientRequestToken"),
        ("AssociateFaces", {"CollectionId": "x", "UserId": "x", "FaceIds": [NOBODYS] * 101}, "faceIds"),
        ("SearchUsersByImage", {"CollectionId": "x", "Image": {"Bytes": "eA=="}, "MaxUsers": 501}, "maxUsers"),
        ("ListCollections", {"MaxResult": 5}, "MaxResult"),
    ],
)
def test_the_service_checks_what_a_client_may_not(
    endpoint: Endpoint, operation: str, parameters: dict[str, Any], path: str
) -> None:
    status, answer = sent(endpoint, operation, parameters)
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert path in answer["Message"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"CollectionId": 5}',
        b'{"CollectionId": "x", "MaxResults": "5"}',
        b'{"CollectionId": "x", "MaxResults": 1.5}',
        b'{"CollectionId": "x", "MaxResults": true}',
        b'{"CollectionId": "x", "MaxResults": NaN}',
        b'{"CollectionId": "x", "MaxResults": ' + b"9" * 5000 + b"}",
        b'{"CollectionId": "x", "FaceIds": "x"}',
        b"[" * 100_000,
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_a_body_that_cannot_be_read(endpoint: Endpoint, body: bytes) -> None:
    status, answer = sent(endpoint, "ListFaces", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize("body", [b'{"Image": {"Bytes": "%%%"}}', b'{"Image": {"Bytes": 5}}', b'{"Image": "x"}'])
def test_a_picture_that_is_not_base64(endpoint: Endpoint, body: bytes) -> None:
    status, answer = sent(endpoint, "DetectFaces", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    "target", ["", "RekognitionService.", "RekognitionService.Nothing", "DynamoDB_20120810.ListTables", "x" * 3000]
)
def test_an_unknown_operation(endpoint: Endpoint, target: str) -> None:
    status, _, body = endpoint.send(target, b"{}")
    assert (status, json.loads(body)["__type"]) == (400, "UnknownOperationException")


def test_every_collection_operation_of_the_model_is_there() -> None:
    assert set(OPERATIONS) == {
        *("CreateCollection", "DescribeCollection", "ListCollections", "DeleteCollection"),
        *("IndexFaces", "ListFaces", "DeleteFaces", "SearchFaces", "SearchFacesByImage", "DetectFaces", "CompareFaces"),
        *("CreateUser", "ListUsers", "DeleteUser", "AssociateFaces", "DisassociateFaces"),
        *("SearchUsers", "SearchUsersByImage"),
    }


def test_no_picture_and_no_template_is_in_the_log(server: str, home: Path) -> None:
    client = over_http(server).client
    refused("InvalidImageFormatException", client.detect_faces, Image=picture(b"a picture of grace hopper"))
    written = (home / "server.log").read_text()
    assert "grace" not in written
    assert "Traceback" not in written

"""Requests that are refused, and what the service can do."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from faceauth.local.service import OPERATIONS
from faceauth.tests.local_endpoints import Endpoint, index, over_http, picture, refused
from faceauth.tests.pictures import (
    claims,
    encoded,
    hopper,
    opened,
)

pytestmark = pytest.mark.django_db(transaction=True)  # for the half that runs in this process


NO_FACE_ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("ValidationException", lambda: b"\xff\xd8" + bytes(5_242_879)),
        ("InvalidImageFormatException", lambda: b"GIF89a" + bytes(500)),
        ("InvalidImageFormatException", lambda: hopper()[:3000]),
        ("InvalidImageFormatException", lambda: encoded(opened(hopper()), "WEBP")),
        ("InvalidParameterException", lambda: encoded(opened(hopper()).resize((79, 200)))),
        ("ImageTooLargeException", lambda: claims(60_000, 60_000)),
        ("ImageTooLargeException", lambda: encoded(Image.new("RGB", (10_001, 80)), "PNG")),
    ],
    ids=["too many bytes", "a gif", "cut off", "webp", "under 80 px", "a bomb", "over 10,000 px"],
)
def test_a_picture_that_cannot_be_used(client: Any, people: str, code: str, data: Any) -> None:
    image = picture(data())
    refused(code, client.detect_faces, Image=image)
    refused(code, client.index_faces, CollectionId=people, Image=image)
    refused(code, client.search_faces_by_image, CollectionId=people, Image=image)
    refused(code, client.search_users_by_image, CollectionId=people, Image=image)
    refused(code, client.compare_faces, SourceImage=picture(hopper()), TargetImage=image)
    assert len(index(client, people, hopper())) == 1  # the service goes on


def test_attributes_that_are_not_measured_are_left_out(client: Any, people: str) -> None:
    """AWS's samples ask for ALL. Nothing is invented: what is not measured is not there."""
    for attributes in (["ALL"], ["DEFAULT", "EMOTIONS"], ["AGE_RANGE"]):
        (detail,) = client.detect_faces(Image=picture(hopper()), Attributes=attributes)["FaceDetails"]
        assert set(detail) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    indexed = client.index_faces(CollectionId=people, Image=picture(hopper()), DetectionAttributes=["ALL"])
    assert len(indexed["FaceRecords"]) == 1


def test_a_picture_in_s3_without_an_s3_is_refused(client: Any, people: str) -> None:
    in_s3 = {"S3Object": {"Bucket": "bucket", "Name": "grace.jpg"}}
    assert "--s3" in refused("InvalidS3ObjectException", client.detect_faces, Image=in_s3)
    refused("InvalidS3ObjectException", client.search_faces_by_image, CollectionId=people, Image=in_s3)
    for image in ({}, picture(hopper()) | in_s3):
        refused("InvalidParameterException", client.detect_faces, Image=image)


def test_other_operations_of_rekognition_are_not_implemented(endpoint: Endpoint) -> None:
    """The code does not say that a permission is missing."""
    body = json.dumps({"Image": {"Bytes": ""}}).encode()
    status, _, answered = endpoint.send("RekognitionService.DetectLabels", body)
    assert (status, json.loads(answered)["__type"]) == (501, "NotImplementedException")
    assert "DetectLabels" in json.loads(answered)["Message"]


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
            {"CollectionId": "x", "FaceId": NO_FACE_ID, "FaceMatchThreshold": 100.1},
            "Threshold",
        ),
        ("SearchFaces", {"CollectionId": "x", "FaceId": NO_FACE_ID, "FaceMatchThreshold": -1}, "Threshold"),
        ("DeleteFaces", {"CollectionId": "x", "FaceIds": []}, "faceIds"),
        ("DeleteFaces", {"CollectionId": "x", "FaceIds": [NO_FACE_ID] * 4097}, "faceIds"),
        ("ListFaces", {"CollectionId": "x", "MaxResults": 4097}, "maxResults"),
        ("ListUsers", {"CollectionId": "x", "MaxResults": 0}, "maxResults"),
        ("CreateUser", {"CollectionId": "x", "UserId": "x" * 129}, "userId"),
        ("CreateUser", {"CollectionId": "x", "UserId": "x", "ClientRequestToken": "a b"}, "clientRequestToken"),
        ("AssociateFaces", {"CollectionId": "x", "UserId": "x", "FaceIds": [NO_FACE_ID] * 101}, "faceIds"),
        ("SearchUsersByImage", {"CollectionId": "x", "Image": {"Bytes": "eA=="}, "MaxUsers": 501}, "maxUsers"),
        ("ListCollections", {"MaxResult": 5}, "MaxResult"),
    ],
)
def test_the_service_checks_every_constraint_itself(
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


def test_every_operation_on_faces_of_the_model_is_there() -> None:
    assert set(OPERATIONS) == {
        *("CreateCollection", "DescribeCollection", "ListCollections", "DeleteCollection"),
        *("IndexFaces", "ListFaces", "DeleteFaces", "SearchFaces", "SearchFacesByImage", "DetectFaces", "CompareFaces"),
        *("CreateUser", "ListUsers", "DeleteUser", "AssociateFaces", "DisassociateFaces"),
        *("SearchUsers", "SearchUsersByImage"),
        *("ListTagsForResource", "TagResource", "UntagResource"),
        *("CreateFaceLivenessSession", "GetFaceLivenessSessionResults"),
    }


def test_the_log_has_no_picture(server: str, home: Path) -> None:
    client = over_http(server).client
    refused("InvalidImageFormatException", client.detect_faces, Image=picture(b"a picture of grace hopper"))
    written = (home / "server.log").read_text()
    assert "grace" not in written
    assert "Traceback" not in written

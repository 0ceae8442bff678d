"""Collections: their life, lists and tags."""

import uuid
from typing import Any

import pytest

from faceauth.tests.local_endpoints import index, picture, refused
from faceauth.tests.pictures import (
    collins,
    hopper,
)

pytestmark = pytest.mark.django_db(transaction=True)  # for the half that runs in this process


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


def test_a_token_is_valid_for_its_own_list_only(client: Any, people: str) -> None:
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


def test_versions_and_arns_are_named_as_by_aws(client: Any, people: str) -> None:
    described = client.describe_collection(CollectionId=people)
    assert described["FaceModelVersion"] == "7.0"
    assert described["CollectionARN"] == f"arn:aws:rekognition:eu-central-1:000000000000:collection/{people}"
    indexed = client.index_faces(CollectionId=people, Image=picture(hopper()))
    assert indexed["FaceModelVersion"] == "7.0"
    assert client.list_faces(CollectionId=people)["Faces"][0]["IndexFacesModelVersion"] == "7.0"
    assert set(client.list_collections()["FaceModelVersions"]) == {"7.0"}


def test_tags_of_a_collection(client: Any) -> None:
    """What Terraform calls for its resource."""
    name = f"tagged-{uuid.uuid4()}"
    arn = client.create_collection(CollectionId=name, Tags={"team": "doors", "cost": "7"})["CollectionArn"]
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "doors", "cost": "7"}
    client.tag_resource(ResourceArn=arn, Tags={"cost": "8", "stage": "test"})
    client.untag_resource(ResourceArn=arn, TagKeys=["team", "absent"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"cost": "8", "stage": "test"}
    many = {f"key-{number}": "" for number in range(199)}
    refused("ServiceQuotaExceededException", client.tag_resource, ResourceArn=arn, Tags=many)
    assert len(client.list_tags_for_resource(ResourceArn=arn)["Tags"]) == 2
    client.delete_collection(CollectionId=name)
    for call, more in (
        (client.list_tags_for_resource, {}),
        (client.tag_resource, {"Tags": {"a": "b"}}),
        (client.untag_resource, {"TagKeys": ["a"]}),
    ):
        assert name in refused("ResourceNotFoundException", call, ResourceArn=arn, **more)
        refused("InvalidParameterException", call, ResourceArn="arn:aws:s3:::somebodys-bucket", **more)

"""Thresholds and periods where a request does not say: as AWS documents them, tried a little below and above."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from faceauth.local.models import RequestToken
from faceauth.tests.local import Template, add_faces, call, collection_named, names_of, some_templates
from faceauth.vision import similarity

pytestmark = pytest.mark.django_db(transaction=True)


def at_similarities(*values: float) -> Template:
    """A template, and others with these similarities to it."""
    first, *others = some_templates(1 + len(values))
    found = [first]
    for value, other in zip(values, others, strict=True):
        across = other - (other @ first) * first
        cosine = similarity.to_cosine(value)
        found.append(cosine * first + np.sqrt(1 - cosine**2) * across / np.linalg.norm(across))
    return np.asarray(found, np.float32)


def test_faces_match_from_80() -> None:
    collection_named()
    first, _, above = add_faces(at_similarities(79.5, 80.5))
    assert names_of(call("SearchFaces", CollectionId="people", FaceId=first)) == [above]


def test_users_match_from_80() -> None:
    collection_named()
    first, *others = add_faces(at_similarities(79.5, 80.5))
    for name, face_id in zip(("below", "above"), others, strict=True):
        call("CreateUser", CollectionId="people", UserId=name)
        call("AssociateFaces", CollectionId="people", UserId=name, FaceIds=[face_id])
    matches = call("SearchUsers", CollectionId="people", FaceId=first)["UserMatches"]
    assert [match["User"]["UserId"] for match in matches] == ["above"]


def test_faces_are_associated_from_75() -> None:
    collection_named()
    first, below, above = add_faces(at_similarities(74.5, 75.5))
    user = {"CollectionId": "people", "UserId": "grace"}
    call("CreateUser", **user)
    call("AssociateFaces", **user, FaceIds=[first])
    answer = call("AssociateFaces", **user, FaceIds=[below, above])
    assert answer["AssociatedFaces"] == [{"FaceId": above}]
    assert [failure["FaceId"] for failure in answer["UnsuccessfulFaceAssociations"]] == [below]


def test_request_tokens_are_kept_for_a_day() -> None:
    collection_named()
    for number, hours in enumerate((25, 23)):
        user = {"CollectionId": "people", "UserId": f"user-{number}", "ClientRequestToken": f"token-{number}"}
        assert call("CreateUser", **user)["status"] == 200
        RequestToken.objects.filter(token=f"token-{number}").update(created=timezone.now() - timedelta(hours=hours))
    call("CreateUser", CollectionId="people", UserId="another", ClientRequestToken="another")
    assert set(RequestToken.objects.values_list("token", flat=True)) == {"token-1", "another"}


def test_one_token_may_serve_two_operations() -> None:
    """SDKs make a token for each request; a caller's own may be used for creating and deleting."""
    collection_named()
    user = {"CollectionId": "people", "UserId": "grace", "ClientRequestToken": "mine"}
    assert call("CreateUser", **user)["status"] == 200
    assert call("DeleteUser", **user)["status"] == 200
    assert call("ListUsers", CollectionId="people")["Users"] == []

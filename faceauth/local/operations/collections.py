from typing import Any

from django.db import IntegrityError, transaction

from faceauth.conf import conf
from faceauth.local.errors import InternalServerError, ResourceAlreadyExists, ResourceNotFound
from faceauth.local.models import FACE_MODEL_VERSION, Collection, begin_change
from faceauth.local.pagination import next_token, position
from faceauth.local.search_index import indexes
from faceauth.local.service_model import Parameters

Answer = dict[str, Any]

ACCOUNT = "000000000000"  # an ARN names one, and there is only this one here
PAGE = 1000  # of collections and of faces, where the request does not say


def arn(collection_id: str) -> str:
    return f"arn:aws:rekognition:{conf().REGION}:{ACCOUNT}:collection/{collection_id}"


def not_found(collection_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"The collection id: {collection_id} does not exist")


def find(collection_id: str) -> Collection:
    """The collection as it is now."""
    try:
        return Collection.objects.get(collection_id=collection_id)
    except Collection.DoesNotExist as error:
        indexes.close(collection_id)
        raise not_found(collection_id) from error


def find_comparable(collection_id: str) -> Collection:
    """A collection whose templates compare with those that are made now."""
    return comparable(find(collection_id))


def comparable(collection: Collection) -> Collection:
    if collection.face_model_version != FACE_MODEL_VERSION:
        raise InternalServerError(
            f"The faces of {collection} were indexed with face model {collection.face_model_version} and do not compare"
            f" with those of {FACE_MODEL_VERSION}: index the pictures again, in a new collection."
        )
    return collection


def change(collection_id: str) -> Collection:
    """Lock the collection for a change, in a transaction; see `begin_change`."""
    try:
        return begin_change(collection_id)
    except Collection.DoesNotExist as error:
        raise not_found(collection_id) from error


def create_collection(parameters: Parameters) -> Answer:
    name = parameters["CollectionId"]
    try:
        with transaction.atomic():
            Collection.objects.create(collection_id=name, tags=parameters.get("Tags", {}))
    except IntegrityError as error:
        raise ResourceAlreadyExists(f"The collection id: {name} already exists") from error
    return {"StatusCode": 200, "CollectionArn": arn(name), "FaceModelVersion": FACE_MODEL_VERSION}


def describe_collection(parameters: Parameters) -> Answer:
    collection = find(parameters["CollectionId"])
    return {
        "FaceCount": collection.face_count,
        "FaceModelVersion": collection.face_model_version,
        "CollectionARN": arn(collection.collection_id),
        "CreationTimestamp": collection.created.timestamp(),
        "UserCount": collection.users.count(),
    }


def list_collections(parameters: Parameters) -> Answer:
    place = b"ListCollections"
    most = parameters.get("MaxResults") or PAGE
    after = position(parameters.get("NextToken"), place)
    found = list(Collection.objects.filter(pk__gt=after).order_by("pk")[: most + 1])
    answer: Answer = {
        "CollectionIds": [it.collection_id for it in found[:most]],
        "FaceModelVersions": [it.face_model_version for it in found[:most]],
    }
    if len(found) > most:
        answer["NextToken"] = next_token(found[most - 1].pk, place)
    return answer


def delete_collection(parameters: Parameters) -> Answer:
    with transaction.atomic():
        collection = change(parameters["CollectionId"])
        # One statement a table; Django's own cascade would first fetch every face.
        for rows in (collection.faces, collection.users, collection.removals, collection.request_tokens):
            rows.all()._raw_delete(using=collection._state.db)
        collection.delete()
    indexes.close(parameters["CollectionId"])
    return {"StatusCode": 200}

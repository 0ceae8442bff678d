from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction

from faceauth.local.arns import collection_arn, collection_id_of
from faceauth.local.errors import Code, Refused
from faceauth.local.models import FACE_MODEL_VERSION, WITH_MEAN, Collection, begin_change
from faceauth.local.pagination import page
from faceauth.local.search_index import indexes
from faceauth.local.service_model import Parameters

Answer = dict[str, Any]
Tags = dict[str, str]

MAX_TAGS = 200  # of a collection, as the service model has it for one request
PAGE = 1000  # collections or faces, where the request does not say


def not_found(collection_id: str) -> Refused:
    return Refused(Code.NOT_FOUND, f"The collection id: {collection_id} does not exist")


def find(collection_id: str) -> Collection:
    try:
        return Collection.objects.get(collection_id=collection_id)
    except Collection.DoesNotExist as error:
        indexes.close(collection_id)
        raise not_found(collection_id) from error


def find_comparable(collection_id: str) -> Collection:
    """A collection whose templates can be compared with new ones."""
    return comparable(find(collection_id))


def comparable(collection: Collection) -> Collection:
    if collection.face_model_version not in (FACE_MODEL_VERSION, WITH_MEAN):
        raise Refused(
            Code.INTERNAL_SERVER_ERROR,
            f"The faces of {collection} were indexed with face model {collection.face_model_version} and cannot be"
            f" compared with those of {FACE_MODEL_VERSION}: index the pictures again, in a new collection.",
        )
    return collection


def lock(collection_id: str) -> Collection:
    """Lock the collection for a change, in a transaction; see `begin_change`."""
    try:
        return begin_change(collection_id)
    except Collection.DoesNotExist as error:
        raise not_found(collection_id) from error


def create_collection(parameters: Parameters) -> Answer:
    name = parameters["CollectionId"]
    try:
        with transaction.atomic():
            collection = Collection.objects.create(collection_id=name, tags=parameters.get("Tags", {}))
    except IntegrityError as error:
        raise Refused(Code.ALREADY_EXISTS, f"The collection id: {name} already exists") from error
    return {
        "StatusCode": 200,
        "CollectionArn": collection_arn(name),
        "FaceModelVersion": collection.shown_version,
    }


def describe_collection(parameters: Parameters) -> Answer:
    collection = find(parameters["CollectionId"])
    return {
        "FaceCount": collection.face_count,
        "FaceModelVersion": collection.shown_version,
        "CollectionARN": collection_arn(collection.collection_id),
        "CreationTimestamp": collection.created.timestamp(),
        "UserCount": collection.users.count(),
    }


def list_collections(parameters: Parameters) -> Answer:
    found, token = page(Collection.objects.all(), parameters, PAGE, "ListCollections")
    return {
        "CollectionIds": [it.collection_id for it in found],
        "FaceModelVersions": [it.shown_version for it in found],
        **token,
    }


def delete_collection(parameters: Parameters) -> Answer:
    with transaction.atomic():
        collection = lock(parameters["CollectionId"])
        # One statement a table; Django's own cascade would first fetch every face.
        for rows in (collection.faces, collection.users, collection.removals, collection.request_tokens):
            rows.all()._raw_delete(using=collection._state.db)
        collection.delete()
    indexes.close(parameters["CollectionId"])
    return {"StatusCode": 200}


# Tags -----------------------------------------------------------------------------------------------------------------


def list_tags_for_resource(parameters: Parameters) -> Answer:
    return {"Tags": find(collection_id_of(parameters["ResourceArn"])).tags}


def tag_resource(parameters: Parameters) -> Answer:
    return change_tags(parameters, lambda tags: tags | parameters["Tags"])


def untag_resource(parameters: Parameters) -> Answer:
    gone = set(parameters["TagKeys"])
    return change_tags(parameters, lambda tags: {key: value for key, value in tags.items() if key not in gone})


def change_tags(parameters: Parameters, change: Callable[[Tags], Tags]) -> Answer:
    collection_id = collection_id_of(parameters["ResourceArn"])
    with transaction.atomic():
        collection = Collection.objects.select_for_update().filter(collection_id=collection_id).first()
        if collection is None:
            raise not_found(collection_id)
        collection.tags = change(collection.tags)
        if len(collection.tags) > MAX_TAGS:
            raise Refused(Code.QUOTA_EXCEEDED, f"A collection has at most {MAX_TAGS} tags.")
        collection.save(update_fields=["tags"])
    return {}

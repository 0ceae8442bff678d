import uuid
from collections.abc import Sequence

import numpy as np
from django.db import transaction
from django.db.models import F
from numpy.typing import NDArray

from faceauth.local import search_index, template_encryption
from faceauth.local.errors import Code, Refused, invalid_parameter
from faceauth.local.models import Collection, Face, Removal
from faceauth.local.operations.collections import PAGE, Answer, comparable, find, find_comparable, lock
from faceauth.local.pagination import page
from faceauth.local.pictures import (
    bounding_box,
    check_attributes,
    confidence_of,
    decode,
    face_detail,
    faces_in,
    good_faces,
    no_faces,
    picture_bytes,
    read_picture,
    shortcomings,
)
from faceauth.local.service_model import Parameters
from faceauth.vision.faces import Face as SeenFace
from faceauth.vision.photos import Pixels

MAX_MATCHES = 4096
MAX_FACES_OF_COLLECTION = 20_000_000
THRESHOLD = 80.0

Template = NDArray[np.float32]


def index_faces(parameters: Parameters) -> Answer:
    check_attributes(parameters.get("DetectionAttributes", []))
    collection = find_comparable(parameters["CollectionId"])  # refused before the picture is read
    picture = picture_bytes(parameters["Image"])
    pixels = decode(picture)
    wanted, unwanted = choose(pixels, parameters.get("QualityFilter", "AUTO"), parameters.get("MaxFaces"))
    templates = [face.template for face in wanted]
    with transaction.atomic():
        faces = store(parameters, picture, pixels, wanted, templates) if wanted else []
    return {
        "FaceRecords": [
            {"Face": face_shape(stored), "FaceDetail": face_detail(seen, pixels)}
            for stored, seen in zip(faces, wanted, strict=True)
        ],
        "UnindexedFaces": [{"Reasons": reasons, "FaceDetail": face_detail(seen, pixels)} for seen, reasons in unwanted],
        "FaceModelVersion": collection.shown_version,
    }


def choose(
    pixels: Pixels, quality_filter: str, most: int | None
) -> tuple[list[SeenFace], list[tuple[SeenFace, list[str]]]]:
    """The faces to index, the largest first, and the others with the reasons."""
    wanted: list[SeenFace] = []
    unwanted: list[tuple[SeenFace, list[str]]] = []
    for face in faces_in(pixels):
        reasons = shortcomings(face, pixels, quality_filter)
        if not reasons and most is not None and len(wanted) >= most:
            reasons = ["EXCEEDS_MAX_FACES"]
        if reasons:
            unwanted.append((face, reasons))
        else:
            wanted.append(face)
    return wanted, unwanted


def store(
    parameters: Parameters, picture: bytes, pixels: Pixels, seen: Sequence[SeenFace], templates: Sequence[Template]
) -> list[Face]:
    """Store all the faces or none. A face that the same picture already gave under the same id stays as it is."""
    collection = comparable(lock(parameters["CollectionId"]))
    external_id = parameters.get("ExternalImageId", "")
    ids = image_ids(collection, external_id, picture)
    known = Face.objects.filter(collection=collection, image_id__in=ids).select_related("user")
    by_box = {(face.left, face.top, face.width, face.height): face for face in known}
    image_id = next((face.image_id for face in by_box.values()), ids[0])
    faces, new = [], []
    for one, its_template in zip(seen, templates, strict=True):
        box = bounding_box(one, pixels)
        face = by_box.get((box["Left"], box["Top"], box["Width"], box["Height"]))
        if face is None:
            face = Face(
                collection=collection,
                image_id=image_id,
                external_image_id=external_id,
                **{name.lower(): value for name, value in box.items()},
                confidence=one.confidence,
                sequence=collection.sequence,
            )
            face.set_template(collection, its_template)
            new.append(face)
        faces.append(face)
    if collection.face_count + len(new) > MAX_FACES_OF_COLLECTION:
        raise Refused(Code.QUOTA_EXCEEDED, f"A collection has at most {MAX_FACES_OF_COLLECTION} faces.")
    Face.objects.bulk_create(new)
    Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") + len(new))
    return faces


def image_ids(collection: Collection, external_id: str, picture: bytes) -> list[uuid.UUID]:
    """The ImageId of a picture under an ExternalImageId, one for each key of the settings, the current key's first.

    The same picture has the same ImageId, so it is known again. Without a key nobody can test whether a picture was
    indexed.
    """
    value = collection.incarnation.bytes + external_id.encode() + b"\0" + picture
    return [
        uuid.UUID(bytes=key.fingerprint(template_encryption.FINGERPRINTS, value)[:16])
        for key in template_encryption.keys().values()
    ]


# Search ---------------------------------------------------------------------------------------------------------------


def face_shape(face: Face) -> Answer:
    """A Face in AWS's shape. `face.user` must be loaded."""
    shape: Answer = {
        "FaceId": str(face.face_id),
        "BoundingBox": {"Width": face.width, "Height": face.height, "Left": face.left, "Top": face.top},
        "ImageId": str(face.image_id),
        "Confidence": confidence_of(face.confidence),
    }
    if face.external_image_id:
        shape["ExternalImageId"] = face.external_image_id
    if face.user:
        shape["UserId"] = face.user.user_id
    return shape


def listed_face(face: Face, collection: Collection) -> Answer:
    return face_shape(face) | {"IndexFacesModelVersion": collection.shown_version}


def search_faces_by_image(parameters: Parameters) -> Answer:
    pixels = read_picture(parameters["Image"])
    faces = good_faces(pixels, parameters.get("QualityFilter", "NONE"))
    collection = find_comparable(parameters["CollectionId"])
    if not faces:
        raise no_faces()
    return {
        "SearchedFaceBoundingBox": bounding_box(faces[0], pixels),
        "SearchedFaceConfidence": confidence_of(faces[0].confidence),
        "FaceMatches": matching_faces(collection, faces[0].template, parameters),
        "FaceModelVersion": collection.shown_version,
    }


def search_faces(parameters: Parameters) -> Answer:
    face = find_face(parameters["CollectionId"], parameters["FaceId"])
    collection = face.collection
    return {
        "SearchedFaceId": str(face.face_id),
        "FaceMatches": matching_faces(collection, face.get_template(collection), parameters, besides=face.pk),
        "FaceModelVersion": collection.shown_version,
    }


def find_face(collection_id: str, face_id: str) -> Face:
    """The face with its collection, whose templates can be compared: one query, as one is what a search takes."""
    rows = Face.objects.select_related("collection")
    try:
        face = rows.get(face_id=face_id, collection__collection_id=collection_id)
    except Face.DoesNotExist as error:
        find_comparable(collection_id)
        raise invalid_parameter("faceId was not found in the collection.") from error
    comparable(face.collection)
    return face


def matching_faces(
    collection: Collection, vector: Template, parameters: Parameters, besides: int | None = None
) -> list[Answer]:
    """FaceMatches, the most similar first, without the face whose primary key is `besides`."""
    rows = Face.objects.select_related("user").defer("user__template")
    threshold = parameters.get("FaceMatchThreshold", THRESHOLD)
    most = parameters.get("MaxFaces", MAX_MATCHES)
    return [
        {"Similarity": alike, "Face": listed_face(face, collection)}
        for face, alike in search_index.similar(collection, rows, vector, threshold, most, besides)
    ]


def list_faces(parameters: Parameters) -> Answer:
    collection = find(parameters["CollectionId"])
    rows = Face.objects.filter(collection=collection).select_related("user").defer("template", "user__template")
    name = f"ListFaces {collection.incarnation}"
    if "UserId" in parameters:
        rows = rows.filter(user__user_id=parameters["UserId"])
        name += f" {parameters['UserId']}"
    if "FaceIds" in parameters:
        rows = rows.filter(face_id__in=parameters["FaceIds"])
        name += f" {sorted(parameters['FaceIds'])}"
    found, token = page(rows, parameters, PAGE, name)
    return {
        "Faces": [listed_face(face, collection) for face in found],
        "FaceModelVersion": collection.shown_version,
        **token,
    }


# Delete ---------------------------------------------------------------------------------------------------------------


def delete_faces(parameters: Parameters) -> Answer:
    with transaction.atomic():
        collection = lock(parameters["CollectionId"])
        rows = Face.objects.filter(collection=collection, face_id__in=parameters["FaceIds"]).select_related("user")
        known = {str(face.face_id): face for face in rows.defer("template", "user__template")}
        deleted, failures = [], []
        for face_id in dict.fromkeys(parameters["FaceIds"]):
            face = known.get(face_id)
            if face is None:
                failures.append({"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]})
            elif face.user:
                reasons = ["ASSOCIATED_TO_AN_EXISTING_USER"]
                failures.append({"FaceId": face_id, "UserId": face.user.user_id, "Reasons": reasons})
            else:
                deleted.append(face)
        note_removal(collection, Face.kind, [face.pk for face in deleted])
        Face.objects.filter(pk__in=[face.pk for face in deleted]).delete()
        Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") - len(deleted))
    return {"DeletedFaces": [str(face.face_id) for face in deleted], "UnsuccessfulFaceDeletions": failures}


def note_removal(collection: Collection, kind: str, keys: Sequence[int]) -> None:
    """Tell every process that these rows are deleted; the caller deletes them in the same transaction."""
    outdated = collection.sequence - search_index.MAX_REMOVALS
    Removal.objects.filter(collection=collection, sequence__lt=outdated).delete()
    Removal.objects.bulk_create(
        Removal(collection=collection, sequence=collection.sequence, kind=kind, key=key) for key in keys
    )

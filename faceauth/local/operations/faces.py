import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import F
from numpy.typing import NDArray

from faceauth import similarity
from faceauth.images import Pixels
from faceauth.local import search_index, template_encryption
from faceauth.local.errors import InvalidParameter, ServiceQuotaExceeded
from faceauth.local.models import FACE_MODEL_VERSION, Collection, Face, Removal
from faceauth.local.operations.collections import PAGE, Answer, change, comparable, find, find_comparable
from faceauth.local.pagination import next_token, position
from faceauth.local.pictures import (
    bounding_box,
    check_attributes,
    face_detail,
    faces_in,
    good_faces,
    no_faces,
    read_picture,
    shortcomings,
)
from faceauth.local.service_model import Parameters
from faceauth.vision import Face as SeenFace
from faceauth.vision import template

MOST_MATCHES = 4096
MOST_FACES_OF_A_COLLECTION = 20_000_000
THRESHOLD = 80.0

Template = NDArray[np.float32]


def detect_faces(parameters: Parameters) -> Answer:
    check_attributes(parameters.get("Attributes", []))
    pixels = read_picture(parameters["Image"])
    return {"FaceDetails": [face_detail(face, pixels) for face in faces_in(pixels)]}


def compare_faces(parameters: Parameters) -> Answer:
    quality = parameters.get("QualityFilter", "NONE")
    threshold = parameters.get("SimilarityThreshold", THRESHOLD)
    source, target = read_picture(parameters["SourceImage"]), read_picture(parameters["TargetImage"])
    sources, targets = good_faces(source, quality), good_faces(target, quality)
    if not sources or not targets:
        raise no_faces()
    wanted = template(source, sources[0])
    matches, others = [], []
    for face in targets:
        alike = similarity.from_cosine(float(wanted @ template(target, face)))
        if alike >= threshold:
            matches.append({"Similarity": alike, "Face": face_detail(face, target)})
        else:
            others.append(face_detail(face, target))
    return {
        "SourceImageFace": {"BoundingBox": bounding_box(sources[0], source), "Confidence": sources[0].confidence},
        "FaceMatches": sorted(matches, key=lambda match: -match["Similarity"]),
        "UnmatchedFaces": others,
    }


# Remember -------------------------------------------------------------------------------------------------------------


def index_faces(parameters: Parameters) -> Answer:
    check_attributes(parameters.get("DetectionAttributes", []))
    find_comparable(parameters["CollectionId"])  # said before the picture is looked at
    pixels = read_picture(parameters["Image"])
    wanted, unwanted = choose(pixels, parameters.get("QualityFilter", "AUTO"), parameters.get("MaxFaces"))
    templates = [template(pixels, face) for face in wanted]
    with transaction.atomic():
        faces = keep(parameters, pixels, wanted, templates) if wanted else []
    return {
        "FaceRecords": [
            {"Face": face_shape(kept), "FaceDetail": face_detail(seen, pixels)}
            for kept, seen in zip(faces, wanted, strict=True)
        ],
        "UnindexedFaces": [{"Reasons": reasons, "FaceDetail": face_detail(seen, pixels)} for seen, reasons in unwanted],
        "FaceModelVersion": FACE_MODEL_VERSION,
    }


def choose(
    pixels: Pixels, quality_filter: str, most: int | None
) -> tuple[list[SeenFace], list[tuple[SeenFace, list[str]]]]:
    """The faces to index, the largest first, and the others with their reasons."""
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


def keep(parameters: Parameters, pixels: Pixels, seen: Sequence[SeenFace], templates: Sequence[Template]) -> list[Face]:
    """Write all the faces or none. One that the same picture brought before, under the same id, stays as it is."""
    collection = comparable(change(parameters["CollectionId"]))
    external_id = parameters.get("ExternalImageId", "")
    picture = parameters["Image"]["Bytes"]
    known = Face.objects.filter(collection=collection, image_id__in=image_ids(collection, external_id, picture))
    by_box = {(face.left, face.top, face.width, face.height): face for face in known.select_related("user")}
    image_id = next((face.image_id for face in by_box.values()), image_ids(collection, external_id, picture)[0])
    faces, fresh = [], []
    for one, its_template in zip(seen, templates, strict=True):
        box = bounding_box(one, pixels)
        face = by_box.get((box["Left"], box["Top"], box["Width"], box["Height"]))
        if face is None:
            face = Face(
                collection=collection,
                image_id=image_id,
                external_image_id=external_id,
                left=box["Left"],
                top=box["Top"],
                width=box["Width"],
                height=box["Height"],
                confidence=one.confidence,
                sequence=collection.sequence,
            )
            face.seal(collection, its_template)
            fresh.append(face)
        faces.append(face)
    if collection.face_count + len(fresh) > MOST_FACES_OF_A_COLLECTION:
        raise ServiceQuotaExceeded(f"A collection has at most {MOST_FACES_OF_A_COLLECTION} faces.")
    Face.objects.bulk_create(fresh)
    Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") + len(fresh))
    return faces


def image_ids(collection: Collection, external_id: str, picture: bytes) -> list[uuid.UUID]:
    """The ImageId of a picture under an ExternalImageId, for each key of the settings, the writing one first.

    The same picture has the same ImageId, by which it is known again; without a key it cannot be told which picture.
    """
    value = collection.incarnation.bytes + external_id.encode() + b"\0" + picture
    return [uuid.UUID(bytes=key.fingerprint(value)[:16]) for key in template_encryption.keys().values()]


# Recall ---------------------------------------------------------------------------------------------------------------


def face_shape(face: Face) -> Answer:
    """A Face in AWS's shape; `face.user` is to be loaded."""
    shape: Answer = {
        "FaceId": str(face.face_id),
        "BoundingBox": {"Width": face.width, "Height": face.height, "Left": face.left, "Top": face.top},
        "ImageId": str(face.image_id),
        "Confidence": face.confidence,
    }
    if face.external_image_id:
        shape["ExternalImageId"] = face.external_image_id
    if face.user:
        shape["UserId"] = face.user.user_id
    return shape


def listed_face(face: Face, collection: Collection) -> Answer:
    return face_shape(face) | {"IndexFacesModelVersion": collection.face_model_version}


def search_faces_by_image(parameters: Parameters) -> Answer:
    pixels = read_picture(parameters["Image"])
    faces = good_faces(pixels, parameters.get("QualityFilter", "NONE"))
    collection = find_comparable(parameters["CollectionId"])
    if not faces:
        raise no_faces()
    return {
        "SearchedFaceBoundingBox": bounding_box(faces[0], pixels),
        "SearchedFaceConfidence": faces[0].confidence,
        "FaceMatches": matching_faces(collection, template(pixels, faces[0]), parameters),
        "FaceModelVersion": collection.face_model_version,
    }


def search_faces(parameters: Parameters) -> Answer:
    collection = find_comparable(parameters["CollectionId"])
    face = find_face(collection, parameters["FaceId"])
    return {
        "SearchedFaceId": str(face.face_id),
        "FaceMatches": matching_faces(collection, face.unsealed(collection), parameters, besides=face.pk),
        "FaceModelVersion": collection.face_model_version,
    }


def find_face(collection: Collection, face_id: str) -> Face:
    try:
        return Face.objects.get(collection=collection, face_id=face_id)
    except Face.DoesNotExist as error:
        raise InvalidParameter("faceId was not found in the collection.") from error


def matching_faces(
    collection: Collection, vector: Template, parameters: Parameters, besides: int | None = None
) -> list[Answer]:
    """FaceMatches, the most similar first, without the face whose primary key is `besides`."""
    threshold = parameters.get("FaceMatchThreshold", THRESHOLD)
    most = parameters.get("MaxFaces", MOST_MATCHES)
    rows = Face.objects.select_related("user").defer("user__template")
    found = search_index.search(collection, rows, vector, similarity.to_cosine(threshold), most + 1)
    matches = [
        {"Similarity": similarity.from_cosine(cosine), "Face": listed_face(face, collection)}
        for face, cosine in found
        if face.pk != besides
    ]
    return [match for match in matches if match["Similarity"] >= threshold][:most]


def list_faces(parameters: Parameters) -> Answer:
    collection = find(parameters["CollectionId"])
    most = parameters.get("MaxResults") or PAGE
    rows = Face.objects.filter(collection=collection).select_related("user").defer("template", "user__template")
    place = f"ListFaces {collection.incarnation}"
    if "UserId" in parameters:
        rows = rows.filter(user__user_id=parameters["UserId"])
        place += f" {parameters['UserId']}"
    if "FaceIds" in parameters:
        rows = rows.filter(face_id__in=parameters["FaceIds"])
        place += f" {sorted(parameters['FaceIds'])}"
    after = position(parameters.get("NextToken"), place.encode())
    found = list(rows.filter(pk__gt=after).order_by("pk")[: most + 1])
    answer: Answer = {
        "Faces": [listed_face(face, collection) for face in found[:most]],
        "FaceModelVersion": collection.face_model_version,
    }
    if len(found) > most:
        answer["NextToken"] = next_token(found[most - 1].pk, place.encode())
    return answer


# Forget ---------------------------------------------------------------------------------------------------------------


def delete_faces(parameters: Parameters) -> Answer:
    wanted = list(dict.fromkeys(parameters["FaceIds"]))
    with transaction.atomic():
        collection = change(parameters["CollectionId"])
        rows = Face.objects.filter(collection=collection, face_id__in=wanted).select_related("user")
        known = {str(face.face_id): face for face in rows.defer("template", "user__template")}
        gone = [known[face_id] for face_id in wanted if face_id in known and not known[face_id].user]
        remove(collection, Face.kind, [face.pk for face in gone])
        Face.objects.filter(pk__in=[face.pk for face in gone]).delete()
        Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") - len(gone))
    deleted = [str(face.face_id) for face in gone]
    failures = [not_deleted(face_id, known.get(face_id)) for face_id in wanted if face_id not in set(deleted)]
    answer: Answer = {"UnsuccessfulFaceDeletions": failures}
    if deleted:  # the model knows no empty FaceIdList
        answer["DeletedFaces"] = deleted
    return answer


def not_deleted(face_id: str, face: Face | None) -> dict[str, Any]:
    if face is None or face.user is None:
        return {"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]}
    return {"FaceId": face_id, "UserId": face.user.user_id, "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}


def remove(collection: Collection, kind: str, keys: Sequence[int]) -> None:
    """Tell every process that these rows are gone; the caller deletes them in the same transaction."""
    Removal.objects.filter(
        collection=collection, sequence__lt=collection.sequence - search_index.REMOVALS_KEPT
    ).delete()
    Removal.objects.bulk_create(
        Removal(collection=collection, sequence=collection.sequence, kind=kind, key=key) for key in keys
    )

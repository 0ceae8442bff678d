import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps

import numpy as np
from django.db import IntegrityError, transaction
from django.utils import timezone

from faceauth.local import search_index
from faceauth.local.errors import Code, Refused, invalid_parameter
from faceauth.local.models import Collection, Face, RequestToken, User, faces_of
from faceauth.local.operations.collections import Answer, comparable, find, find_comparable, lock
from faceauth.local.operations.faces import Template, find_face, note_removal
from faceauth.local.pagination import page
from faceauth.local.pictures import face_detail, faces_in, read_picture, shortcomings
from faceauth.local.service_model import Parameters
from faceauth.vision import similarity

MAX_USERS = 500  # of an answer
MAX_FACES_OF_USER = 100
ASSOCIATION_THRESHOLD = 75.0
SEARCH_THRESHOLD = 80.0
KEEP_TOKENS = timedelta(days=1)

Change = Callable[[Collection, Parameters], Answer]


def once(operation: Change) -> Callable[[Parameters], Answer]:
    """Run a change of users in one transaction and, with a ClientRequestToken, only once.

    The same token with the same request gets the first answer again, so a retry is safe. With another request it is
    refused. SDKs add a token to every such request.
    """
    name = operation.__name__

    @wraps(operation)
    def wrapper(parameters: Parameters) -> Answer:
        token = parameters.pop("ClientRequestToken", None)
        request = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).digest()
        with transaction.atomic():
            collection = lock(parameters["CollectionId"])  # two requests with one token wait here for each other
            used = RequestToken.objects.filter(operation=name, token=token).first() if token else None
            if used is None:
                answer = operation(collection, parameters)
                if token:
                    keep(
                        RequestToken(
                            collection=collection, operation=name, token=token, fingerprint=request, answer=answer
                        )
                    )
                return answer
        if bytes(used.fingerprint) != request:
            raise token_mismatch()
        return dict(used.answer)

    return wrapper


def keep(token: RequestToken) -> None:
    RequestToken.objects.filter(created__lt=timezone.now() - KEEP_TOKENS).delete()
    try:
        with transaction.atomic():
            token.save()
    except IntegrityError as error:  # the same token, at the same moment, for another collection
        raise token_mismatch() from error


def token_mismatch() -> Refused:
    return Refused(Code.IDEMPOTENT_PARAMETER_MISMATCH, "This ClientRequestToken was used with other parameters.")


def find_user(collection: Collection, user_id: str) -> User:
    try:
        return User.objects.select_related("collection").get(collection=collection, user_id=user_id)
    except User.DoesNotExist as error:
        raise Refused(Code.NOT_FOUND, f"The user id: {user_id} does not exist") from error


@once
def create_user(collection: Collection, parameters: Parameters) -> Answer:
    try:
        with transaction.atomic():
            User.objects.create(collection=collection, user_id=parameters["UserId"], sequence=collection.sequence)
    except IntegrityError as error:
        raise Refused(Code.CONFLICT, f"The user id: {parameters['UserId']} already exists") from error
    return {}


@once
def delete_user(collection: Collection, parameters: Parameters) -> Answer:
    user = find_user(collection, parameters["UserId"])
    note_removal(collection, User.kind, [user.pk])
    user.delete()  # its faces stay, without a user
    return {}


def list_users(parameters: Parameters) -> Answer:
    collection = find(parameters["CollectionId"])
    rows = User.objects.filter(collection=collection)
    found, token = page(rows, parameters, MAX_USERS, f"ListUsers {collection.incarnation}")
    return {"Users": [user_shape(user) for user in found], **token}


def user_shape(user: User) -> Answer:
    return {"UserId": user.user_id, "UserStatus": user.status}


# Faces of a user ------------------------------------------------------------------------------------------------------


@once
def associate_faces(collection: Collection, parameters: Parameters) -> Answer:
    comparable(collection)
    user = find_user(collection, parameters["UserId"])
    threshold = parameters.get("UserMatchThreshold", ASSOCIATION_THRESHOLD)
    vector = None if user.template is None else user.get_template(collection)
    faces, failures = sort_faces(collection, user, parameters["FaceIds"])
    taken: list[Face] = []
    for face in faces:
        if face.user is not None:
            continue  # already this user's
        alike = 100.0 if vector is None else similarity.from_cosine(float(vector @ face.get_template(collection)))
        if alike < threshold:
            failures.append({"FaceId": str(face.face_id), "Confidence": alike, "Reasons": ["LOW_MATCH_CONFIDENCE"]})
        else:
            taken.append(face)
    if taken and user.faces.count() + len(taken) > MAX_FACES_OF_USER:
        raise Refused(Code.QUOTA_EXCEEDED, f"A user has at most {MAX_FACES_OF_USER} faces.")
    assign(collection, user, taken, user)
    return {
        "AssociatedFaces": [{"FaceId": str(face.face_id)} for face in taken],
        "UnsuccessfulFaceAssociations": failures,
        "UserStatus": user.status,
    }


@once
def disassociate_faces(collection: Collection, parameters: Parameters) -> Answer:
    user = find_user(collection, parameters["UserId"])
    faces, failures = sort_faces(collection, user, parameters["FaceIds"])
    released = [face for face in faces if face.user is not None]
    assign(collection, user, released, None)
    return {
        "DisassociatedFaces": [{"FaceId": str(face.face_id)} for face in released],
        "UnsuccessfulFaceDisassociations": failures,
        "UserStatus": user.status,
    }


def sort_faces(collection: Collection, user: User, face_ids: Sequence[str]) -> tuple[list[Face], list[Answer]]:
    """The faces that are this user's or nobody's, and AWS's failures for the others, in the order of the ids."""
    rows = Face.objects.filter(collection=collection, face_id__in=face_ids).select_related("user")
    known = {str(face.face_id): face for face in rows}
    faces: list[Face] = []
    failures: list[Answer] = []
    for face_id in dict.fromkeys(face_ids):
        face = known.get(face_id)
        if face is None:
            failures.append({"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]})
        elif face.user not in (None, user):
            owner = face.user.user_id if face.user else ""
            failures.append({"FaceId": face_id, "UserId": owner, "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]})
        else:
            faces.append(face)
    return faces, failures


def assign(collection: Collection, user: User, faces: Sequence[Face], owner: User | None) -> None:
    """Give faces to `owner`, who is `user` or nobody, and make the template of `user` again from all its faces."""
    if not faces:
        return
    for face in faces:
        face.give_to(owner)
    Face.objects.bulk_update(faces, ["user", "link"])
    templates = [face.get_template(collection) for face in faces_of(user)]
    user.set_template(collection, mean(templates) if templates else None)
    user.sequence, user.updated = collection.sequence, timezone.now()
    user.save()


def mean(templates: Sequence[Template]) -> Template:
    """The mean of templates, of unit length."""
    total = np.sum(templates, axis=0, dtype=np.float64)
    length = max(float(np.linalg.norm(total)), float(np.finfo(np.float32).tiny))
    return np.asarray(total / length, np.float32)


# Search ---------------------------------------------------------------------------------------------------------------


def search_users(parameters: Parameters) -> Answer:
    collection = find_comparable(parameters["CollectionId"])
    if ("UserId" in parameters) == ("FaceId" in parameters):
        raise invalid_parameter("The request must be provided with either FaceId or UserId.")
    answer: Answer = {"FaceModelVersion": collection.shown_version, "UserMatches": []}
    if "FaceId" in parameters:
        face = find_face(collection.collection_id, parameters["FaceId"])
        answer["SearchedFace"] = {"FaceId": str(face.face_id)}
        answer["UserMatches"] = matching_users(collection, face.get_template(face.collection), parameters)
    else:
        user = find_user(collection, parameters["UserId"])
        answer["SearchedUser"] = {"UserId": user.user_id}
        if user.template is not None:
            answer["UserMatches"] = matching_users(collection, user.get_template(user.collection), parameters, user.pk)
    return answer


def search_users_by_image(parameters: Parameters) -> Answer:
    quality = parameters.get("QualityFilter", "NONE")
    pixels = read_picture(parameters["Image"])
    collection = find_comparable(parameters["CollectionId"])
    answer: Answer = {
        "UserMatches": [],
        "UnsearchedFaces": [],
        "FaceModelVersion": collection.shown_version,
    }
    for face in faces_in(pixels):
        reasons = shortcomings(face, pixels, quality)
        if "SearchedFace" in answer and not reasons:
            reasons = ["FACE_NOT_LARGEST"]
        detail = face_detail(face, pixels)
        if reasons:
            answer["UnsearchedFaces"].append({"FaceDetails": detail, "Reasons": reasons})
        else:
            answer["SearchedFace"] = {"FaceDetail": detail}
            answer["UserMatches"] = matching_users(collection, face.template, parameters)
    return answer


def matching_users(
    collection: Collection, vector: Template, parameters: Parameters, besides: int | None = None
) -> list[Answer]:
    """UserMatches, the most similar first, without the user whose primary key is `besides`."""
    threshold = parameters.get("UserMatchThreshold", SEARCH_THRESHOLD)
    most = parameters.get("MaxUsers", MAX_USERS)
    return [
        {"Similarity": alike, "User": user_shape(user)}
        for user, alike in search_index.similar(collection, User.objects.all(), vector, threshold, most, besides)
    ]

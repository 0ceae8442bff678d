import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps

import numpy as np
from django.db import IntegrityError, transaction
from django.utils import timezone

from faceauth import similarity
from faceauth.local import search_index
from faceauth.local.errors import (
    Conflict,
    IdempotentParameterMismatch,
    InvalidParameter,
    ResourceNotFound,
    ServiceQuotaExceeded,
)
from faceauth.local.models import Collection, Face, RequestToken, User
from faceauth.local.operations.collections import Answer, change, comparable, find, find_comparable
from faceauth.local.operations.faces import Template, find_face, remove
from faceauth.local.pagination import next_token, position
from faceauth.local.pictures import face_detail, faces_in, read_picture, shortcomings
from faceauth.local.service_model import Parameters
from faceauth.vision import template

MOST_USERS = 500  # of an answer
MOST_FACES_OF_A_USER = 100
ASSOCIATION_THRESHOLD = 75.0
SEARCH_THRESHOLD = 80.0
TOKENS_KEPT = timedelta(days=1)

Change = Callable[[Collection, Parameters], Answer]


def once(operation: Change) -> Callable[[Parameters], Answer]:
    """A change of users, made in one transaction and, with a ClientRequestToken, only once.

    The same token with the same request gets the first answer again; with another request it is refused.
    """
    name = operation.__name__

    @wraps(operation)
    def wrapper(parameters: Parameters) -> Answer:
        token = parameters.pop("ClientRequestToken", None)
        with transaction.atomic():
            collection = change(parameters["CollectionId"])  # its lock also makes twins of a request wait here
            if token is None:
                return operation(collection, parameters)
            fingerprint = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).digest()
            used = RequestToken.objects.filter(operation=name, token=token).first()
            if used is None:
                answer = operation(collection, parameters)
                remember(
                    RequestToken(
                        collection=collection, operation=name, token=token, fingerprint=fingerprint, answer=answer
                    )
                )
                return answer
        if bytes(used.fingerprint) != fingerprint:
            raise mismatch()
        return dict(used.answer)

    return wrapper


def remember(token: RequestToken) -> None:
    RequestToken.objects.filter(created__lt=timezone.now() - TOKENS_KEPT).delete()
    try:
        with transaction.atomic():
            token.save()
    except IntegrityError as error:  # the same token, at this moment, for another collection
        raise mismatch() from error


def mismatch() -> IdempotentParameterMismatch:
    return IdempotentParameterMismatch("This ClientRequestToken was used with other parameters.")


def find_user(collection: Collection, user_id: str) -> User:
    try:
        return User.objects.get(collection=collection, user_id=user_id)
    except User.DoesNotExist as error:
        raise ResourceNotFound(f"The user id: {user_id} does not exist") from error


@once
def create_user(collection: Collection, parameters: Parameters) -> Answer:
    try:
        with transaction.atomic():
            User.objects.create(collection=collection, user_id=parameters["UserId"], sequence=collection.sequence)
    except IntegrityError as error:
        raise Conflict(f"The user id: {parameters['UserId']} already exists") from error
    return {}


@once
def delete_user(collection: Collection, parameters: Parameters) -> Answer:
    user = find_user(collection, parameters["UserId"])
    remove(collection, User.kind, [user.pk])
    user.delete()  # its faces stay, and are nobody's
    return {}


def list_users(parameters: Parameters) -> Answer:
    collection = find(parameters["CollectionId"])
    place = f"ListUsers {collection.incarnation}".encode()
    most = parameters.get("MaxResults", MOST_USERS)
    after = position(parameters.get("NextToken"), place)
    found = list(User.objects.filter(collection=collection, pk__gt=after).order_by("pk")[: most + 1])
    answer: Answer = {"Users": [user_shape(user) for user in found[:most]]}
    if len(found) > most:
        answer["NextToken"] = next_token(found[most - 1].pk, place)
    return answer


def user_shape(user: User) -> Answer:
    return {"UserId": user.user_id, "UserStatus": user.status}


# Whose face is it -----------------------------------------------------------------------------------------------------


@once
def associate_faces(collection: Collection, parameters: Parameters) -> Answer:
    comparable(collection)
    user = find_user(collection, parameters["UserId"])
    threshold = parameters.get("UserMatchThreshold", ASSOCIATION_THRESHOLD)
    vector = None if user.template is None else user.unsealed(collection)
    taken: list[Face] = []
    failures: list[Answer] = []
    for face_id, face in faces_by_id(collection, parameters["FaceIds"]).items():
        if face is None:
            failures.append({"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]})
        elif face.user is not None and face.user != user:
            failures.append(belongs_to_another(face))
        elif face.user is None:
            alike = 100.0 if vector is None else similarity.from_cosine(float(vector @ face.unsealed(collection)))
            if alike < threshold:
                failures.append({"FaceId": face_id, "Confidence": alike, "Reasons": ["LOW_MATCH_CONFIDENCE"]})
            else:
                taken.append(face)
    if taken and user.faces.count() + len(taken) > MOST_FACES_OF_A_USER:
        raise ServiceQuotaExceeded(f"A user has at most {MOST_FACES_OF_A_USER} faces.")
    Face.objects.filter(pk__in=[face.pk for face in taken]).update(user=user)
    if taken:
        renew_template(collection, user)
    return {
        "AssociatedFaces": [{"FaceId": str(face.face_id)} for face in taken],
        "UnsuccessfulFaceAssociations": failures,
        "UserStatus": user.status,
    }


@once
def disassociate_faces(collection: Collection, parameters: Parameters) -> Answer:
    user = find_user(collection, parameters["UserId"])
    released: list[Face] = []
    failures: list[Answer] = []
    for face_id, face in faces_by_id(collection, parameters["FaceIds"]).items():
        if face is None:
            failures.append({"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]})
        elif face.user == user:
            released.append(face)
        elif face.user is not None:
            failures.append(belongs_to_another(face))
    Face.objects.filter(pk__in=[face.pk for face in released]).update(user=None)
    if released:
        renew_template(collection, user)
    return {
        "DisassociatedFaces": [{"FaceId": str(face.face_id)} for face in released],
        "UnsuccessfulFaceDisassociations": failures,
        "UserStatus": user.status,
    }


def faces_by_id(collection: Collection, face_ids: Sequence[str]) -> dict[str, Face | None]:
    """The faces in the order of their ids, None for one that is not there."""
    faces = Face.objects.filter(collection=collection, face_id__in=face_ids).select_related("user")
    known = {str(face.face_id): face for face in faces}
    return {face_id: known.get(face_id) for face_id in face_ids}


def belongs_to_another(face: Face) -> Answer:
    owner = face.user.user_id if face.user else ""
    return {"FaceId": str(face.face_id), "UserId": owner, "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}


def renew_template(collection: Collection, user: User) -> None:
    """Make the user's template of the faces it now has: their mean, of unit length."""
    templates = [face.unsealed(collection) for face in user.faces.all()]
    user.seal(collection, mean(templates) if templates else None)
    user.sequence = collection.sequence
    user.save()


def mean(templates: Sequence[Template]) -> Template:
    total = np.sum(templates, axis=0, dtype=np.float64)
    length = max(float(np.linalg.norm(total)), float(np.finfo(np.float32).tiny))
    return np.asarray(total / length, np.float32)


# Search ---------------------------------------------------------------------------------------------------------------


def search_users(parameters: Parameters) -> Answer:
    collection = find_comparable(parameters["CollectionId"])
    if ("UserId" in parameters) == ("FaceId" in parameters):
        raise InvalidParameter("The request must be provided with either FaceId or UserId.")
    answer: Answer = {"FaceModelVersion": collection.face_model_version}
    if "FaceId" in parameters:
        face = find_face(collection, parameters["FaceId"])
        answer["SearchedFace"] = {"FaceId": str(face.face_id)}
        answer["UserMatches"] = matching_users(collection, face.unsealed(collection), parameters)
    else:
        user = find_user(collection, parameters["UserId"])
        answer["SearchedUser"] = {"UserId": user.user_id}
        answer["UserMatches"] = (
            []
            if user.template is None
            else matching_users(collection, user.unsealed(collection), parameters, besides=user.pk)
        )
    return answer


def search_users_by_image(parameters: Parameters) -> Answer:
    quality = parameters.get("QualityFilter", "NONE")
    pixels = read_picture(parameters["Image"])
    collection = find_comparable(parameters["CollectionId"])
    answer: Answer = {"UserMatches": [], "UnsearchedFaces": [], "FaceModelVersion": collection.face_model_version}
    for face in faces_in(pixels):
        reasons = shortcomings(face, pixels, quality)
        if "SearchedFace" in answer and not reasons:
            reasons = ["FACE_NOT_LARGEST"]
        detail = face_detail(face, pixels)
        if reasons:
            answer["UnsearchedFaces"].append({"FaceDetails": detail, "Reasons": reasons})
        else:
            answer["SearchedFace"] = {"FaceDetail": detail}
            answer["UserMatches"] = matching_users(collection, template(pixels, face), parameters)
    return answer


def matching_users(
    collection: Collection, vector: Template, parameters: Parameters, besides: int | None = None
) -> list[Answer]:
    """UserMatches, the most similar first, without the user whose primary key is `besides`."""
    threshold = parameters.get("UserMatchThreshold", SEARCH_THRESHOLD)
    most = parameters.get("MaxUsers", MOST_USERS)
    found = search_index.search(collection, User.objects.all(), vector, similarity.to_cosine(threshold), most + 1)
    matches = [
        {"Similarity": similarity.from_cosine(cosine), "User": user_shape(user)}
        for user, cosine in found
        if user.pk != besides
    ]
    return [match for match in matches if match["Similarity"] >= threshold][:most]

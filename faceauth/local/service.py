"""Answer one request: a target and a JSON body in; a status, headers and a JSON body out."""

import json
import logging
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from botocore.model import OperationNotFoundError
from django.core.exceptions import ImproperlyConfigured

from faceauth.local import faults
from faceauth.local.errors import Code, Refused
from faceauth.local.operations import collections, face_liveness, faces, pictures, users
from faceauth.local.service_model import Parameters, operation_model, read_request, service_model
from faceauth.local.template_encryption import Altered, KeyMissing

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/x-amz-json-1.1"

OPERATIONS: dict[str, Callable[[Parameters], dict[str, Any]]] = {
    "CreateCollection": collections.create_collection,
    "DescribeCollection": collections.describe_collection,
    "ListCollections": collections.list_collections,
    "DeleteCollection": collections.delete_collection,
    "ListTagsForResource": collections.list_tags_for_resource,
    "TagResource": collections.tag_resource,
    "UntagResource": collections.untag_resource,
    "DetectFaces": pictures.detect_faces,
    "CompareFaces": pictures.compare_faces,
    "IndexFaces": faces.index_faces,
    "ListFaces": faces.list_faces,
    "DeleteFaces": faces.delete_faces,
    "SearchFaces": faces.search_faces,
    "SearchFacesByImage": faces.search_faces_by_image,
    "CreateUser": users.create_user,
    "ListUsers": users.list_users,
    "DeleteUser": users.delete_user,
    "AssociateFaces": users.associate_faces,
    "DisassociateFaces": users.disassociate_faces,
    "SearchUsers": users.search_users,
    "SearchUsersByImage": users.search_users_by_image,
    "CreateFaceLivenessSession": face_liveness.create_face_liveness_session,
    "GetFaceLivenessSessionResults": face_liveness.get_face_liveness_session_results,
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def answer(target: str, body: bytes) -> Answer:
    """Answer a request: `target` as in the header X-Amz-Target, `body` its JSON. Never raises."""
    request_id = str(uuid.uuid4())
    try:
        return written(HTTPStatus.OK, perform(target, body), request_id)
    except Refused as error:
        return refusal(error, request_id)
    except (Altered, KeyMissing, ImproperlyConfigured) as error:
        logger.error("Request %s failed: %s", request_id, error)
        return refusal(Refused(Code.INTERNAL_SERVER_ERROR, str(error)), request_id)
    except Exception:
        # The client learns only that it happened. The logged traceback has lines of code, never a picture.
        logger.exception("Request %s failed.", request_id)
        return refusal(Refused(Code.INTERNAL_SERVER_ERROR, "Internal server error."), request_id)


def perform(target: str, body: bytes) -> dict[str, Any]:
    prefix, _, name = target.partition(".")
    if prefix != service_model().metadata["targetPrefix"]:
        raise Refused(Code.UNKNOWN_OPERATION, "The request's X-Amz-Target does not name an operation of Rekognition.")
    try:
        model = operation_model(name)
    except OperationNotFoundError as error:
        raise Refused(Code.UNKNOWN_OPERATION, "Rekognition has no operation of this name.") from error
    if name not in OPERATIONS:
        message = f"{name} is not part of this local service, which has Rekognition's faces only."
        raise Refused(Code.NOT_IMPLEMENTED, message)
    parameters = read_request(model, body)
    faults.check()
    return OPERATIONS[name](parameters)


def refusal(error: Refused, request_id: str) -> Answer:
    """An error as Rekognition writes it: its body names the code twice, and a header once more."""
    members = {"__type": error.code, "Code": error.code, "Logref": request_id, "Message": error.message}
    return written(error.code.status, members, request_id, {"x-amzn-ErrorType": error.code})


def written(status: int, members: dict[str, Any], request_id: str, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(members, allow_nan=False).encode()
    common = {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body)), "x-amzn-RequestId": request_id}
    return Answer(int(status), common | (headers or {}), body)

"""Rekognition's answers: a target and a JSON body in, a status, headers and a JSON body out.

Both ways in end here: transport.py (this process) and http.py (HTTP).
"""

import json
import logging
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from botocore.model import OperationNotFoundError
from django.core.exceptions import ImproperlyConfigured

from faceauth.local import template_encryption
from faceauth.local.errors import AccessDenied, InternalServerError, Refused, UnknownOperation
from faceauth.local.operations import collections, faces, users
from faceauth.local.service_model import Parameters, operation_model, read_request, service_model

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/x-amz-json-1.1"

OPERATIONS: dict[str, Callable[[Parameters], dict[str, Any]]] = {
    "CreateCollection": collections.create_collection,
    "DescribeCollection": collections.describe_collection,
    "ListCollections": collections.list_collections,
    "DeleteCollection": collections.delete_collection,
    "DetectFaces": faces.detect_faces,
    "CompareFaces": faces.compare_faces,
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
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def answer(target: str, body: bytes) -> Answer:
    """Answer a request: `target` as in the header X-Amz-Target, `body` its JSON. Never raises."""
    request_id = str(uuid.uuid4())
    try:
        return written(HTTPStatus.OK, request_id, perform(target, body))
    except Refused as error:
        return refusal(error, request_id)
    except (template_encryption.KeyMissing, template_encryption.Tampered, ImproperlyConfigured) as error:
        logger.error("Request %s failed: %s", request_id, error)
        return refusal(InternalServerError(str(error)), request_id)
    except Exception:
        # Whatever it is, the client learns only that it happened. A traceback shows lines of code, never a picture.
        logger.exception("Request %s failed.", request_id)
        return refusal(InternalServerError("Internal server error."), request_id)


def perform(target: str, body: bytes) -> dict[str, Any]:
    prefix, _, name = target.partition(".")
    if prefix != service_model().metadata["targetPrefix"]:
        raise UnknownOperation("The request's X-Amz-Target does not name an operation of Rekognition.")
    try:
        model = operation_model(name)
    except OperationNotFoundError as error:
        raise UnknownOperation("Rekognition has no operation of this name.") from error
    if name not in OPERATIONS:
        raise AccessDenied(f"rekognition:{name} is not allowed: this service has face collections alone.")
    return OPERATIONS[name](read_request(model, body))


def refusal(error: Refused, request_id: str) -> Answer:
    """An error as Rekognition writes it: its body names the code twice, and JSON 1.1 once more."""
    members = {"__type": error.code, "Code": error.code, "Logref": request_id, "Message": error.message}
    return written(error.status, request_id, members, {"x-amzn-ErrorType": error.code})


def written(
    status: HTTPStatus, request_id: str, members: dict[str, Any], headers: dict[str, str] | None = None
) -> Answer:
    body = json.dumps(members, allow_nan=False).encode()
    fixed = {"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body)), "x-amzn-RequestId": request_id}
    return Answer(int(status), fixed | (headers or {}), body)

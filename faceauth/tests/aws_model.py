"""Answers checked against Rekognition's own service model, as botocore carries it."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from botocore.client import BaseClient
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from faceauth.local.service_model import compiled

EMPTY_LISTS = ("FaceIdList",)  # DeletedFaces: AWS answers an empty one, against its model
COMMON_CODES = ("ValidationException",)  # of every AWS service; Rekognition's for a picture with too many bytes


def broken_rules(shape: Shape, value: Any, path: str = "answer") -> Iterator[str]:
    """What `value`, straight from the JSON, breaks of an output shape."""
    kinds: dict[str, Any] = {
        "integer": int,
        "long": int,
        "float": (int, float),
        "boolean": bool,
        "timestamp": (int, float),
    }
    match shape:
        case StructureShape():
            kind: Any = dict
        case ListShape():
            kind = list
        case MapShape():
            kind = dict
        case _:
            kind = kinds.get(shape.type_name, str)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield f"{path} is {type(value).__name__}, not {shape.type_name}"
        return
    size = value if isinstance(value, (int, float)) else len(value)
    least = 0 if shape.name in EMPTY_LISTS else shape.metadata.get("min", size)
    if size < least or size > shape.metadata.get("max", size):
        yield f"{path} is out of range: {size}"
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        yield f"{path} is none of its values: {value}"
    if "pattern" in shape.metadata and not compiled(shape.metadata["pattern"]).fullmatch(value):
        yield f"{path} does not match {shape.metadata['pattern']}: {value}"
    if isinstance(shape, StructureShape):
        for name in set(shape.required_members) - value.keys():
            yield f"{path} lacks {name}"
        for name, item in value.items():
            if name in shape.members:
                yield from broken_rules(shape.members[name], item, f"{path}.{name}")
            else:
                yield f"{path} has no member {name}"
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from broken_rules(shape.member, item, f"{path}[{number}]")


def check_answer(operation: OperationModel, status: int, headers: dict[str, str], body: bytes) -> None:
    """Fail unless this is an answer, or an error, that the model lets the operation give."""
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert uuid.UUID(headers["x-amzn-requestid"])
    members = json.loads(body)
    if status == 200:
        assert operation.output_shape is not None
        assert list(broken_rules(operation.output_shape, members)) == []
        return
    code = members["__type"]
    assert code in {*(shape.name for shape in operation.error_shapes), *COMMON_CODES}
    assert status == (500 if code == "InternalServerError" else 400)
    assert headers["x-amzn-errortype"] == members["Code"] == code
    assert members["Message"]
    assert not re.search(r"Traceback|File \"", members["Message"])


def check_every_answer(client: BaseClient) -> None:
    """Let `check_answer` look at everything that this client receives."""

    def look(operation_model: OperationModel, response_dict: dict[str, Any], **kwargs: Any) -> None:
        check_answer(
            operation_model, response_dict["status_code"], dict(response_dict["headers"]), response_dict["body"]
        )

    client.meta.events.register("before-parse.rekognition", look)

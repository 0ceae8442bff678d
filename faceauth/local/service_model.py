"""Rekognition's own service model, as botocore carries it, and requests checked against it.

Everything the model says about an input is checked here, once, for every operation: required members, types, lengths,
ranges, patterns and enums. The operations themselves then only look at what the model cannot say.
"""

import base64
import binascii
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from faceauth.local.errors import ImageTooLarge, InvalidParameter, Serialization

Parameters = dict[str, Any]

# A list of 4,096 wrong ids gives as many errors; a few of them are enough to find the mistake.
MOST_ERRORS_TOLD = 5


@cache
def service_model() -> ServiceModel:
    # The loader alone: a session would also read, and trip over, the AWS settings of whoever runs this.
    return ServiceModel(Loader().load_service_model("rekognition", "service-2"), "rekognition")


def operation_model(name: str) -> OperationModel:
    """Raises botocore's OperationNotFoundError for a name that Rekognition does not have."""
    return service_model().operation_model(name)


def read_request(operation: OperationModel, body: bytes) -> Parameters:
    """The parameters in the JSON `body`, checked; blobs are bytes, absent members absent.

    Raises `Serialization` for what cannot be read as this operation's input, `InvalidParameter` for what breaks a
    constraint and `ImageTooLarge` for too large a picture.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    parameters = read_value(shape, read_json(body), "")
    broken = list(broken_constraints(shape, parameters, ""))
    if broken:
        count = "1 validation error" if len(broken) == 1 else f"{len(broken)} validation errors"
        told = "; ".join(sentence for _, sentence in broken[:MOST_ERRORS_TOLD])
        too_large = all(shape.type_name == "blob" and "less than" in sentence for shape, sentence in broken)
        raise (ImageTooLarge if too_large else InvalidParameter)(f"{count} detected: {told}")
    return parameters  # type: ignore[no-any-return]


def read_json(body: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")  # Python's own reader would take NaN and Infinity

    try:
        return json.loads(body or b"{}", parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Serialization("The body of the request is not JSON.") from error


# Types ----------------------------------------------------------------------------------------------------------------


def read_value(shape: Shape, value: Any, path: str) -> Any:
    """`value` as Python has it, or `Serialization` when it is of another type than `shape`."""
    match shape:
        case StructureShape():
            return read_structure(shape, expect(dict, value, path), path)
        case ListShape():
            items = expect(list, value, path)
            return [read_value(shape.member, item, f"{path}.{n}.member") for n, item in enumerate(items, 1)]
        case MapShape():
            items = expect(dict, value, path)
            return {key: read_value(shape.value, item, f"{path}.{key}.member") for key, item in items.items()}
    match shape.type_name:
        case "blob":
            try:
                return base64.b64decode(expect(str, value, path), validate=True)
            except (binascii.Error, ValueError) as error:
                raise Serialization(f"The member '{path}' is not base64.") from error
        case "integer" | "long":
            return expect(int, value, path)
        case "float" | "double":
            return read_float(value, path)
        case "boolean":
            return expect(bool, value, path)
    return expect(str, value, path)


def read_structure(shape: StructureShape, value: Parameters, path: str) -> Parameters:
    unknown = value.keys() - shape.members.keys()
    if unknown:  # AWS would skip it; here a misspelt threshold must not quietly become the default one
        raise InvalidParameter(f"{shape.name} has no member of this name: {sorted(unknown)[0]!r:.80}.")
    return {
        name: read_value(member, value[name], join(path, name))
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def read_float(value: Any, path: str) -> float:
    try:
        return float(expect((int, float), value, path))
    except OverflowError as error:
        raise Serialization(f"The member '{path}' is out of range.") from error


def expect(kind: type | tuple[type, ...], value: Any, path: str) -> Any:
    wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
    if wrong:
        raise Serialization(f"The member '{path}' is of the wrong type.")
    return value


def join(path: str, name: str) -> str:
    """AWS writes paths in camel case: image.bytes, faceIds.1.member."""
    camel = name[0].lower() + name[1:]
    return f"{path}.{camel}" if path else camel


# Constraints ----------------------------------------------------------------------------------------------------------


def broken_constraints(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape, str]]:
    """What `value` breaks of the model's rules, each as (shape, AWS's sentence), nested values included."""
    for constraint in broken_rules(shape, value):
        # The value itself stays out of the sentence: it may be a picture.
        yield shape, f"Value at '{path}' failed to satisfy constraint: {constraint}"
    match shape:
        case StructureShape():
            for name in shape.required_members:
                if name not in value:
                    yield shape, f"Value at '{join(path, name)}' failed to satisfy constraint: Member must not be null"
            for name, item in value.items():
                yield from broken_constraints(shape.members[name], item, join(path, name))
        case ListShape():
            for n, item in enumerate(value, 1):
                yield from broken_constraints(shape.member, item, f"{path}.{n}.member")
        case MapShape():
            for key, item in value.items():
                yield from broken_constraints(shape.key, key, f"{path}.key")
                yield from broken_constraints(shape.value, item, f"{path}.value")


def broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    rules: dict[str, Any] = shape.metadata
    number = shape.type_name in ("integer", "long", "float", "double")
    what, size = ("value", value) if number else ("length", None)
    if not number and ("min" in rules or "max" in rules):
        size = len(value)
    if "min" in rules and size < rules["min"]:
        yield f"Member must have {what} greater than or equal to {rules['min']}"
    if "max" in rules and size > rules["max"]:
        yield f"Member must have {what} less than or equal to {rules['max']}"
    if "pattern" in rules and not compiled(rules["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""One of the model's patterns, which are Java's: Python's `re` has no \p{L} for a Unicode category."""
    return re.compile(re.sub(r"\\p\{(\w)\}", lambda found: category(found[1]), pattern))


@cache
def category(letter: str) -> str:
    """All characters of a Unicode category, as ranges for a character class."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] == letter:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)

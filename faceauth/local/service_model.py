"""Check requests against Rekognition's service model, which botocore carries.

Required members, types, lengths, ranges, patterns and enums of every operation are checked here. The operations check
only what the model cannot express.
"""

import base64
import binascii
import re
import sys
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from faceauth.local.errors import Code, Refused, invalid_parameter
from privatekit import jsons

Parameters = dict[str, Any]

# A list of 4,096 wrong ids gives as many errors; a few are enough to find the mistake.
MAX_ERRORS = 5
MAX_VALUES = 20_000  # of a request; the longest list that Rekognition takes has 4,096 items


class Broken(NamedTuple):
    """A constraint that a request breaks. The value is not quoted, since it may be a picture."""

    path: str
    shape: Shape
    rule: str


one_at_a_time = threading.Lock()  # a picture is there four times for a moment: as bytes, as text, and in base64


@cache
def service_model() -> ServiceModel:
    # Without a session, which would read this user's AWS settings and fail where they are broken.
    return ServiceModel(Loader().load_service_model("rekognition", "service-2"), "rekognition")


def operation_model(name: str) -> OperationModel:
    """Raises botocore's OperationNotFoundError for a name that Rekognition does not have."""
    return service_model().operation_model(name)


def read_request(operation: OperationModel, body: bytes) -> Parameters:
    """The parameters in the JSON `body`: blobs as bytes, without members that are absent or null.

    Raises `Refused`: SERIALIZATION for what is not this operation's input, VALIDATION for a picture with too many
    bytes, as AWS does, and INVALID_PARAMETER for any other broken constraint.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    broken: list[Broken] = []
    with one_at_a_time:
        parameters = read_value(shape, read_json(body), "", broken)
    if broken:
        count = "1 validation error" if len(broken) == 1 else f"{len(broken)} validation errors"
        told = "; ".join(f"Value at '{it.path}' failed to satisfy constraint: {it.rule}" for it in broken[:MAX_ERRORS])
        too_large = all(it.shape.type_name == "blob" and "less than" in it.rule for it in broken)
        raise Refused(Code.VALIDATION if too_large else Code.INVALID_PARAMETER, f"{count} detected: {told}")
    return parameters  # type: ignore[no-any-return]


def read_json(body: bytes) -> Any:
    try:
        return jsons.loads(body or b"{}", MAX_VALUES)
    except jsons.TooMany as error:
        raise serialization(f"The body of the request has more than {MAX_VALUES} values.") from error
    except ValueError as error:
        raise serialization("The body of the request is not JSON.") from error


def serialization(message: str) -> Refused:
    return Refused(Code.SERIALIZATION, message)


def read_value(shape: Shape, value: Any, path: str, broken: list[Broken]) -> Any:
    """`value` in Python's types; adds to `broken`. Raises `Refused` where it is of another type than `shape`."""
    read: Any
    match shape:
        case StructureShape():
            read = read_structure(shape, expect(dict, value, path), path, broken)
        case ListShape():
            items = enumerate(expect(list, value, path), 1)
            read = [read_value(shape.member, item, f"{path}.{n}.member", broken) for n, item in items]
        case MapShape():
            read = {
                read_value(shape.key, key, f"{path}.key", broken): read_value(
                    shape.value, item, f"{path}.value", broken
                )
                for key, item in expect(dict, value, path).items()
            }
        case _:
            read = read_scalar(shape.type_name, value, path)
    broken += [Broken(path, shape, rule) for rule in broken_rules(shape, read)]
    return read


def read_structure(shape: StructureShape, value: Parameters, path: str, broken: list[Broken]) -> Parameters:
    unknown = value.keys() - shape.members.keys()
    if unknown:  # AWS ignores it; here a misspelt threshold must not become the default without a word
        raise invalid_parameter(f"{shape.name} has no member of this name: {sorted(unknown)[0]!r:.80}.")
    given = {name: item for name, item in value.items() if item is not None}
    missing = (name for name in shape.required_members if name not in given)
    broken += [Broken(join(path, name), shape, "Member must not be null") for name in missing]
    return {name: read_value(shape.members[name], item, join(path, name), broken) for name, item in given.items()}


def read_scalar(kind: str, value: Any, path: str) -> Any:
    match kind:
        case "blob":
            try:
                return base64.b64decode(expect(str, value, path), validate=True)
            except (binascii.Error, ValueError) as error:
                raise serialization(f"The member '{path}' is not base64.") from error
        case "integer" | "long":
            return expect(int, value, path)
        case "float" | "double":
            return read_float(value, path)
        case "boolean":
            return expect(bool, value, path)
    return expect(str, value, path)


def read_float(value: Any, path: str) -> float:
    try:
        return float(expect((int, float), value, path))
    except OverflowError as error:
        raise serialization(f"The member '{path}' is out of range.") from error


def expect(kind: type | tuple[type, ...], value: Any, path: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise serialization(f"The member '{path}' is of the wrong type.")
    return value


def join(path: str, name: str) -> str:
    """AWS writes paths in camel case: image.bytes, faceIds.1.member."""
    camel = name[0].lower() + name[1:]
    return f"{path}.{camel}" if path else camel


def broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    rules: dict[str, Any] = shape.metadata
    if "min" in rules or "max" in rules:
        number = shape.type_name in ("integer", "long", "float", "double")
        what, size = ("value", value) if number else ("length", len(value))
        if size < rules.get("min", size):
            yield f"Member must have {what} greater than or equal to {rules['min']}"
        if size > rules.get("max", size):
            yield f"Member must have {what} less than or equal to {rules['max']}"
    if "pattern" in rules and not compiled(rules["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""One of the model's patterns. They are Java's; Python's `re` has no \p{L} for a Unicode category."""
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

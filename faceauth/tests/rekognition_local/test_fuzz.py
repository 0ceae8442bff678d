"""Anything may be sent: it is answered or refused, and never breaks the service.

Bounded, so that it fits every test run; `--hypothesis-seed` looks elsewhere.
"""

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceauth.local import face_liveness, service
from faceauth.local.options import Options, configure
from faceauth.local.service import OPERATIONS
from faceauth.local.service_model import operation_model
from faceauth.tests.aws_model import check_answer
from faceauth.tests.pictures import collins, encoded, hopper, opened

pytestmark = pytest.mark.django_db

bounded = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))
COMMON = {"SerializationException", "UnknownOperationException"}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of this shape, right in kind and often wrong in everything else; sometimes anything at all."""
    strategy: st.SearchStrategy[Any]
    match shape:
        case StructureShape():
            members = {name: values(member) for name, member in shape.members.items()}
            strategy = st.fixed_dictionaries({}, optional=members)
        case ListShape():
            strategy = st.lists(values(shape.member), max_size=3)
        case MapShape():
            strategy = st.dictionaries(values(shape.key).map(str), values(shape.value), max_size=3)
        case _ if shape.type_name == "blob":
            strategy = st.binary(max_size=50).map(lambda data: base64.b64encode(data).decode())
        case _ if shape.type_name in ("integer", "float"):
            strategy = st.integers(-1, 5000) | st.floats(-1, 101)
        case _:
            known = [*shape.metadata.get("enum", []), "people", "00000000-0000-0000-0000-000000000000"]
            strategy = st.sampled_from(known) | st.text(max_size=10)
    return st.one_of(strategy, strategy, strategy, JSON)


@cache
def requests(operation: str) -> st.SearchStrategy[Any]:
    shape = operation_model(operation).input_shape
    assert shape is not None
    return values(shape)


@pytest.fixture
def with_face_liveness() -> Iterator[None]:
    """As a process that serves alone has it."""
    configure(Options(face_liveness=True))
    yield
    configure(Options())
    face_liveness.sessions.clear()


def must_hold(operation: str, answer: service.Answer) -> None:
    members = json.loads(answer.body)
    assert answer.status in (200, 400), members
    if members.get("__type") not in COMMON:
        check_answer(operation_model(operation), *answer)


@bounded
@given(st.data())
@pytest.mark.usefixtures("with_face_liveness")
def test_any_request(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(sorted(OPERATIONS)))
    body = json.dumps(data.draw(requests(operation))).encode()
    must_hold(operation, service.answer(f"RekognitionService.{operation}", body))


@bounded
@given(target=st.text(max_size=60), body=st.binary(max_size=200))
def test_any_target_and_any_bytes(target: str, body: bytes) -> None:
    assert service.answer(target, body).status == 400
    must_hold("ListFaces", service.answer("RekognitionService.ListFaces", body))


@cache
def small_pictures() -> list[bytes]:
    jpeg = encoded(opened(hopper()).resize((120, 140)), quality=60)
    progressive = encoded(opened(collins()).resize((120, 120)), quality=60, progressive=True)
    return [jpeg, progressive, encoded(opened(collins()).resize((90, 90)).quantize(32), "PNG")]


@bounded
@given(st.data())
def test_any_picture(data: st.DataObject) -> None:
    """Real pictures, spoilt: bytes changed, cut out, put in and cut off."""
    picture = bytearray(data.draw(st.sampled_from(small_pictures())))
    for _ in range(data.draw(st.integers(0, 8))):
        place = data.draw(st.integers(0, len(picture)))
        picture[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    del picture[data.draw(st.integers(0, len(picture)) | st.just(len(picture))) :]
    body = json.dumps({"Image": {"Bytes": base64.b64encode(picture).decode()}}).encode()
    must_hold("DetectFaces", service.answer("RekognitionService.DetectFaces", body))

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from faceauth.conf import conf
from faceauth.enrolment.enrol import enrol
from faceauth.local import transport
from faceauth.local.service import Answer, answer
from faceauth.outcomes import Outcome
from faceauth.rekognition.client import client
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.vision.photos import Photo, read_photo

Fault = Callable[..., list[str]]


@pytest.fixture
def collection(db: None) -> Collection:
    """The collection of the settings, empty."""
    made = Collection(conf().COLLECTION)
    made.create()
    return made


@pytest.fixture
def hopper(collection: Collection) -> Any:
    """Grace Hopper, whom the collection remembers."""
    recognition = enrol(read(pictures.hopper()))
    assert recognition.outcome == Outcome.ENROLLED, recognition
    return recognition.user


@pytest.fixture
def admin(operator: User) -> Client:
    """The operator, signed in to the admin."""
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def without_look(settings: Settings) -> None:
    """A door where one frame of the camera is enough."""
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "open"}


def read(data: bytes) -> Photo:
    photo = read_photo(data)
    assert isinstance(photo, Photo), photo
    return photo


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """The operations that are sent to Rekognition during the test, in order."""
    seen: list[str] = []

    def note(request: AWSPreparedRequest, event_name: str, **kwargs: Any) -> None:
        seen.append(event_name.rsplit(".", 1)[1])

    events = client().meta.events
    events.register_first("before-send.rekognition", note)
    yield seen
    events.unregister("before-send.rekognition", note)


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fault]:
    """Make an operation of Rekognition fail: with an error code, with an exception, or with an answer of its own."""
    events = client().meta.events
    registered: list[tuple[str, Any]] = []
    broken: set[str] = set()

    def answer_unless_broken(target: str, body: bytes) -> Answer:
        """botocore asks all handlers and takes the first answer, so the service must not act on a broken call."""
        return Answer(500, {}, b"{}") if target.partition(".")[2] in broken else answer(target, body)

    monkeypatch.setattr(transport, "answer", answer_unless_broken)

    def make(
        operation: str, problem: str | dict[str, Any] | BaseException, message: str = "", status: int = 400
    ) -> list[str]:
        tries: list[str] = []

        def fail(request: AWSPreparedRequest, **kwargs: Any) -> Any:
            tries.append(operation)
            if isinstance(problem, BaseException):
                raise problem
            error = {"__type": problem, "Message": message}
            return answer_of(request, status, problem if isinstance(problem, dict) else error)

        broken.add(operation)
        event = f"before-send.rekognition.{operation}"
        events.register_first(event, fail)
        registered.append((event, fail))
        return tries

    yield make
    for event, handler in registered:
        events.unregister(event, handler)


class Body:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        yield self.content


def answer_of(request: AWSPreparedRequest, status: int, content: dict[str, Any]) -> AWSResponse:
    headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.1"})
    return AWSResponse(request.url, status, headers, Body(json.dumps(content).encode()))


# As on AWS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def amazon() -> Iterator[str]:
    """moto's server, with our service behind its Rekognition URLs: moto itself has no face collections."""
    from moto.rekognition import urls
    from moto.server import ThreadedMotoServer

    def rekognition(request: Any, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        try:
            return answer(headers["X-Amz-Target"], request.data)
        finally:
            connection.close()  # the server has a thread for each request

    original = urls.url_paths
    urls.url_paths = {"{0}/$": rekognition}
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    urls.url_paths = original


@pytest.fixture(params=["local", "aws"])
def endpoint(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> str:
    """Where Rekognition's calls go; everything that uses this is tested in this process and as on AWS."""
    if request.param == "aws":
        monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", request.getfixturevalue("amazon"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of nobody")
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": request.param}
    return str(request.param)

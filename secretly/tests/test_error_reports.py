"""An error while a picture is processed: the picture is in no report, log, mail, file or session."""

import base64
import io
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils.log import AdminEmailHandler
from django.views.debug import get_default_exception_reporter_filter
from pytest_django import Settings

from faceauth.conf import conf
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from privatekit import images

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_liveness_check(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "open"}


BEFORE_THE_VIEW = "secretly.tests.test_error_reports.breaks_before_the_view"
AFTER_THE_VIEW = "secretly.tests.test_error_reports.breaks_after_the_view"


class Broken(Exception):
    pass


def breaks(*args: Any, **kwargs: Any) -> Any:
    picture_in_a_local_variable = args  # as a frame that nobody marked would have it
    raise Broken(f"{len(picture_in_a_local_variable)} arguments")


def breaks_before_the_view(get_response: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST":
            raise Broken
        return get_response(request)

    return middleware


def breaks_after_the_view(get_response: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method == "POST":
            content = response.content  # type: ignore[attr-defined]
            raise Broken(str(len(content)))
        return response

    return middleware


PLACES = [
    "privatekit.uploads.MemoryUploadHandler.receive_data_chunk",
    "privatekit.uploads.MemoryUploadHandler.file_complete",
    "faceauth.ratelimit.limits.take",
    "faceauth.web.uploads.picture_in",
    "faceauth.web.uploads.read_photo",
    "privatekit.images.jpeg",
    "privatekit.images.fitted",
    "faceauth.recognition.search.find_faces",
    "faceauth.vision.quality_gate.judge",
    "faceauth.recognition.search.look_up",
    "faceauth.recognition.search.decide",
    "faceauth.backends.search.recognise",
    "faceauth.rekognition.collection.Collection.search",
    "botocore.httpsession.URLLib3Session.send",
    "faceauth.local.service.answer",
    "faceauth.web.consent.seal",
    "faceauth.web.login.record",
    "faceauth.web.login.open_or_refuse",
    BEFORE_THE_VIEW,
    AFTER_THE_VIEW,
]


def words_of(data: bytes) -> Iterator[str]:
    """Parts of the picture as they would look in a log, a page or a file: raw, as Python shows bytes, hex, base64."""
    for start in [*range(0, 4000, 157), len(data) // 2, len(data) - 40]:
        part = data[start : start + 24]
        yield part.decode("latin-1")
        yield part.hex()
        if not re.search(rb"['\"<>&\\]", part):
            yield repr(part)[2:-1]
        for shift in range(3):  # base64 looks different from each of three places
            aligned = data[start - start % 3 + shift :][:24]
            yield base64.b64encode(aligned).decode()
            yield base64.urlsafe_b64encode(aligned).decode()


def html_of(message: mail.EmailMessage) -> str:
    assert isinstance(message, mail.EmailMultiAlternatives)
    return str(message.alternatives[0][0])


def found_in(text: str, words: set[str]) -> list[str]:
    return [word for word in words if word in text]


def written(folder: Path) -> str:
    """All that lies in the files of a folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and "static" not in path.parts]
    return "".join(path.read_bytes().decode("latin-1") for path in files)


@pytest.fixture
def collection() -> Collection:
    made = Collection(conf().COLLECTION)
    made.create()
    return made


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Temporary files that are made during the test."""
    made: list[str] = []

    def make(*args: Any, **kwargs: Any) -> None:
        made.append(str(args))
        raise Broken

    for name in ("mkstemp", "NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, make)
    return made


@pytest.fixture
def mails(settings: Settings) -> Iterator[None]:
    """Errors are mailed to the operator with the whole HTML report."""
    settings.ADMINS = [("Operator", "operator@secretly.example")]
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.mark.parametrize("debug", [False, True], ids=["live", "debug"])
@pytest.mark.parametrize("method", ["file", "camera"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.slow
def test_a_picture_is_in_nothing_that_is_written(
    place: str,
    method: str,
    debug: bool,
    collection: Collection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mails: None,
    watched: list[str],
) -> None:
    settings.DEBUG = debug
    caplog.set_level(logging.DEBUG, logger="django")
    picture = pictures.hopper() + b"\0" * (3_000_000 if method == "file" else 0)  # above what Django keeps in memory
    words = set(words_of(pictures.hopper()))
    seen: list[bytes] = []
    encode = images.jpeg

    def encode_and_tell(image: Any, *args: Any) -> bytes:
        seen.append(encode(image, *args))
        return seen[-1]

    monkeypatch.setattr("privatekit.images.jpeg", encode_and_tell)
    if place in (BEFORE_THE_VIEW, AFTER_THE_VIEW):
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, place]
    elif place == "botocore.httpsession.URLLib3Session.send":
        settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "http://127.0.0.1:9"}
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of nobody")
        monkeypatch.setattr(place, breaks)
    else:
        monkeypatch.setattr(place, breaks)
    if place == "faceauth.local.service.answer":
        monkeypatch.setattr("faceauth.local.transport.answer", breaks)
    client = Client(raise_request_exception=False)
    if method == "file":
        form: dict[str, Any] = {"file": SimpleUploadedFile("me.jpg", picture, "image/jpeg")}
    else:
        form = {"image": f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"}

    answer = client.post("/login/", form)

    only_files = "MemoryUploadHandler" in place and method == "camera"
    assert answer.status_code == (200 if only_files else 500)
    for jpeg in seen:
        words |= set(words_of(jpeg))
    if not only_files:
        assert found_in(answer.content.decode(), words) == []
        assert "array([" not in answer.content.decode()
        [message] = mail.outbox
        html = html_of(message)
        assert "Broken" in html
        assert found_in(message.body + html + str(message.message()), words) == []
        assert "array([" not in html
    log = "".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    assert found_in(log + caplog.text, words) == []
    assert watched == []
    assert found_in(written(Path(site.HOME)), words) == []
    for session in Session.objects.all():
        assert found_in(str(session.get_decoded()), words) == []


def test_the_search_finds_a_picture(collection: Collection) -> None:
    """The words are those that a leak would show."""
    data = pictures.hopper()
    words = set(words_of(data))
    assert found_in(repr(data[:4096]), words)
    assert found_in(base64.b64encode(data).decode()[:4096], words)
    assert found_in(base64.b64encode(b"x" + data).decode()[:4096], words)
    assert found_in(data.decode("latin-1"), words)
    assert found_in(data.hex(), words)


def test_djangos_own_filter_shows_the_picture(collection: Collection, settings: Settings, mails: None) -> None:
    """An error before the view: that is why there is a filter of our own."""
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = "django.views.debug.SafeExceptionReporterFilter"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, BEFORE_THE_VIEW]
    form = {"image": f"data:image/jpeg;base64,{base64.b64encode(pictures.hopper()).decode()}"}
    get_default_exception_reporter_filter.cache_clear()  # type: ignore[attr-defined]
    try:
        Client(raise_request_exception=False).post("/login/", form)
    finally:
        get_default_exception_reporter_filter.cache_clear()  # type: ignore[attr-defined]
    html = html_of(mail.outbox[0])
    assert found_in(html, set(words_of(pictures.hopper())))


@pytest.mark.parametrize(
    "place", ["faceauth.web.consent.unseal", "faceauth.web.login.reopen_photo", "faceauth.enrolment.enrol.enrol"]
)
def test_a_sealed_picture_is_in_nothing_that_is_written(
    place: str, collection: Collection, settings: Settings, monkeypatch: pytest.MonkeyPatch, mails: None
) -> None:
    client = Client(raise_request_exception=False)
    question = client.post("/login/", {"file": SimpleUploadedFile("me.jpg", pictures.hopper(), "image/jpeg")})
    found = re.search(r'name="sealed" value="([^"]+)"', question.content.decode())
    assert found
    words = {found[1][start : start + 32] for start in range(0, 4000, 157)} | set(words_of(pictures.hopper()))
    monkeypatch.setattr(place, breaks)
    for settings.DEBUG in (False, True):
        answer = client.post("/login/enrol/", {"sealed": found[1], "answer": "yes"})
        assert answer.status_code == 500
        assert found_in(answer.content.decode(), words) == []
    for message in mail.outbox:
        assert found_in(html_of(message) + message.body, words) == []
    assert found_in(written(Path(site.HOME)), words) == []


def test_a_note_is_in_no_report(owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, mails: None) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, AFTER_THE_VIEW]
    client = Client(raise_request_exception=False)
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    for settings.DEBUG in (False, True):
        answer = client.post("/", {"text": "what nobody else shall read"})
        assert answer.status_code == 500
        assert "shall read" not in answer.content.decode()
    for message in mail.outbox:
        assert "shall read" not in html_of(message) + message.body


def test_a_large_file_stays_in_memory(
    collection: Collection, settings: Settings, tmp_path: Path, watched: list[str]
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    picture = io.BytesIO(pictures.hopper() + b"\0" * 4_000_000)
    answer = Client().post("/login/", {"file": SimpleUploadedFile("me.jpg", picture.getvalue(), "image/jpeg")})
    assert answer.status_code == 200
    assert watched == []
    assert os.listdir(tmp_path) == []


def test_the_search_covers_the_database_file(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("The database is a server's.")
    assert Path(str(connection.settings_dict["NAME"])).is_relative_to(site.HOME)

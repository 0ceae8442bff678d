import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

from faceauth.models import SignIn
from faceauth.outcomes import Reason, Refusal
from faceauth.vision.photos import MAX_BYTES
from faceauth.web.uploads import LIMITS, from_data_url, picture_in
from privatekit.uploads import MemoryUploadHandler


def posted(**fields: object) -> HttpRequest:
    request = RequestFactory().post("/login/", fields)
    request.upload_handlers = [MemoryUploadHandler(request, LIMITS)]
    return request


def chosen(size: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("me.jpg", b"x" * size, "image/jpeg")


def data_url(content: bytes, kind: str = "image/jpeg") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_chosen_file() -> None:
    assert picture_in(posted(file=chosen(3_000_000))) == (b"x" * 3_000_000, SignIn.Method.FILE)


def test_frame_of_the_camera() -> None:
    assert picture_in(posted(image=data_url(b"frame"))) == (b"frame", SignIn.Method.CAMERA)


def test_an_empty_image_field_beside_a_file_is_no_second_picture() -> None:
    assert picture_in(posted(image="", file=chosen(3))) == (b"xxx", SignIn.Method.FILE)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"image": ""},
        {"image": data_url(b"frame"), "file": chosen(3)},
        {"image": [data_url(b"one"), data_url(b"two")]},
        {"file": [chosen(1), chosen(2)]},
        {"file": "just text"},
    ],
)
def test_not_one_picture(fields: dict[str, object]) -> None:
    assert picture_in(posted(**fields))[0] == Refusal(Reason.NOT_AN_IMAGE)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/me.jpg",
        "data:image/jpeg,plain",
        "data:text/plain;base64,aGVsbG8=",
        "data:image/jpeg;base64,not base64!",
        "data:image/jpeg;base64,abc",
        "data:image/jpeg;base64,é",
        "javascript:alert(1)",
        "data:" + "x" * 1000,
    ],
)
def test_malformed_data_url(url: str) -> None:
    assert from_data_url(url) == Refusal(Reason.NOT_AN_IMAGE)


def test_data_url_at_the_limit() -> None:
    content = b"\0" * MAX_BYTES
    assert from_data_url(data_url(content)) == content
    assert from_data_url(data_url(content + b"\0\0\0")) == Refusal(Reason.TOO_LARGE)


@pytest.mark.parametrize(("size", "kept"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_file_at_the_limit(size: int, kept: bool) -> None:
    picture = picture_in(posted(file=chosen(size)))[0]
    assert len(picture) == size if kept and isinstance(picture, bytes) else picture == Refusal(Reason.TOO_LARGE)


def test_a_file_that_is_too_large_is_not_kept_in_memory() -> None:
    request = posted(file=chosen(MAX_BYTES + 1))
    uploaded: Any = request.FILES["file"]
    assert uploaded.size == MAX_BYTES + 1
    assert uploaded.read() == b""


def test_many_files_are_not_kept_in_memory() -> None:
    """The form's token is read after them: whoever has none could fill the memory otherwise."""
    files = [SimpleUploadedFile("a.jpg", b"x" * 6_000_000) for _ in range(3)]
    request = RequestFactory().post("/", {"frame": files[:2], "other": files[2], "file": files[:1]})
    request.upload_handlers = [MemoryUploadHandler(request, LIMITS)]
    sizes = {name: [len(file.read()) for file in request.FILES.getlist(name)] for name in request.FILES}
    assert sizes == {"frame": [6_000_000, 6_000_000], "other": [0], "file": [0]}

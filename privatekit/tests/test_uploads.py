"""Uploaded files stay in memory, within limits; what is not kept is not taken for an empty file."""

import io
import tempfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

from privatekit.uploads import Limits, MemoryUploadHandler


class Spooled:
    """Stands for an encrypted temporary file."""

    made = 0

    def __init__(self) -> None:
        Spooled.made += 1
        self.content, self.size = b"", 0

    def add(self, data: bytes) -> None:
        self.content += data
        self.size += len(data)

    def opened(self) -> io.BytesIO:
        return io.BytesIO(self.content)


def sent(limits: Limits, *files: tuple[str, int], field: str = "file") -> list[tuple[int, int]]:
    """How large each file says it is, and how many bytes of it were kept."""
    data = {field: [SimpleUploadedFile(name, b"x" * size) for name, size in files]}
    request: HttpRequest = RequestFactory().post("/", data)
    request.upload_handlers = [MemoryUploadHandler(request, limits, Spooled)]
    uploaded: list[Any] = request.FILES.getlist(field)
    return [(file.size, len(file.read())) for file in uploaded]


def test_files_within_the_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any, **kwargs: Any) -> None:
        pytest.fail("A file was written to the temporary folder.")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", never)
    assert (
        sent(Limits(each=3_000_000, together=6_000_000), ("a", 3_000_000), ("b", 3_000_000))
        == [(3_000_000, 3_000_000)] * 2
    )


def test_a_file_is_gone_with_the_answer() -> None:
    """Requests are in circles of Django's own: what they still held would wait for the garbage collection."""
    request: HttpRequest = RequestFactory().post("/", {"file": SimpleUploadedFile("a", b"x" * 1_000_000)})
    handler = MemoryUploadHandler(request, Limits(each=10**6, together=10**6), Spooled)
    request.upload_handlers = [handler]
    sent: Any = request.FILES["file"]
    content = sent.file
    request.close()
    assert content.closed
    assert handler.content.getbuffer().nbytes == 0


def test_one_byte_more_than_a_file_may_have_is_not_kept() -> None:
    assert sent(Limits(each=100_000, together=10**6), ("a", 100_001), ("b", 100_000)) == [
        (100_001, 0),
        (100_000, 100_000),
    ]


def test_what_has_no_room_beside_the_others_says_that_it_is_too_large() -> None:
    assert sent(Limits(each=100, together=150), ("a", 100), ("b", 51), ("c", 50)) == [(100, 100), (101, 0), (50, 50)]


def test_only_the_named_fields_are_kept() -> None:
    limits = Limits(each=100, together=100, fields=frozenset({"file"}))
    assert sent(limits, ("a", 100)) == [(100, 100)]
    assert sent(limits, ("a", 100), field="other") == [(101, 0)]
    Spooled.made = 0
    assert sent(Limits(fields=frozenset({"file"}), spooled=100), ("a.zip", 50), field="other") == [(50, 0)]
    assert Spooled.made == 0


def test_without_limits_nothing_is_kept() -> None:
    Spooled.made = 0
    assert sent(Limits(), ("a", 1), ("a.zip", 1)) == [(1, 0)] * 2
    assert Spooled.made == 0


def test_zip_files_are_spooled_up_to_a_limit_of_their_own() -> None:
    limits = Limits(each=10, together=10, spooled=200_000)
    assert sent(limits, ("a.ZIP", 150_000), ("b.txt", 10), ("c.zip", 50_000)) == [
        (150_000, 150_000),
        (10, 10),
        (50_000, 50_000),
    ]
    [(_size, kept), (too_large, rest)] = sent(limits, ("a.zip", 150_000), ("b.zip", 50_001))
    assert kept == 150_000
    assert too_large == 200_001
    assert rest < 50_001

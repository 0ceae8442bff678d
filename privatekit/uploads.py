"""Files on their way in stay in memory, within limits.

Django's own handlers write a file of more than 2.5 MB to a temporary folder, where it lies readable. And anybody can
send files: they are read before the form's token is checked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Protocol

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Limits:
    """Of what one request may bring along, in bytes. More is read to its end, and not kept."""

    each: int = 0
    together: int = 0
    fields: frozenset[str] | None = None
    """The form's fields that files are taken from; None: all."""
    spooled: int = 0
    """Of archives in all, which are too large for the memory and go through a `Spool`."""
    archives: tuple[str, ...] = (".zip",)
    """How their names end."""


class Spool(Protocol):
    """Keeps a large file outside the memory, encrypted."""

    size: int

    def add(self, data: bytes) -> None: ...

    def opened(self) -> IO[bytes]: ...


class MemoryUploadHandler(FileUploadHandler):
    """Keeps the files of one request. One that was not kept is empty, and its `size` is what was sent."""

    def __init__(self, request: HttpRequest, limits: Limits, spool: Callable[[], Spool] | None = None) -> None:
        super().__init__(request)
        self.limits, self.spool = limits, spool
        self.left, self.spool_left = limits.together, limits.spooled

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.content, self.size = BytesIO(), 0
        wanted = self.limits.fields is None or self.field_name in self.limits.fields
        self.room = min(self.limits.each, self.left) if wanted else 0
        zipped = self.limits.spooled and (self.file_name or "").lower().endswith(self.limits.archives)
        self.spooled = self.spool() if wanted and zipped and self.spool else None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.spooled:
            if self.size <= self.spool_left:
                self.spooled.add(raw_data)
        elif self.size <= self.room:
            self.content.write(raw_data)
        else:
            self.content = BytesIO()

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        about = self.file_name or "", self.content_type
        if self.spooled:
            size = self.size if self.spooled.size == self.size else self.limits.spooled + 1
            self.spool_left -= self.spooled.size
            return UploadedFile(self.spooled.opened(), *about, size, self.charset)
        # Requests are freed by the garbage collection alone. What they hold is closed with the answer, but this is not.
        content, self.content = self.content, BytesIO()
        kept = content.tell()
        content.seek(0)
        self.left -= kept
        # A file that was not kept is larger than its own limit, even where the others took its room.
        size = self.size if kept == self.size else max(self.size, self.limits.each + 1)
        return InMemoryUploadedFile(content, self.field_name, *about, size, self.charset)

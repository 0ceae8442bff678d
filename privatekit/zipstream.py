"""A ZIP that is made while it is sent: at no time is more than a piece of one file of it in memory."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

File = tuple[str | zipfile.ZipInfo, Iterable[str | bytes]]
"""A file of a ZIP: its name, or more about it, and its content in pieces."""


def stream(files: Iterable[File]) -> Iterator[bytes]:
    """The bytes of a ZIP with these files, piece by piece. Text becomes UTF-8; a name alone means: compress it."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in files:
            with archive.open(entry, "w") as file:
                for piece in content:
                    file.write(piece.encode() if isinstance(piece, str) else piece)
                    if pipe.waiting:
                        yield pipe.take()
    yield pipe.take()


class Pipe(io.RawIOBase):
    """What zipfile writes to: it cannot be sought, and is emptied into the answer."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        self.waiting += memoryview(data)
        return memoryview(data).nbytes

    def take(self) -> bytes:
        data = bytes(self.waiting)
        self.waiting.clear()
        return data


def json_array(rows: Iterable[dict[str, object]]) -> Iterator[str]:
    """A JSON array, a row at a time."""
    separator = "[\n"
    for row in rows:
        yield separator + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"

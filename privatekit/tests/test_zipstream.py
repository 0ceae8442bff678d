"""A streamed ZIP is a ZIP, and is not collected in memory before it is sent."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

from privatekit.zipstream import File, json_array, stream


def opened(files: list[File]) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(stream(files))))
    assert archive.testzip() is None
    return archive


def test_text_bytes_and_pieces_come_out_as_they_went_in() -> None:
    stored = zipfile.ZipInfo("folder/é.bin", (2026, 1, 2, 3, 4, 6))
    archive = opened([("a.txt", ["é", "\n", b"x"]), (stored, [b"\0" * 1000, b"\1"]), ("empty", [])])
    assert archive.namelist() == ["a.txt", "folder/é.bin", "empty"]
    assert archive.read("a.txt") == "é\nx".encode()
    assert archive.read("folder/é.bin") == b"\0" * 1000 + b"\1"
    assert archive.getinfo("a.txt").compress_type == zipfile.ZIP_DEFLATED
    assert archive.getinfo("folder/é.bin").compress_type == zipfile.ZIP_STORED
    assert archive.getinfo("folder/é.bin").date_time == (2026, 1, 2, 3, 4, 6)


def test_nothing_is_an_empty_zip() -> None:
    assert opened([]).namelist() == []


def test_each_piece_is_sent_before_the_next_is_asked_for() -> None:
    asked = 0

    def pieces() -> Iterator[bytes]:
        nonlocal asked
        for number in range(10):
            asked += 1
            yield bytes([number]) * 100_000

    sent = 0
    for piece in stream([(zipfile.ZipInfo("a"), pieces())]):
        sent += len(piece)
        assert sent >= (asked - 1) * 100_000
        assert len(piece) < 200_000
    assert asked == 10


def test_rows_become_one_json_array() -> None:
    rows: list[dict[str, object]] = [{"at": datetime(2026, 1, 1, tzinfo=UTC), "text": "é"}, {"text": None}]
    assert json.loads("".join(json_array(rows))) == [{"at": "2026-01-01T00:00:00Z", "text": "é"}, {"text": None}]
    assert json.loads("".join(json_array([]))) == []

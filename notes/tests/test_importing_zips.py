"""A ZIP that is hostile, damaged or too large does no harm, and a large one goes through an encrypted file."""

import io
import random
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from notes import attachments, encryption, importing, sealed_tempfile
from notes.importing import archive as archives
from notes.models import Attachment, Note
from notes.tests.zips import bring, taken_in, texts, zipped


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.mark.parametrize(
    "name",
    ["../a.md", "a/../../b.md", "/etc/a.md", "..\\a.md", "C:\\a.md", "C:/a.md", "a/..", "a\0.md"],
)
def test_path_tricks_are_refused(own: Client, owner: User, name: str) -> None:
    archive = zipped({"fine.md": "fine", "x" * len(name): "trick"})
    answer = bring(own, ("a.zip", archive.replace(b"x" * len(name), name.encode())))
    assert answer.status_code == 422
    assert "point outside it" in answer.content.decode()
    assert not Note.objects.exists()


def test_a_link_is_left_out_alone(own: Client, owner: User) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.md")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("Q: what.md", "a question")
        archive.writestr("fine.md", "fine")
    page = bring(own, ("a.zip", buffer.getvalue())).content.decode()
    assert "a.md: a link, not a file." in page
    assert "Q: what.md: its name looks like a drive letter." in page
    assert texts(owner) == {"fine"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_packed_in_another_way_is_named_and_not_unpacked(own: Client, owner: User, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("bomb.md", b"0" * 50_000_000, method)
        archive.writestr("fine.md", "fine")
    tracemalloc.start()
    page = bring(own, ("a.zip", buffer.getvalue())).content.decode()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    name = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}[method]
    assert f"bomb.md: compressed with {name}, which is not supported." in page
    assert peak < 20_000_000
    assert texts(owner) == {"fine"}


def test_a_zip_within_a_zip_has_the_same_budget(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped({"inner.md": "within", "inner/plan.bin": b"plan"})
    assert taken_in(owner, zipped({"a.md": "a", "deep/part.zip": zipped({"part 1.zip": inner})})).attached == 1
    assert texts(owner) == {"a", "# inner\n\nwithin"}
    deepest = b"deep"
    for depth in range(6):
        deepest = zipped({f"{depth}.zip" if depth else "deep.md": deepest})
    assert taken_in(owner, deepest).left_out == ["2.zip: an archive within too many others."]
    monkeypatch.setattr(archives, "MAX_GROWTH", 1_000_000)
    bomb = zipped({"b.zip": zipped({"bomb.md": b"0" * 1_100_000, "more.md": "more"})})
    result = taken_in(owner, bomb)
    assert (result.kept, len(result.left_out)) == (0, 1)
    assert "b.zip: This ZIP file is too large" in result.left_out[0]


def test_what_unpacks_is_counted_each_time(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many notes may lead to one large file."""
    monkeypatch.setattr(archives, "MAX_GROWTH", 1_000_000)
    notes = {f"note {i}.md": f"Note {i} ![](big.bin)" for i in range(20)}
    result = taken_in(owner, zipped({**notes, "big.bin": b"0" * 300_000}))
    assert result.attached < 4
    assert "The rest was left out." in result.left_out[-1]


def test_a_directory_of_millions_is_not_read(owner: User) -> None:
    entry = b"PK\1\2" + bytes(42)
    directory = entry * 200_000
    end = b"PK\5\6" + bytes(4) + struct.pack("<HHLLH", 0xFFFF, 0xFFFF, len(directory), 0, 0)
    archive = SimpleUploadedFile("a.zip", directory + end)
    assert importing.import_files(owner, [archive]) == importing.Refused.TOO_MUCH


def test_bombs_are_refused_before_anything_is_kept(own: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_GROWTH", 1_000_000)
    answer = bring(own, ("a.zip", zipped({"fine.md": "fine", "bomb.md": b"0" * 1_100_000})))
    assert answer.status_code == 422
    assert "is too large" in answer.content.decode()
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    assert bring(own, ("a.zip", zipped({f"{i}.md": "x" for i in range(3)}))).status_code == 422
    assert not Note.objects.exists()


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(own: Client, owner: User) -> None:
    """The sizes in a ZIP are what somebody wrote there."""
    archive = bytearray(zipped({"bomb.md": b"0" * 50_000_000}))
    for start in (archive.find(b"PK\3\4") + 22, archive.find(b"PK\1\2") + 24):
        archive[start : start + 4] = (100).to_bytes(4, "little")
    tracemalloc.start()
    page = bring(own, ("a.zip", bytes(archive))).content.decode()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "bomb.md: damaged." in page
    assert peak < 10_000_000
    assert not Note.objects.exists()


def test_too_large_an_attachment_in_a_zip_is_named(own: Client, owner: User) -> None:
    archive = zipped({"a.md": "a", "a/big.bin": b"0" * (attachments.MAX_BYTES + 1), "a/small.bin": b"0"})
    page = bring(own, ("a.zip", archive)).content.decode()
    assert "big.bin was not attached: a file may have 20 MB." in page
    assert [attachment.name for attachment in Attachment.objects.of(owner)] == ["small.bin"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip", zipped({"a.md": "x" * 1000})[:-30], b"PK\5\6" + b"\xff" * 18],
    ids=["empty", "text", "cut short", "an end alone"],
)
def test_what_is_no_zip_is_refused(own: Client, content: bytes) -> None:
    answer = bring(own, ("a.zip", content))
    assert answer.status_code == 422
    assert "This is not a ZIP file, or it is damaged." in answer.content.decode()


def test_a_damaged_page_in_a_zip_is_named(own: Client, owner: User) -> None:
    archive = bytearray(zipped({"a.md": "some words " * 50, "b.md": "fine"}))
    archive[40] ^= 0xFF
    page = bring(own, ("a.zip", bytes(archive))).content.decode()
    assert "a.md: damaged." in page
    assert texts(owner) == {"fine"}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_however_it_is_packed_only_what_is_damaged_is_left_out(owner: User, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        opened.writestr("a.md", "some words " * 50)
        opened.writestr("b.md", "fine")
    archive = bytearray(buffer.getvalue())
    archive[34:44] = b"\xff" * 10
    result = taken_in(owner, bytes(archive))
    assert (result.kept, result.left_out) == (1, ["a.md: damaged."])


def test_a_head_alone_is_an_empty_page_and_the_others_come_in(owner: User) -> None:
    result = taken_in(owner, zipped({"a.md": "a", "b.md": "---\nsecretly: 1\ncreated: a\x0bb\n---\n", "c.md": "c"}))
    assert (result.kept, result.left_out) == (2, ["b.md: empty."])


def test_a_locked_zip_is_refused(own: Client) -> None:
    archive = bytearray(zipped({"a.md": "x"}))
    archive[archive.find(b"PK\1\2") + 8] |= 1
    assert "has a password" in bring(own, ("a.zip", bytes(archive))).content.decode()


def test_too_much_at_once_is_refused(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_LOOSE", 10)
    monkeypatch.setattr(importing, "MAX_ZIPPED", 50)
    for name, content in (("a.md", b"x" * 11), ("a.zip", zipped({"a.md": "x" * 200}))):
        answer = bring(own, (name, content))
        assert answer.status_code == 422
        assert "4 GB of ZIP files, or 100 MB of other files" in answer.content.decode()
    assert not Note.objects.exists()


def test_a_zip_may_be_larger_than_what_is_held_in_memory(
    own: Client, owner: User, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is laid aside on the disk: sealed, without a name, and gone afterwards."""
    laid: list[bytes] = []

    def keep(key: bytes, value: bytes, place: str) -> bytes:
        laid.append(seal(key, value, place))
        return laid[-1]

    seal = encryption.seal
    monkeypatch.setattr(encryption, "seal", keep)
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "aside")
    (tmp_path / "aside").mkdir()
    big = b"Secret" + random.Random(1).randbytes(3 * sealed_tempfile.PIECE)  # noqa: S311 - nothing is to be guessed
    archive = zipped({"a.md": "the words", "a/big.bin": big, "b.md": "last"}, packed=False)
    assert bring(own, ("a.zip", archive)).status_code == 200
    assert texts(owner) == {"the words", "last"}
    [attachment] = Attachment.objects.of(owner)
    assert attachments.read(attachment) == big
    assert len(archive) // sealed_tempfile.PIECE + 1 <= len(laid)
    assert not any(word in sealed for sealed in laid for word in (b"Secret", b"the words", b"big.bin"))
    assert list((tmp_path / "aside").iterdir()) == []


def test_a_temporary_file_is_read_from_any_position() -> None:
    data = random.Random(1).randbytes(2 * sealed_tempfile.PIECE + 100)  # noqa: S311
    laid = sealed_tempfile.SealedTempFile()
    for start in range(0, len(data), 65_536):
        laid.add(data[start : start + 65_536])
    with laid.opened() as file:
        for start, length in (
            (0, 10),
            (sealed_tempfile.PIECE - 5, 10),
            (2 * sealed_tempfile.PIECE, 1000),
            (50, sealed_tempfile.PIECE + 100),
        ):
            file.seek(start)
            assert file.read(length) == data[start : start + length]
        file.seek(-3, 2)
        assert file.read() == data[-3:]
        file.seek(0)
        assert file.read() == data


def test_pieces_of_a_temporary_file_cannot_be_swapped() -> None:
    spool = sealed_tempfile.SealedTempFile()
    spool.add(b"a" * sealed_tempfile.PIECE + b"b" * sealed_tempfile.PIECE)
    size, file = sealed_tempfile.SEALED_PIECE, spool._file
    file.seek(0)
    first, second = file.read(size), file.read(size)
    file.seek(0)
    file.write(second + first)
    with pytest.raises(encryption.Altered):
        spool.opened().read(1)


def test_a_full_disk_is_503(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def tell(self) -> int:
            return 0

        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr("tempfile.TemporaryFile", lambda dir: Full())
    answer = bring(own, ("a.zip", zipped({"a.bin": random.Random(1).randbytes(2 * sealed_tempfile.PIECE)})))  # noqa: S311
    assert answer.status_code == 503
    assert "The site will be back in a moment." in answer.content.decode()


def test_more_notes_than_a_browser_usually_sends(own: Client, owner: User) -> None:
    bring(own, *[(f"{i}.md", f"note {i}".encode()) for i in range(150)])
    assert Note.objects.of(owner).count() == 150

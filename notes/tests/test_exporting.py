"""All notes and files go out as one ZIP that can be unpacked anywhere."""

import io
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from notes.export_format import Names, file_name, file_names, file_stem
from notes.exporting import export_zip
from notes.models import Note
from notes.tests.files import attach_to
from notes.tests.zips import IMPORT, taken_in

pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def taken(client: Client) -> zipfile.ZipFile:
    answer: Any = client.get(reverse("notes:export_zip"))
    assert answer.status_code == 200
    assert answer.streaming
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    return archive


def test_all_notes_and_files_go_out(own: Client, owner: User, stranger: User, note: Note) -> None:
    attach_to(owner, note, "plan.txt", b"Meet at five.")
    Note.objects.write(stranger, "Not mine")
    Note.objects.write(owner, "Deleted", trashed=timezone.now())
    archive = taken(own)
    stem = f"{note.created:%Y-%m-%d} The kitchen at five"
    assert archive.namelist() == [f"{stem}.md", f"{stem}/plan.txt"]
    assert archive.read(f"{stem}.md").decode().endswith("---\n\n" + note.text)
    assert archive.read(f"{stem}/plan.txt") == b"Meet at five."


def test_the_answer_is_a_file_for_nobody_else(own: Client, client: Client, note: Note) -> None:
    answer = own.get(reverse("notes:export_zip"))
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="secretly-')
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.get(reverse("notes:export_zip")).headers["Location"].startswith("/login/")
    assert client.post(IMPORT).headers["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("A/B\\C:D*E?F", "A B C D E F"),
        ("../../etc/passwd", "etc passwd"),
        ("", ""),
        ("...", ""),
        ("x" * 100, "x" * 60),
        ("a\n\tb", "a b"),
    ],
)
def test_names_of_files_lead_nowhere(owner: User, title: str, stem: str) -> None:
    note = Note.written(owner, "x", created=datetime(2026, 11, 22, tzinfo=UTC))
    assert file_stem(note, title) == f"2026-11-22 {stem}".strip()


def test_no_name_is_given_twice() -> None:
    names = Names()
    assert [names.take(name) for name in ("a.md", "A.md", "a.md", "b", "b")] == [
        "a.md",
        "A (2).md",
        "a (3).md",
        "b",
        "b (2)",
    ]


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("plan.txt", "plan.txt"),
        ("a  b.tar.gz", "a  b.tar.gz"),
        ("10:30 what?.txt", "10 30 what.txt"),
        ("?.txt", "txt"),
        ("a.?", "a"),
        ("???", "file"),
        ("\u00e9" * 150 + ".jpeg", "\u00e9" * 125 + ".jpeg"),
        ("x\u0633" + "\U0001f600" * 100, "x\u0633" + "\U0001f600" * 63),
        ("a." + "\u0633" * 198, "a." + "\u0633" * 126),
    ],
)
def test_every_system_takes_the_names_of_files(name: str, called: str) -> None:
    assert list(file_names([name])) == [called]
    assert list(file_names([called])) == [called]
    assert len(called.encode()) <= 255


def test_a_number_makes_no_name_too_long() -> None:
    names = list(file_names(["\u00e9" * 150 + ".jpeg"] * 12))
    assert len(set(names)) == 12
    assert max(len(name.encode()) for name in names) <= 255
    assert names[11].endswith("\u00e9 (12).jpeg")
    assert list(file_names(names)) == names


def test_what_goes_out_can_be_unpacked_and_comes_in_once(
    owner: User, stranger: User, note: Note, tmp_path: Path
) -> None:
    for _number in range(2):
        long = Note.objects.write(owner, "\U0001f600" * 70)
        for name in ("10:30 what?.txt", "10:30 what*.txt", "\u00e9" * 150 + ".txt", "\u00e9" * 151 + ".txt"):
            attach_to(owner, long, name, name.encode())
    archive = b"".join(export_zip(owner))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(tmp_path / "unpacked")
        assert sorted(path.name for path in (tmp_path / "unpacked").rglob("*.txt")) == sorted(
            PurePosixPath(name).name for name in opened.namelist() if name.endswith(".txt")
        )
    assert taken_in(stranger, archive).attached == 8
    for who in (owner, stranger):
        again = taken_in(who, archive)
        assert (again.there, again.attached, again.left_out) == (3, 0, [])


def test_files_are_dated_private_and_photos_stored_as_they_are(owner: User, note: Note) -> None:
    attach_to(owner, note, "plan.txt", b"Meet at five." * 100)
    old = Note.objects.write(owner, "Before ZIP files", changed=datetime(1970, 2, 3, 4, 5, 6, tzinfo=UTC))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export_zip(owner))))
    entries = {PurePosixPath(entry.filename).name: entry for entry in archive.infolist()}
    assert {entry.external_attr >> 16 for entry in entries.values()} == {0o600}
    assert entries["plan.txt"].compress_type == zipfile.ZIP_STORED
    assert entries["plan.txt"].date_time[:5] == note.changed.timetuple()[:5]
    before = entries[f"{old.created:%Y-%m-%d} Before ZIP files.md"]
    assert before.compress_type == zipfile.ZIP_DEFLATED
    assert before.date_time == (1980, 2, 3, 4, 5, 6)  # ZIP knows no earlier year


def test_an_empty_notebook_is_an_empty_zip(own: Client) -> None:
    assert taken(own).namelist() == []


def test_memory_stays_flat(owner: User) -> None:
    size = 2 * 1024 * 1024
    for i in range(10):
        attach_to(owner, Note.objects.write(owner, f"Note {i}"), content=bytes([i]) * size)
    tracemalloc.start()
    total = sum(len(piece) for piece in export_zip(owner))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 10 * size
    assert peak < 5 * size


def test_what_cannot_be_read_is_named_and_the_rest_goes_out(
    own: Client, owner: User, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach_to(owner, note)
    broken = Note.objects.write(owner, "broken")
    Note.objects.filter(pk=broken.pk).update(sealed_text=b"x" * 40)
    monkeypatch.setattr(default_storage, "open", lambda name: (_ for _ in ()).throw(OSError))
    archive = taken(own)
    assert len(archive.namelist()) == 2
    missing = archive.read("What is missing.txt").decode()
    assert "The kitchen at five" in missing
    assert f"\n{broken.created:%Y-%m-%d}" in missing


def test_a_missing_key_is_said_and_sends_no_half_zip(own: Client, note: Note, settings: Settings) -> None:
    from cryptography.fernet import Fernet

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert own.get(reverse("notes:export_zip")).status_code == 503


@pytest.mark.parametrize("name", ["con", "NUL.txt", "aux.tar.gz", "Com1.md", "lpt9 .txt"])
def test_names_that_windows_keeps_for_devices_are_changed(
    own: Client, owner: User, stranger: User, note: Note, name: str
) -> None:
    attach_to(owner, note, name)
    [path] = [path for path in taken(own).namelist() if not path.endswith("five.md")]
    assert path.endswith(f"/_{name.replace(' ', '')}")
    assert [file_name(harmless) for harmless in ("console.txt", "com10", "_con")] == ["console.txt", "com10", "_con"]
    again = b"".join(export_zip(owner))
    assert [taken_in(stranger, again).attached for _ in range(2)] == [1, 0]

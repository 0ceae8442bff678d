"""Notes come in from an export or from text files; what cannot be imported is named."""

import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django.fixtures import Settings

from notes import attachments, storage
from notes.export_format import format_note, parse_note
from notes.exporting import export_zip
from notes.importing import report
from notes.models import MAX_LENGTH, Attachment, Note
from notes.tests.files import attach_to, photo, with_metadata
from notes.tests.zips import bring, taken_in, texts, zipped


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_a_page_comes_back_as_it_went(owner: User) -> None:
    for text in ("plain", "\n\nleads", "---\nsecretly: 1\n---\n\nnested", "trails\n\n", "‏سر"):
        note = Note.written(owner, text, created=datetime(2020, 1, 2, 3, 4, 5, 6, UTC), pinned=True)
        page = parse_note(format_note(note))
        assert (page.text, page.created, page.changed, page.pinned) == (text, note.created, note.changed, True)


def test_the_zip_comes_in_again(own: Client, strange: Client, owner: User, stranger: User, note: Note) -> None:
    attach_to(owner, note, "plan.txt", b"Meet at five.")
    attach_to(owner, note, "notes.md", b"# This hangs on a note and is none")
    attach_to(owner, note, "me.jpg", photo())
    Note.objects.write(owner, "Pinned", pinned=True, created=timezone.now() - timedelta(days=400))
    archive = b"".join(export_zip(owner))
    page = bring(strange, ("secretly.zip", archive)).content.decode()
    assert "2 notes imported." in page
    assert "3 attachments." in page
    was, now = (list(Note.objects.of(who)) for who in (owner, stranger))
    assert [(n.text, n.created, n.changed, n.pinned) for n in was] == [
        (n.text, n.created, n.changed, n.pinned) for n in now
    ]
    assert [a.name for a in Attachment.objects.of(stranger)] == ["plan.txt", "notes.md", "me.jpg"]
    assert attachments.read(Attachment.objects.of(stranger)[0]) == b"Meet at five."
    assert {n.pk for n in was}.isdisjoint(n.pk for n in now)


def test_a_change_keeps_its_own_date(owner: User, stranger: User) -> None:
    made, changed = datetime(2020, 1, 2, tzinfo=UTC), datetime(2021, 3, 4, tzinfo=UTC)
    Note.objects.write(owner, "Changed later", created=made, changed=changed)
    taken_in(stranger, b"".join(export_zip(owner)))
    note = Note.objects.of(stranger).get()
    assert (note.created, note.changed) == (made, changed)


def test_a_second_import_doubles_nothing(own: Client, owner: User, note: Note) -> None:
    archive = b"".join(export_zip(owner))
    page = bring(own, ("secretly.zip", archive)).content.decode()
    assert "1 was already here." in page
    assert Note.objects.of(owner).count() == 1


def test_files_that_failed_are_attached_by_a_second_import(
    owner: User, stranger: User, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    # "Please try again later" is what the first answer says.
    attach_to(owner, note, "plan.txt", b"one")
    attach_to(owner, note, "plan.txt", b"two")
    attach_to(owner, note, "map.txt", b"three")
    archive = b"".join(export_zip(owner))
    store = storage.store

    def only_the_first(sealed: bytes) -> str:
        if Attachment.objects.of(stranger).exists():
            raise storage.StorageDown
        return store(sealed)

    monkeypatch.setattr(storage, "store", only_the_first)
    first = taken_in(stranger, archive)
    assert (first.kept, first.attached, len(first.left_out)) == (1, 1, 2)
    monkeypatch.undo()
    second = taken_in(stranger, archive)
    assert (second.kept, second.there, second.attached, second.left_out) == (0, 1, 2, [])
    attached = [(attachment.name, attachments.read(attachment)) for attachment in Attachment.objects.of(stranger)]
    assert attached == [("plan.txt", b"one"), ("plan (2).txt", b"two"), ("map.txt", b"three")]
    for who in (owner, stranger):
        again = taken_in(who, archive)
        assert (again.kept, again.there, again.attached, again.left_out) == (0, 1, 0, [])


@pytest.mark.parametrize("name", ["x" * 196 + ".txt", "x" * 200, "\u200d?\u200d.txt", "a?\u200c"])
def test_odd_names_are_known_again(owner: User, stranger: User, note: Note, name: str) -> None:
    attach_to(owner, note, name)
    attach_to(owner, note, name)
    archive = b"".join(export_zip(owner))
    assert taken_in(stranger, archive).attached == 2
    assert [taken_in(who, archive).attached for who in (owner, stranger)] == [0, 0]


def test_of_two_equal_notes_neither_gets_the_other_s_file(owner: User, note: Note) -> None:
    attach_to(owner, note, "plan.txt")
    attach_to(owner, Note.objects.write(owner, note.text, created=note.created), "map.txt")
    again = taken_in(owner, b"".join(export_zip(owner)))
    assert (again.kept, again.there, again.attached) == (0, 2, 0)


def test_a_photo_comes_back_as_it_went(owner: User, stranger: User, note: Note) -> None:
    attach_to(owner, note, "me.jpg", with_metadata())
    taken_in(stranger, b"".join(export_zip(owner)))
    [was], [now] = Attachment.objects.of(owner), Attachment.objects.of(stranger)
    assert attachments.read(was) == attachments.read(now)


def test_a_photo_that_grew_when_it_was_encoded_can_be_imported(
    owner: User, stranger: User, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.frombytes("RGB", (200, 200), random.Random(1).randbytes(120_000))  # noqa: S311
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=60, comment=b"x")
    monkeypatch.setattr(attachments, "MAX_BYTES", len(buffer.getvalue()))
    monkeypatch.setattr(attachments, "MAX_ENCODED", 3 * attachments.MAX_BYTES)
    grown = attach_to(owner, note, "me.jpg", buffer.getvalue())
    assert grown.size > attachments.MAX_BYTES
    result = taken_in(stranger, b"".join(export_zip(owner)))
    assert (result.attached, result.left_out) == (1, [])
    # Whoever writes our head on a page of theirs gets no more room than that, and for pictures alone.
    larger = zipped(
        {
            "a.md": format_note(Note.written(owner, "a")),
            "a/a.bin": b"x" * (attachments.MAX_BYTES + 1),
            "a/b.jpg": attachments.read(grown).ljust(attachments.MAX_ENCODED + 1),
            "b.md": "b",
            "b/c.jpg": attachments.read(grown),
        }
    )
    result = taken_in(stranger, larger)
    assert result.attached == 0
    names = [f"{name} was not attached: a file may have 20 MB." for name in ("a.bin", "b.jpg", "c.jpg")]
    assert result.left_out == names


def test_what_became_a_jpeg_is_known_again(owner: User, note: Note) -> None:
    archive = zipped({"a.md": format_note(note), "a/IMG_1.HEIC": photo("HEIF")})
    assert taken_in(owner, archive).attached == 1
    assert taken_in(owner, archive).attached == 0
    assert [attachment.name for attachment in Attachment.objects.of(owner)] == ["IMG_1.jpg"]


def test_markdown_and_text_files(own: Client, owner: User) -> None:
    page = bring(
        own,
        ("a.md", b"# A\r\nfrom Windows"),
        ("b.TXT", b"\xef\xbb\xbfB"),
        ("c.markdown", "ج".encode()),
        ("d.pdf", b"x"),
    ).content.decode()
    assert texts(owner) == {"# A\nfrom Windows", "B", "ج"}
    assert "3 notes imported." in page
    assert "d.pdf: not a Markdown or text file." in page


def test_a_foreign_zip_with_folders(own: Client, owner: User) -> None:
    bring(own, ("a.zip", zipped({"diary/": "", "diary/one.md": "one", "diary/deep/two.txt": "two", "x.png": b"x"})))
    assert texts(owner) == {"one", "two"}
    assert not Attachment.objects.exists()


def test_pages_below_pages_are_pages(own: Client, owner: User) -> None:
    """Notion and Obsidian lay them out like this."""
    pages = {"Page.md": "top Page", "Page/Sub.md": "# Sub\n\nsub x", "Page/Sub/Deep.md": "x", "Page/list.txt": "list"}
    page = bring(own, ("a.zip", zipped({**pages, "Page/a.bin": b"a", "Page/Sub/b.bin": b"b"}))).content.decode()
    assert texts(owner) == {"top Page", "# Sub\n\nsub x", "# Deep\n\nx", "list"}
    attached = {(a.note.text, a.name) for a in Attachment.objects.of(owner)}
    assert attached == {("top Page", "a.bin"), ("# Sub\n\nsub x", "b.bin")}
    assert "Left out" not in page


def test_files_that_are_not_imported_are_named(owner: User, note: Note) -> None:
    own_page = format_note(note)
    result = taken_in(
        owner,
        zipped(
            {
                "a.md": "a",
                "img/a.png": b"x",
                "ours.md": own_page,
                "ours/on it.md": "hangs",
                "ours/on it/below.md": "below",
                "torn.md": b"\xff\0",
                "torn/b.bin": b"x",
                "..md": "dots",
                ".md": "a dot",
            }
        ),
    )
    assert result.left_out == [
        "torn.md: not text in any known encoding.",
        "img/a.png: not attached to any note.",
        "torn/b.bin: not attached to any note.",
    ]
    assert texts(owner) == {note.text, "a", "below", "dots", "a dot"}
    assert [attachment.name for attachment in Attachment.objects.of(owner)] == ["on it.md"]


def test_files_of_systems_and_programs_are_ignored(owner: User, note: Note) -> None:
    clutter = [".DS_Store", "a/.DS_Store", "Thumbs.db", "__MACOSX/._a.md", "__MACOSX/a/._b.bin", "a/._b.bin"]
    hidden = [".obsidian/app.json", "a/.git/objects/x"]
    archive = zipped({"a.md": "a", "a/b.bin": b"b", "folder/": b"", **dict.fromkeys(clutter + hidden, b"\0x")})
    result = taken_in(owner, archive)
    assert (result.kept, result.attached) == (1, 1)
    assert result.left_out == [
        ".obsidian: hidden, in the trash, or settings of an app: app.json.",
        "a/.git: hidden, in the trash, or settings of an app: objects/x.",
    ]


def test_only_so_many_are_named_and_the_others_counted(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_NAMED", 2)
    result = taken_in(owner, zipped({f"{'x' * 300}/{i}.bin": b"x" for i in range(5)}))
    assert [line[-38:] for line in result.left_out[:2]] == [f"xxxxx/{i}.bin: not attached to any note." for i in (0, 1)]
    assert result.left_out[2:] == ["Other files left out: 3."]
    assert all(len(line) < 230 for line in result.left_out)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"caf\xe9\x00", "not text in any known encoding"),
        (b"a\0b", "not text: it has NUL characters"),
        (b" \n", "empty"),
        (b"x" * (MAX_LENGTH + 1), "longer than the 100,000 characters of a note"),
        (b"x" * 10_000_000, "longer than the 100,000 characters of a note"),
    ],
)
def test_pages_that_cannot_be_kept_are_named(own: Client, owner: User, content: bytes, why: str) -> None:
    for files in ([("a.md", content), ("b.md", b"fine")], [("c.zip", zipped({"a.md": content, "b.md": "fine"}))]):
        page = bring(own, *files).content.decode()
        assert f"a.md: {why}" in page
        assert texts(owner) == {"fine"}
        Note.objects.all().delete()


@pytest.mark.parametrize(
    "head",
    [
        "created: never",
        "created: 2999-01-01T00:00:00+00:00",
        "created: 2020-01-01T00:00:00",
        "created: 0001-01-01T00:00:00+00:00",
        "created: 2020-13-01T00:00:00+00:00",
        "pinned: perhaps",
        "unknown: x",
        *(f"created: a{line_end}b" for line_end in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"),
        "created: a\r\npinned: no",
    ],
)
def test_a_damaged_head_harms_nothing(own: Client, owner: User, head: str) -> None:
    bring(own, ("a.md", f"---\nsecretly: 1\n{head}\n---\n\nwords".encode()))
    note = Note.objects.of(owner).get()
    assert note.text == "words"
    assert timezone.now() - note.created < timedelta(minutes=1)


def test_what_is_no_head_is_text(own: Client, owner: User) -> None:
    for text in ("---\nwords\n---\n\nmore", "---\ntitle: x\n\nwords without an end"):
        bring(own, ("a.md", text.encode()))
        assert texts(owner) == {text}
        Note.objects.all().delete()

"""Take in notes that somebody has: our own ZIP, or Markdown and text files.

Nothing is ever unpacked to a disk. A ZIP is looked through as a whole before the first note is kept: one that is too
much, or that plays tricks with paths, is refused altogether.
"""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import islice
from pathlib import PurePosixPath

from django.contrib.auth.models import User
from django.core.files.base import ContentFile, File
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from notes import attachments
from notes.attachments import Fault
from notes.export_format import Page, file_names, parse_note
from notes.models import MAX_LENGTH, Note

MOST_BYTES = 100 * 1024 * 1024
"""Of loose files, which are held in memory."""
MOST_ZIPPED = 4 * 1024**3
"""Of ZIP files, which are laid aside, sealed: whatever has come out of a notebook goes into one again."""
MOST_UNPACKED = 500 * 1024 * 1024
"""How much larger than the ZIP itself its content may be. Texts grow to several times; what hangs on them does not."""
MOST_ENTRIES = 100_000
LONGEST_PAGE = 4 * MAX_LENGTH + 2000  # bytes: four for a character at most, and the head
LONGEST_HEAD = 2000  # bytes
MOST_NAMED = 200  # files that hang on nothing; the others are counted
LONGEST_PATH = 200  # characters of each
AT_ONCE = 100  # notes to a transaction
ENDINGS = (".md", ".markdown", ".txt")
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class Refused(Enum):
    """Why a ZIP was not taken in at all."""

    NOT_A_ZIP = gettext_lazy("This is no ZIP file, or it is damaged.")
    TOO_MUCH = gettext_lazy(
        "This ZIP file holds too much: unpacked it may be 500 MB larger than it is, and have 100,000 files."
    )
    TRICKS = gettext_lazy("This ZIP file has names or links that lead out of it. I do not open such files.")
    LOCKED = gettext_lazy("This ZIP file is locked with a password. Please unlock it first.")
    TOO_LARGE = gettext_lazy(
        "I can take in 4 GB of ZIP files at once, or 100 MB of others. Please send less at a time."
    )


class Unreadable(Exception):
    """One page cannot be kept; says why."""


@dataclass(slots=True)
class Result:
    kept: int = 0
    there: int = 0
    """Notes of our own ZIP that the notebook has already."""
    attached: int = 0
    left_out: list[str] = field(default_factory=list)


Parts = tuple[str, ...]
"""Of a path in a ZIP."""
Hanging = tuple[zipfile.ZipFile, zipfile.ZipInfo]
"""A file in a ZIP that hangs on a note."""


@dataclass(frozen=True, slots=True)
class Incoming:
    name: str
    page: Page
    files: list[Hanging]


def most_of(file: File[bytes]) -> int:
    """How many bytes may be sent of such a file."""
    return MOST_ZIPPED if (file.name or "").lower().endswith(".zip") else MOST_BYTES


# What is sent ---------------------------------------------------------------------------------------------------------


@sensitive_variables()
def import_files(owner: User, files: Iterable[File[bytes]]) -> Result | Refused:
    """Keep what is in the files as notes, and say what was left out, and why."""
    result = Result()
    loose = []
    for file in files:
        name = attachments.tidy(file.name or "")
        if name.lower().endswith(".zip"):
            refused = import_zip(owner, file, result)
            if refused:
                return refused
        elif name.lower().endswith(ENDINGS):
            loose.append((name, file))
        else:
            result.left_out.append(_("%(name)s: neither Markdown nor text.") % {"name": name})
    keep_all(owner, read_loose(loose, result), result)
    return result


@sensitive_variables()
def import_zip(owner: User, file: File[bytes], result: Result) -> Refused | None:
    try:
        with zipfile.ZipFile(file) as archive:
            refused = look_through(archive.infolist(), file.size or 0)
            if not refused:
                keep_all(owner, read_zip(archive, result), result)
            return refused
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError):
        return Refused.NOT_A_ZIP


def look_through(entries: list[zipfile.ZipInfo], size: int) -> Refused | None:
    """What speaks against the ZIP of so many bytes, before anything of it is read."""
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > size + MOST_UNPACKED:
        return Refused.TOO_MUCH
    if any(leads_out(entry) for entry in entries):
        return Refused.TRICKS
    return Refused.LOCKED if any(entry.flag_bits & 1 for entry in entries) else None


def leads_out(entry: zipfile.ZipInfo) -> bool:
    name = entry.orig_filename  # as it is in the file: zipfile has tidied `filename`
    path = PurePosixPath(name)
    link = stat.S_ISLNK(entry.external_attr >> 16)
    return link or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or name[1:2] == ":"


# Pages ----------------------------------------------------------------------------------------------------------------


def read_loose(files: list[tuple[str, File[bytes]]], result: Result) -> Iterator[Incoming]:
    for name, file in files:
        try:
            yield Incoming(name, decode(file.read(LONGEST_PAGE + 1)), [])
        except Unreadable as error:
            result.left_out.append(f"{name}: {error}")


def read_zip(archive: zipfile.ZipFile, result: Result) -> Iterator[Incoming]:
    """Every page, with the files of the folder that has its name. What becomes neither is named at the end."""
    pages, folders = sort_out(archive)
    for page in pages:
        name = name_of(page)
        try:
            incoming = decode(unpack(archive, page, LONGEST_PAGE))
        except Unreadable as error:
            result.left_out.append(f"{name}: {error}")
        else:
            hanging = folders.pop(folder_of(page), [])
            yield Incoming(name, incoming, [(archive, entry) for entry in hanging])
    name_the_rest([entry for left in folders.values() for entry in left], result)


def sort_out(archive: zipfile.ZipFile) -> tuple[list[zipfile.ZipInfo], dict[Parts, list[zipfile.ZipInfo]]]:
    """The pages, and all other files by their folders.

    A text file hangs on a note only where the note has our own head. Other programs put pages below pages.
    """
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_clutter(entry)]
    filled = {parts_of(entry)[:-1] for entry in entries}
    texts = [entry for entry in entries if entry.filename.lower().endswith(ENDINGS)]
    ours = {folder_of(text) for text in texts if folder_of(text) in filled and is_ours(archive, text)}
    pages = [text for text in texts if parts_of(text)[:-1] not in ours]
    kept = set(pages)
    folders: dict[Parts, list[zipfile.ZipInfo]] = {}
    for entry in entries:
        if entry not in kept:
            folders.setdefault(parts_of(entry)[:-1], []).append(entry)
    return pages, folders


def is_clutter(entry: zipfile.ZipInfo) -> bool:
    """What a Mac leaves beside people's files. No name in our own ZIP is like that."""
    *folders, name = parts_of(entry) or ("",)
    return "__MACOSX" in folders or name.startswith("._") or name == ".DS_Store"


def is_ours(archive: zipfile.ZipFile, page: zipfile.ZipInfo) -> bool:
    try:
        start = unpack(archive, page, LONGEST_HEAD)
    except Unreadable:
        return False
    return parse_note(start.decode("utf-8-sig", "replace")).ours


def name_the_rest(entries: Iterable[zipfile.ZipInfo], result: Result) -> None:
    """No more than somebody reads."""
    rest = ["/".join(map(attachments.tidy, parts_of(entry))) for entry in entries if not is_a_program_s(entry)]
    result.left_out += [_("%(name)s: hangs on no note.") % {"name": name[-LONGEST_PATH:]} for name in rest[:MOST_NAMED]]
    if len(rest) > MOST_NAMED:
        result.left_out.append(_("Other files that hang on no note: %(count)s.") % {"count": len(rest) - MOST_NAMED})


def is_a_program_s(entry: zipfile.ZipInfo) -> bool:
    """Whether it is nobody's work, so that nobody misses it: hidden folders, and what Windows leaves."""
    hidden = any(folder.startswith(".") for folder in parts_of(entry)[:-1])
    return hidden or name_of(entry) in ("Thumbs.db", "desktop.ini")


def parts_of(entry: zipfile.ZipInfo) -> Parts:
    return PurePosixPath(entry.filename).parts


def folder_of(page: zipfile.ZipInfo) -> Parts:
    """Where the files of a page are, if it has any."""
    path = PurePosixPath(page.filename)
    return (*path.parent.parts, path.stem)


def name_of(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).name


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """At most one byte more than `most`, whatever the ZIP says of itself. Raises `Unreadable`."""
    try:
        with archive.open(entry) as file:
            return file.read(most + 1)
    except DAMAGED as error:
        raise Unreadable(_("damaged.")) from error


def decode(content: bytes) -> Page:
    """Raises `Unreadable`."""
    if len(content) > LONGEST_PAGE:
        raise Unreadable(too_long())
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(_("not UTF-8.")) from error
    if "\0" in text:
        raise Unreadable(_("no text, it has NUL characters."))
    page = parse_note(text)
    if not page.text.strip():
        raise Unreadable(_("empty."))
    if len(page.text) > MAX_LENGTH:
        raise Unreadable(too_long())
    return page


def too_long() -> str:
    return _("longer than the %(limit)s characters of a page.") % {"limit": f"{MAX_LENGTH:,}"}


# Keeping --------------------------------------------------------------------------------------------------------------


def keep_all(owner: User, pages: Iterable[Incoming], result: Result) -> None:
    for batch in batches(pages):
        there = notes_there(owner, batch)
        new = []
        for incoming in batch:
            if notes := there.get((incoming.page.created, incoming.page.text)):
                result.there += 1
                attach_all(owner, notes[0], replace(incoming, files=missing(notes, incoming.files)), result)
            else:
                new.append(incoming)
        kept = Note.objects.bulk_create(note_of(owner, incoming.page) for incoming in new)
        result.kept += len(kept)
        for note, incoming in zip(kept, new, strict=True):
            attach_all(owner, note, incoming, result)


def batches(pages: Iterable[Incoming]) -> Iterator[list[Incoming]]:
    source = iter(pages)
    while batch := list(islice(source, AT_ONCE)):
        yield batch


def notes_there(owner: User, batch: Iterable[Incoming]) -> dict[tuple[datetime | None, str], list[Note]]:
    """Of the notes in our own ZIP, which the notebook has: to take in one's ZIP twice makes nothing double."""
    dates = [incoming.page.created for incoming in batch if incoming.page.created]
    there: dict[tuple[datetime | None, str], list[Note]] = {}
    for note in Note.objects.of(owner).filter(created__in=dates).with_attachments():
        there.setdefault((note.created, note.text), []).append(note)
    return there


def missing(notes: Iterable[Note], files: list[Hanging]) -> list[Hanging]:
    """Which of the files hang on none of these notes. The storage may have been down when the notes were kept.

    Both sides are called what the ZIP calls them, where a second file of the same name has a number. When it was kept,
    a file may have got another name than it has there: a shorter one, or that of a JPEG.
    """
    there = {name for note in notes for name in file_names(attachment.name for attachment in note.hanging)}
    names = file_names(attachments.tidy(name_of(entry)) for _archive, entry in files)
    return [
        (archive, entry)
        for (archive, entry), name in zip(files, names, strict=True)
        if there.isdisjoint({name_of(entry), name, attachments.as_jpeg(name)})
    ]


def note_of(owner: User, page: Page) -> Note:
    now = timezone.now()
    created = page.created or now
    return Note.written(owner, page.text, created=created, changed=page.changed or created, pinned=page.pinned)


def attach_all(owner: User, note: Note, incoming: Incoming, result: Result) -> None:
    ours = incoming.page.ours
    for archive, entry in incoming.files:
        name = name_of(entry)
        try:
            content = unpack(archive, entry, attachments.most_of(drawn=ours))
        except Unreadable as error:
            result.left_out.append(f"{name}: {error}")
            continue
        attached = attachments.attach(owner, note.pk, name, ContentFile(content), ours)
        if isinstance(attached, Fault):
            result.left_out.append(str(attached.value) % {"name": name})
        else:
            result.attached += 1

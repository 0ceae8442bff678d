"""Notes and files from a ZIP. Nothing is ever unpacked to a disk."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from django.utils.translation import gettext as _

from notes.attachments import tidy
from notes.export_format import parse_note
from notes.importing.report import ENDINGS, Incoming, Refused, Result, Unreadable
from notes.importing.texts import MAX_TEXT, decode

MAX_GROWTH = 500 * 1024 * 1024  # bytes that the content may be larger than the ZIP: texts grow, attachments do not
MAX_MEMBERS = 100_000
MAX_HEAD = 2000  # bytes
MAX_NAMED = 200  # files that belong to no note; the others are counted
MAX_PATH = 200  # characters of each
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

Parts = tuple[str, ...]
"""Of a path in a ZIP."""


def check(entries: list[zipfile.ZipInfo], size: int) -> Refused | None:
    """Why the ZIP of so many bytes is refused, before anything of it is read."""
    if len(entries) > MAX_MEMBERS or sum(entry.file_size for entry in entries) > size + MAX_GROWTH:
        return Refused.TOO_MUCH
    if any(leads_out(entry) for entry in entries):
        return Refused.TRICKS
    return Refused.LOCKED if any(entry.flag_bits & 1 for entry in entries) else None


def leads_out(entry: zipfile.ZipInfo) -> bool:
    name = entry.orig_filename  # as it is in the file: zipfile has tidied `filename`
    path = PurePosixPath(name)
    link = stat.S_ISLNK(entry.external_attr >> 16)
    return link or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or name[1:2] == ":"


def read_zip(archive: zipfile.ZipFile, result: Result) -> Iterator[Incoming]:
    """Every note, with the files of the folder that has its name. Files that belong to no note are named at the end."""
    pages, folders = sort_members(archive)
    for page in pages:
        name = name_of(page)
        try:
            incoming = decode(unpack(archive, page, MAX_TEXT))
        except Unreadable as error:
            result.left_out.append(f"{name}: {error}")
        else:
            attached = folders.pop(folder_of(page), [])
            yield Incoming(name, incoming, [(archive, entry) for entry in attached])
    name_leftovers([entry for left in folders.values() for entry in left], result)


def sort_members(archive: zipfile.ZipFile) -> tuple[list[zipfile.ZipInfo], dict[Parts, list[zipfile.ZipInfo]]]:
    """The notes, and all other files by their folders.

    A text file is an attachment only where its note has our own head: other programs put notes in folders below notes.
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
    """Whether macOS made it. No file of our own export has such a name."""
    *folders, name = parts_of(entry) or ("",)
    return "__MACOSX" in folders or name.startswith("._") or name == ".DS_Store"


def is_ours(archive: zipfile.ZipFile, page: zipfile.ZipInfo) -> bool:
    try:
        start = unpack(archive, page, MAX_HEAD)
    except Unreadable:
        return False
    return parse_note(start.decode("utf-8-sig", "replace")).ours


def name_leftovers(entries: Iterable[zipfile.ZipInfo], result: Result) -> None:
    """Report the files that belong to no note, but no more than somebody reads."""
    rest = ["/".join(map(tidy, parts_of(entry))) for entry in entries if not is_left_by_a_program(entry)]
    result.left_out += [_("%(name)s: hangs on no note.") % {"name": name[-MAX_PATH:]} for name in rest[:MAX_NAMED]]
    if len(rest) > MAX_NAMED:
        result.left_out.append(_("Other files that hang on no note: %(count)s.") % {"count": len(rest) - MAX_NAMED})


def is_left_by_a_program(entry: zipfile.ZipInfo) -> bool:
    """Whether a program made it and nobody misses it: hidden folders, and what Windows adds."""
    hidden = any(folder.startswith(".") for folder in parts_of(entry)[:-1])
    return hidden or name_of(entry) in ("Thumbs.db", "desktop.ini")


def parts_of(entry: zipfile.ZipInfo) -> Parts:
    return PurePosixPath(entry.filename).parts


def folder_of(page: zipfile.ZipInfo) -> Parts:
    """The folder with the attachments of a note, if it has any."""
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

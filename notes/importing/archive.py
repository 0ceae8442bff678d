"""The members of ZIP and tar files. Nothing is ever unpacked to a disk in the clear, and what unpacks is counted."""

import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from notes.importing import legacy
from notes.importing.report import Member, Parts, Refused, Result, Unopened, Unreadable
from notes.sealed_tempfile import SealedTempFile

MAX_GROWTH = 500 * 1024 * 1024  # bytes that the content may be larger than the archive: texts grow, attachments do not
MAX_MEMBERS = 100_000
MAX_DEPTH = 3  # archives within archives
MAX_READ = 64 * 1024 * 1024  # bytes at once: more than any file on a note, less than what a forged directory claims
PIECE = 64 * 1024  # bytes that are unpacked at once
REST = 1024 * 1024  # bytes, where all are asked for: zipfile does so for the last 64 kB alone
UTF8 = 0x800
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}
"""APPNOTE 6.3.10, 4.4.5."""
TIMES = 0x5455
"""The extra field of Info-ZIP with times in UTC."""
DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error),
    *(OSError, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError),
)


Stream = Callable[[], Iterator[bytes]]


class Budget:
    """How much may unpack, of one archive and all within it."""

    def __init__(self, size: int) -> None:
        self.left = size + MAX_GROWTH
        self.members = MAX_MEMBERS

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Unopened(Refused.TOO_MUCH)

    def count(self, members: int) -> None:
        self.members -= members
        if self.members < 0:
            raise Unopened(Refused.TOO_MUCH)


class Guarded:
    """A file of which no forged length makes anybody read much at once."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.opening = True

    def read(self, size: int = -1) -> bytes:
        if size > MAX_READ:
            raise Unopened(Refused.TOO_MUCH)
        data: bytes = self.file.read(size if size >= 0 else REST)
        if self.opening and size > PIECE and data.count(b"PK\1\2") > MAX_MEMBERS:
            raise Unopened(Refused.TOO_MUCH)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def members_of(file: Any, name: str, budget: Budget, result: Result, under: Parts = ()) -> list[Member]:
    """The files of a ZIP or tar. Raises `Unopened` for one that is damaged, locked, too much, or plays tricks."""
    guarded = Guarded(file)
    try:
        if name.lower().endswith(".jex"):
            return list(of_tar(tarfile.open(fileobj=guarded, mode="r:"), budget, result))
        return list(of_zip(zipfile.ZipFile(guarded), budget, result, under))
    except DAMAGED as error:
        raise Unopened(Refused.NOT_A_ZIP) from error
    finally:
        guarded.opening = False


def of_zip(archive: zipfile.ZipFile, budget: Budget, result: Result, under: Parts) -> Iterator[Member]:
    entries = archive.infolist()
    budget.count(len(entries))
    if sum(entry.file_size for entry in entries) > budget.left:
        raise Unopened(Refused.TOO_MUCH)
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unopened(Refused.LOCKED)
    for entry, name in zip(entries, names_of(entries), strict=True):
        if name.endswith("/"):
            continue
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if path := path_of(name, link, result):
            yield Member((*under, *path), zip_stream(archive, entry, budget), zip_date(entry), entry.compress_size)


def of_tar(archive: tarfile.TarFile, budget: Budget, result: Result) -> Iterator[Member]:
    for info in archive:
        budget.count(1)
        if info.isdir():
            continue
        if path := path_of(info.name, not info.isreg(), result):
            yield Member(path, tar_stream(archive, info, budget), None, info.size)


def names_of(entries: list[zipfile.ZipInfo]) -> list[str]:
    """As they are in the file, with the folders of Windows as folders. zipfile reads others as code page 437."""
    old = [entry for entry in entries if not entry.flag_bits & UTF8]
    found = dict(zip(map(id, old), legacy.decode_names(e.orig_filename.encode("cp437") for e in old), strict=True))
    return [found.get(id(entry), entry.orig_filename).replace("\\", "/") for entry in entries]


def path_of(name: str, link: bool, result: Result) -> Parts | None:
    """A member's path; None for one that is left out, and named. Raises `Unopened` for one that leads out."""
    name = unicodedata.normalize("NFC", name)
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in parts or "\0" in name or re.match("[A-Za-z]:/", name):
        raise Unopened(Refused.TRICKS)
    if link:
        result.leave_out(name, _("a link, not a file."))
    elif re.match("[A-Za-z]:", name):
        result.leave_out(name, _("its name looks like a drive letter."))
    elif parts:
        return parts
    return None


def zip_stream(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Stream:
    def stream() -> Iterator[bytes]:
        # The decoders of the others unpack as much at once as the file wants them to.
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            method = METHODS.get(entry.compress_type, str(entry.compress_type))
            raise Unreadable(_("compressed with %(method)s, which is not supported.") % {"method": method})
        try:
            with archive.open(entry) as file:
                yield from counted(file, budget)
        except DAMAGED as error:
            raise Unreadable(_("damaged.")) from error

    return stream


def tar_stream(archive: tarfile.TarFile, info: tarfile.TarInfo, budget: Budget) -> Stream:
    def stream() -> Iterator[bytes]:
        try:
            if file := archive.extractfile(info):
                yield from counted(file, budget)
        except DAMAGED as error:
            raise Unreadable(_("damaged.")) from error

    return stream


def counted(file: IO[bytes], budget: Budget) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        budget.spend(len(piece))
        yield piece


def unfolded(member: Member, budget: Budget, result: Result) -> list[Member] | None:
    """The files of an archive within an archive. None: it cannot be opened, and is named."""
    spool = SealedTempFile()
    try:
        for piece in member.stream():
            spool.add(piece)
        budget.left += min(spool.size, member.packed)  # what it holds is counted when that is read
        return members_of(spool.opened(), member.name, budget, result, member.folder)
    except Unopened as error:
        result.leave_out(member.shown, error.why.value)
    except Unreadable as error:
        result.leave_out(member.shown, error)
    return None


def zip_date(entry: zipfile.ZipInfo) -> datetime | None:
    """When the file was changed, by the archive. DOS knows no time zone: it is taken for UTC."""
    try:
        moment = utc_time(entry.extra) or datetime(*entry.date_time, tzinfo=UTC)
    except (ValueError, OverflowError, OSError, struct.error):
        return None
    return moment if moment.year > 1980 and moment <= timezone.now() else None


def utc_time(extra: bytes) -> datetime | None:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == TIMES and length >= 5 and extra[4] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<i", extra, 5)[0], UTC)
        extra = extra[4 + length :]
    return None

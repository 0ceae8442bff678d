"""What an import has come to, and its limits."""

import zipfile
from dataclasses import dataclass, field
from enum import Enum

from django.utils.translation import gettext_lazy as _

from notes.export_format import ParsedNote

MAX_LOOSE = 100 * 1024 * 1024  # bytes of files that are no ZIP, which are held in memory
MAX_ZIPPED = 4 * 1024**3  # bytes of ZIP files, which are kept in an encrypted temporary file: what was exported fits
ENDINGS = (".md", ".markdown", ".txt")


class Refused(Enum):
    """Why a ZIP was not imported at all."""

    NOT_A_ZIP = _("This is no ZIP file, or it is damaged.")
    TOO_MUCH = _("This ZIP file holds too much: unpacked it may be 500 MB larger than it is, and have 100,000 files.")
    TRICKS = _("This ZIP file has names or links that lead out of it. I do not open such files.")
    LOCKED = _("This ZIP file is locked with a password. Please unlock it first.")
    TOO_LARGE = _("I can take in 4 GB of ZIP files at once, or 100 MB of others. Please send less at a time.")


class Unreadable(Exception):
    """One file cannot be read; says why."""


@dataclass(slots=True)
class Result:
    kept: int = 0
    there: int = 0
    """Notes of our own ZIP that the notebook has already."""
    attached: int = 0
    left_out: list[str] = field(default_factory=list)


ZipMember = tuple[zipfile.ZipFile, zipfile.ZipInfo]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A note that was read, and the members of a ZIP that belong to it."""

    name: str
    page: ParsedNote
    files: list[ZipMember]

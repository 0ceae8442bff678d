"""What an import has come to, and its limits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notes.export_format import ParsedNote

MAX_LOOSE = 100 * 1024 * 1024  # bytes of files that are held in memory
MAX_ZIPPED = 4 * 1024**3  # bytes of archives, which are kept in an encrypted temporary file: what was exported fits
ARCHIVES = (".zip", ".jex")
ENDINGS = (".md", ".markdown", ".txt")
MAX_NAMED = 200  # lines of a report; the others are counted
MAX_PATH = 200  # characters of each name

Parts = tuple[str, ...]
"""Of a path in an archive: folders and a name."""


class Refused(Enum):
    """Why an archive was not imported at all."""

    NOT_A_ZIP = gettext_lazy("This is not a ZIP file, or it is damaged.")
    TOO_MUCH = gettext_lazy(
        "This ZIP file is too large: when unpacked it may be at most 500 MB larger, with at most 100,000 files."
    )
    TRICKS = gettext_lazy("This ZIP file has names or links that point outside it. Such files are not opened.")
    LOCKED = gettext_lazy("This ZIP file has a password. Please remove it first.")
    TOO_LARGE = gettext_lazy(
        "At most 4 GB of ZIP files, or 100 MB of other files, can be imported at once. Please send fewer at a time."
    )


class Unreadable(Exception):
    """One file cannot be read; says why."""


class Unopened(Exception):
    """An archive is not opened at all."""

    def __init__(self, why: Refused) -> None:
        super().__init__(why.name)
        self.why = why


@dataclass(slots=True)
class Result:
    kept: int = 0
    there: int = 0
    """Notes that the notebook has already."""
    attached: int = 0
    left_out: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """About notes that came in."""
    unnamed: int = 0
    """What was left out beyond `MAX_NAMED`."""

    def leave_out(self, name: str, why: object) -> None:
        if len(self.left_out) < MAX_NAMED:
            self.left_out.append(f"{name[-MAX_PATH:]}: {why}")
        else:
            self.unnamed += 1

    def say(self, name: str, what: object) -> None:
        if len(self.said) < MAX_NAMED:
            self.said.append(f"{name[-MAX_PATH:]}: {what}")

    def finish(self) -> None:
        if self.unnamed:
            self.left_out.append(_("Other files left out: %(count)s.") % {"count": self.unnamed})
            self.unnamed = 0


Read = Callable[[int], bytes]
"""At most one byte more than so many, whatever an archive says of itself. Raises `Unreadable`."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that belongs to a note."""

    name: str
    read: Read


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive, or one that was sent alone."""

    path: Parts
    stream: Callable[[], Iterator[bytes]]
    """Its content in pieces. Raises `Unreadable`."""
    modified: datetime | None = None
    packed: int = 0
    """Bytes in the archive."""

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def shown(self) -> str:
        return "/".join(self.path)

    @property
    def folder(self) -> Parts:
        return self.path[:-1]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name

    def ends(self, *endings: str) -> bool:
        return self.name.lower().endswith(endings)

    def read(self, most: int) -> bytes:
        content = bytearray()
        for piece in self.stream():
            content += piece
            if len(content) > most:
                break
        return bytes(content[: most + 1])

    def file(self) -> Attached:
        return Attached(self.name, self.read)


Tree = dict[Parts, Member]
"""All members by their paths. A reader takes out what is its own."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A note that was read, and the files that belong to it."""

    name: str
    page: ParsedNote
    files: list[Attached]

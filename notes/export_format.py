"""The format of exported notes: Markdown files, each with a short head, and attachments in a folder beside it.

2026-11-22 The kitchen at five.md
2026-11-22 The kitchen at five/plan.txt

---
secretly: 1
created: 2026-11-22T05:00:00+00:00
changed: 2026-11-22T05:10:00+00:00
pinned: no
---

The kitchen at five

Characters that some system does not allow in a file name are dropped, and so is what is beyond 255 bytes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from notes.models import Note

MARK = "secretly: 1"
HEAD = re.compile(rf"---\n{MARK}\n(?P<lines>(?:[a-z]+: [^\n]{{0,100}}\n){{0,10}})---\n\n?")
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
"""What some system does not allow in a file name."""
DEVICE = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever their ending (Microsoft, Naming Files, Paths, and Namespaces)."""
LINE = re.compile(r"([a-z]+): ([^\n]*)\n")
MAX_NAME = 255  # bytes of UTF-8 in a file's name: what Linux takes
MAX_STEM = 200  # of those; the day, a number and the ending come to them
MAX_ENDING = 40


@dataclass(frozen=True, slots=True)
class ParsedNote:
    """A note that was read from a file."""

    text: str
    created: datetime | None = None
    changed: datetime | None = None
    pinned: bool = False
    ours: bool = False
    """Whether it has our own head."""


def format_note(note: Note) -> str:
    lines = [
        MARK,
        f"created: {note.created.isoformat()}",
        f"changed: {note.changed.isoformat()}",
        f"pinned: {'yes' if note.pinned else 'no'}",
    ]
    return "---\n" + "\n".join(lines) + "\n---\n\n" + note.text


def parse_note(content: str) -> ParsedNote:
    """The note in a file. Without our own head, all of it is the text; a date that cannot be is left out."""
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    head = HEAD.match(content)
    if head is None:
        return ParsedNote(content)
    values = dict(LINE.findall(head["lines"]))
    text = content[head.end() :]
    return ParsedNote(
        text,
        moment_of(values.get("created")),
        moment_of(values.get("changed")),
        values.get("pinned") == "yes",
        ours=True,
    )


def moment_of(value: str | None) -> datetime | None:
    try:
        moment = parse_datetime(value or "")
    except ValueError:
        return None
    if moment is None or timezone.is_naive(moment) or not 1900 <= moment.year < 3000 or moment > timezone.now():
        return None
    return moment


def file_stem(note: Note, title: str) -> str:
    """A file name without its ending: the day, and how the note begins."""
    words = shorten(" ".join(FORBIDDEN.sub(" ", title).split())[:60], MAX_STEM).strip(" .")
    return f"{note.created:%Y-%m-%d} {words}".strip()


def shorten(text: str, most: int) -> str:
    """As many whole characters as fit into so many bytes."""
    return text.encode()[:most].decode(errors="ignore")


def fit(stem: str, ending: str) -> str:
    """Both as one name that is not too long."""
    return shorten(stem, MAX_NAME - len(ending.encode())).rstrip(" .") + ending


def parted(name: str) -> tuple[str, str]:
    """A file's name and its ending, with the dot. What is longer than any ending is none."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and len(ending.encode()) <= MAX_ENDING else (name, "")


class Names:
    """Hands out each name once; a second one gets a number. Upper and lower case are one to many systems."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def take(self, name: str) -> str:
        stem, ending = parted(name)
        chosen, number = name, 1
        while chosen.casefold() in self.taken:
            number += 1
            chosen = fit(stem, f" ({number}){ending}")
        self.taken.add(chosen.casefold())
        return chosen


def file_names(names: Iterable[str]) -> Iterator[str]:
    """What files of these names are called in the folder of their note, and when they have come in again."""
    taken = Names()
    for name in names:
        yield taken.take(file_name(name))


def file_name(name: str) -> str:
    """A name that every system takes."""
    stem, ending = parted(FORBIDDEN.sub(" ", name).strip(" ."))
    if DEVICE.fullmatch(stem.partition(".")[0].strip()):
        stem = f"_{stem}"
    return fit(stem, ending) or "file"

"""Evernote's ENEX: XML with notes in ENML, which is a small XHTML, and their resources in base64.

Expat reads it piece by piece. A file that declares entities is refused, and nothing outside of it is ever fetched.
"""

import base64
import binascii
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from django.utils.translation import gettext as _

from notes.attachments import MAX_BYTES
from notes.importing import enml
from notes.importing.front_matter import compose, moment_of
from notes.importing.report import MAX_LOOSE, Attached, Incoming, Member, Result, Tree, Unreadable
from notes.importing.texts import MAX_TEXT, check_length

MAX_DATA = MAX_BYTES * 3 // 2  # characters of base64, with its line ends
MAX_FILES = 5 * MAX_BYTES  # bytes of one note, which are held in memory
WANTED = {"title", "content", "created", "updated", "tag", "data", "mime", "file-name", "taskStatus"}


@dataclass(slots=True)
class Note:
    values: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    """Lines of Markdown: since version 10 they lie beside the text, with titles and dates of their own."""
    files: list[tuple[str, bytes | None]] = field(default_factory=list)
    """Names and contents; None for one that is too large."""


def read(tree: Tree, result: Result) -> Iterator[Incoming]:
    for member in [member for member in tree.values() if member.ends(".enex")]:
        del tree[member.path]
        try:
            for note in notes_of(member):
                if incoming := incoming_of(note, member, result):
                    yield incoming
        except Unreadable as error:
            result.leave_out(member.shown, error)


def incoming_of(note: Note, member: Member, result: Result) -> Incoming | None:
    title = note.values.get("title", "").strip()
    try:
        body, locked = enml.markdown(note.values.get("content", ""))
        body = "\n\n".join(filter(None, [body, "\n".join(note.tasks)]))
        if not body.strip() and not (title and note.files):
            raise Unreadable(_("empty."))
        page = compose(
            body,
            title=title,
            tags=note.tags,
            created=moment_of(note.values.get("created", "")),
            changed=moment_of(note.values.get("updated", "")),
        )
        check_length(page)
    except Unreadable as error:
        result.leave_out(title or member.shown, error)
        return None
    if locked:
        result.say(title or member.shown, _("a part that Evernote has encrypted was left out."))
    for name, content in note.files:
        if content is None:
            result.leave_out(name, _("damaged, or larger than the 20 MB that a file may have."))
    files = [attached(name, content) for name, content in note.files if content is not None]
    return Incoming(title or member.shown, page, files)


def attached(name: str, content: bytes) -> Attached:
    return Attached(name, lambda most: content[: most + 1])


def notes_of(member: Member) -> Iterator[Note]:
    """Every note, one after the other. Raises `Unreadable`."""
    source = Source()
    size = 0
    try:
        for piece in member.stream():
            size += len(piece)
            if size > MAX_LOOSE:
                raise Unreadable(_("larger than the %(size)s MB that are read.") % {"size": MAX_LOOSE // 1024**2})
            source.parser.Parse(piece, False)
            yield from source.taken()
        source.parser.Parse(b"", True)
        yield from source.taken()
    except expat.ExpatError as error:
        raise Unreadable(_("damaged.")) from error


class Source:
    """Takes the parser's events, and gives notes."""

    def __init__(self) -> None:
        self.parser = enml.parser(self.start, self.end, self.data)
        self.note = Note()
        self.notes: list[Note] = []
        self.path: list[str] = []
        self.words: list[str] = []
        self.length = 0
        self.file: dict[str, str] = {}
        self.task: dict[str, str] = {}

    def taken(self) -> list[Note]:
        notes, self.notes = self.notes, []
        return notes

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        if len(self.path) > enml.DEEPEST:
            raise Unreadable(_("damaged."))
        self.words, self.length = [], 0
        if name == "note":
            self.note = Note()
        elif name == "resource":
            self.file = {}
        elif name == "task":
            self.task = {}

    def data(self, words: str) -> None:
        if self.path and self.path[-1] in WANTED:
            self.length += len(words)
            if self.length <= (MAX_DATA if self.path[-1] == "data" else MAX_TEXT * 4):
                self.words.append(words)

    def end(self, name: str) -> None:
        words = "".join(self.words)
        too_long = self.length > len(words)
        within = "resource" in self.path[:-1]
        self.path.pop()
        parent = self.path[-1] if self.path else ""
        if name in WANTED and within:
            self.file[name] = "" if too_long else words
        elif name in WANTED and parent == "task":
            self.task[name] = words
        elif name == "tag" and parent == "note":
            self.note.tags.append(words)
        elif name in WANTED and parent == "note":
            self.note.values[name] = words
        elif name == "task" and self.task.get("title"):
            mark = "x" if self.task.get("taskStatus") == "completed" else " "
            self.note.tasks.append(f"- [{mark}] {self.task['title']}")
        elif name == "resource":
            self.note.files.append(self.resource())
        elif name == "note":
            self.notes.append(self.note)
        self.words, self.length = [], 0

    def resource(self) -> tuple[str, bytes | None]:
        kind = self.file.get("mime", "")
        name = self.file.get("file-name", "").strip() or f"file{mimetypes.guess_extension(kind) or ''}"
        held = sum(len(content or b"") for _name, content in self.note.files)
        try:
            content = base64.b64decode(self.file.get("data", ""))
        except binascii.Error:
            content = b""
        return name, content if content and held + len(content) <= MAX_FILES else None

"""Notes from text files."""

from collections.abc import Iterable, Iterator

from django.core.files.base import File
from django.utils.translation import gettext as _

from notes.export_format import ParsedNote, parse_note
from notes.importing.report import Incoming, Result, Unreadable
from notes.models import MAX_LENGTH

MAX_TEXT = 4 * MAX_LENGTH + 2000  # bytes: four for a character at most, and the head


def read_loose(files: Iterable[tuple[str, File[bytes]]], result: Result) -> Iterator[Incoming]:
    for name, file in files:
        try:
            yield Incoming(name, decode(file.read(MAX_TEXT + 1)), [])
        except Unreadable as error:
            result.left_out.append(f"{name}: {error}")


def decode(content: bytes) -> ParsedNote:
    """The note in a text file. Raises `Unreadable`."""
    if len(content) > MAX_TEXT:
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

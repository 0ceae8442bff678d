"""A note from the bytes of a text file, in whatever code they are."""

import codecs
import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from notes.export_format import ParsedNote, parse_note
from notes.hits import fold
from notes.importing import front_matter, legacy
from notes.importing.report import Member, Result, Unreadable
from notes.models import MAX_LENGTH

MAX_TEXT = 4 * MAX_LENGTH + 2000  # bytes: four for a character at most, and the head
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE = 20_000
NOTION_ID = re.compile(r"[ _-][0-9a-f]{32}$")
NO_TITLE = re.compile(
    r"(untitled|new note|note|page)?[\s\d()_-]*|[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE
)
"""A file name that nobody gave: nothing, a number alone, what programs call a new note, a UUID."""
NO_WORD = re.compile(r"[\W_]+")


def read_page(member: Member, result: Result) -> ParsedNote:
    """The note in a text file, with the title that only its name has. Raises `Unreadable`."""
    text, code = decode(member.read(MAX_TEXT))
    page = parse_note(text)
    if not page.ours:
        page = front_matter.parse(page.text)
    if not page.text.strip():
        raise Unreadable(_("empty."))
    if not page.ours:
        page = dated(replace(page, text=titled(page.text, title_of(member.stem))), member.modified)
    check_length(page)
    if code:
        result.say(member.shown, _("was not UTF-8, and was read as %(code)s.") % {"code": code})
    return page


def decode(content: bytes) -> tuple[str, str]:
    """The text, and its code where that was guessed. Raises `Unreadable`."""
    if len(content) > MAX_TEXT:
        raise Unreadable(too_long())
    code = unmarked(content)
    if code:
        return content.decode(code), code
    try:
        mark, known = next(((mark, known) for mark, known in MARKS if content.startswith(mark)), (b"", "utf-8"))
        text = content[len(mark) :].decode(known)
    except UnicodeDecodeError as error:
        if b"\0" in content or not (found := legacy.decode_text(content)):
            raise Unreadable(_("not text in any known encoding.")) from error
        text, code = found
    if "\0" in text:
        raise Unreadable(_("not text: it has NUL characters."))
    return text, code


def unmarked(content: bytes) -> str:
    """UTF-16 that lacks its mark: every character is one that is shown, and one in twenty is a blank, as in any text.

    Read the other way round, blanks are no blanks.
    """
    if b"\0" not in content[:SAMPLE]:
        return ""
    for code in ("utf-16-le", "utf-16-be"):
        with suppress(UnicodeDecodeError):
            text = content.decode(code)[:SAMPLE]
            shown = all(character.isprintable() or character in "\t\r\n\f" for character in text)
            if shown and 20 * sum(map(text.count, " \n")) >= len(text):
                return code
    return ""


def check_length(page: ParsedNote) -> None:
    """Raises `Unreadable`."""
    if len(page.text) > MAX_LENGTH:
        raise Unreadable(too_long())


def too_long() -> str:
    return _("longer than the %(limit)s characters of a note.") % {"limit": f"{MAX_LENGTH:,}"}


def dated(page: ParsedNote, moment: datetime | None) -> ParsedNote:
    """With the archive's date where there is nothing better."""
    return page if page.created or not moment else replace(page, created=moment, changed=page.changed or moment)


def title_of(stem: str) -> str:
    """The title in a file's name. Empty where it has none."""
    title = NOTION_ID.sub("", stem).strip()
    letter = title.isascii() and len(title) < 2
    return "" if letter or title.startswith(".") or NO_TITLE.fullmatch(title) else title


def titled(text: str, title: str) -> str:
    """The text below its title, unless it begins with it."""
    title = " ".join(title.split())
    first = next((line for line in text.split("\n") if line.strip()), "")
    there = NO_WORD.sub("", fold(first))
    return f"# {title}\n\n{text}" if title and NO_WORD.sub("", fold(title)) not in there else text

"""Evernote's markup into Markdown."""

import html
import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from notes.importing.report import Unreadable

DEEPEST = 200  # elements within elements
BLOCKS = {"div", "p", "ul", "ol", "table", "tr", "blockquote", "pre", "hr", "en-note", *(f"h{n}" for n in range(1, 7))}
MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "s": "~~", "strike": "~~", "del": "~~", "code": "`"}
BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
EMPTY_MARKS = re.compile(r"(\*\*|~~|`)\1")


def parser(
    start: Callable[[str, Any], None], end: Callable[[str], None], data: Callable[[str], None]
) -> expat.XMLParserType:
    """A parser that knows no entities but those of HTML, and fetches nothing.

    Raises `Unreadable` where some are declared.
    """

    def refuse(*about: object) -> None:
        raise Unreadable(_("it declares entities, which can be made to fill the memory."))

    def other(words: str) -> None:
        if words.startswith("&"):
            data(html.unescape(words))

    made = expat.ParserCreate()
    made.buffer_text = True
    made.EntityDeclHandler = refuse
    made.StartElementHandler, made.EndElementHandler, made.CharacterDataHandler = start, end, data
    made.DefaultHandler = other
    return made


def markdown(content: str) -> tuple[str, bool]:
    """The note's words, and whether a part of them is encrypted. Raises `Unreadable`."""
    source = Words()
    try:
        parser(source.start, source.end, source.data).Parse(content.encode(errors="replace"), True)
    except expat.ExpatError as error:
        raise Unreadable(_("damaged.")) from error
    lines = EMPTY_MARKS.sub("", "".join(source.out))
    return BLANK_LINES.sub("\n\n", lines).strip(), source.locked


class Words:
    """Takes the parser's events, and writes Markdown."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.lists: list[list[Any]] = []
        """Of each list that is open its kind, and how many items it has had."""
        self.links: list[str] = []
        self.depth = 0
        self.hidden = 0
        self.locked = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable(_("damaged."))
        if name == "en-crypt":
            self.locked, self.hidden = True, self.hidden + 1
        elif name in ("ul", "ol"):
            self.lists.append([name, 0])
            self.line()
        elif name == "li":
            self.item()
        elif name == "en-todo":
            self.todo(attributes.get("checked") == "true")
        elif name == "a":
            self.links.append(attributes.get("href", ""))
            self.out.append("[")
        elif name in MARKS:
            self.out.append(MARKS[name])
        elif name == "br":
            self.out.append("\n")
        elif name == "hr":
            self.out.append("\n\n---\n\n")
        elif name in BLOCKS:
            self.line()
            if name[0] == "h" and name[1:].isdigit():
                self.out.append(f"\n{'#' * int(name[1:])} ")
        elif name in ("td", "th"):
            self.out.append("| ")

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == "en-crypt":
            self.hidden -= 1
        elif name in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.line()
        elif name == "a" and self.links:
            self.out.append(f"]({self.links.pop()})")
        elif name in MARKS:
            self.out.append(MARKS[name])
        elif name in BLOCKS or name == "li":
            self.line()
        elif name in ("td", "th"):
            self.out.append(" ")

    def data(self, words: str) -> None:
        if not self.hidden:
            self.out.append(
                re.sub(r"\s+", " ", words.replace("\0", "")) if words.strip() else words[:1].replace("\n", " ")
            )

    def line(self) -> None:
        """Begin a new line, unless one has just begun, or an item has, in which it would be a paragraph."""
        last = self.out[-1] if self.out else "\n"
        if not last.endswith(("\n", "- ", ". ", "] ")):
            self.out.append("\n")

    def item(self) -> None:
        self.line()
        if self.lists:
            self.lists[-1][1] += 1
            kind, count = self.lists[-1]
            self.out.append(
                "  " * (len(self.lists) - 1) * (2 if kind == "ol" else 1) + ("- " if kind == "ul" else f"{count}. ")
            )

    def todo(self, ticked: bool) -> None:
        mark = "[x] " if ticked else "[ ] "
        self.out.append(mark if self.out and self.out[-1].endswith("- ") else f"- {mark}")

"""What of a note is shown where it was found: the words around the first hit, and the hits marked. And its #words."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import combining, decimal, name, normalize

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from notes import markdown

BEFORE, LENGTH = 40, 160
"""Characters of an excerpt: before the first hit, and in all."""

TAG = re.compile(r"(?<![^\s(\[,;])#(?=\w*[^\W\d_])(\w[\w-]{0,49})")
"""A #word: with a letter in it, and at the start of a word. "# Heading", "#1" and "page#part" are none."""

UNSEEN = re.compile("[\u00ad\u0640\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
"""What changes how a word is drawn and not which word it is: the Arabic tatweel, joiners, marks of direction, and which
picture of an emoji is meant."""


ALIKE = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02b9\u02bb\u02bc\u02c8\u00b4\uff07",
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u02ba\u301d\u301e\u301f\uff02",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d",
    "i": "\u0131",
    "j": "\u0237",
    "ae": "\u00e6",
    "oe": "\u0153",
    "th": "\u00fe",
    "d": "\u00f0",
    "\u0627": "\u0671",  # alef
    "\u064a": "\u0649\u06cc\u06d2",  # yeh, as Arabic and Persian keyboards have it
    "\u0643": "\u06a9\u06aa",  # kaf
    "\u0647": "\u0629\u06be\u06c1\u06c3\u06d5",  # heh, and the teh that looks like one
    ",": "\u060c\u066c",
    ".": "\u066b\u06d4",
    ";": "\u061b",
    "?": "\u061f",
    "%": "\u066a",
}
"""What people type for each other, by what stands for all of them."""

STROKED = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")


def alike() -> Iterator[tuple[int, str]]:
    """Each character that has a plainer form which Unicode's own normalisation (NFKD, casefold) does not give."""
    for point in range(0x80, sys.maxunicode):
        character = chr(point)
        if (digit := decimal(character, None)) is not None:
            yield point, str(digit)
        elif point < 0xAB70 and (letter := STROKED.match(name(character, ""))):
            yield point, letter[1].lower()
    for plain, others in ALIKE.items():
        yield from ((ord(other), plain) for other in others)


PLAIN = dict(alike())


def fold(text: str) -> str:
    """The form in which texts are compared: "CAFÉ" is found by "cafe"."""
    if text.isascii():
        return text.lower()
    # Before and after: a letter in another style has its capital only when it is an ordinary one.
    apart = normalize("NFKD", normalize("NFKD", text.translate(PLAIN)).casefold())
    bare = "".join(character for character in UNSEEN.sub("", apart) if not combining(character))
    return bare.translate(PLAIN)


@dataclass(frozen=True, slots=True)
class Hit:
    """Why a note was found."""

    wanted: tuple[str, ...]
    """The words, folded."""

    excerpt: str
    """Plain text around the first hit after the title; empty where there is none."""

    file: str
    """The name of an attachment that has one of the words."""


def hit(text: str, names: list[str], wanted: tuple[str, ...]) -> Hit:
    """`names` are those of the attachments."""
    lines = [line for line in text.split("\n") if line.strip()]
    around = next((plain for line in lines[1:] if has(line, wanted) and (plain := markdown.plain_line(line))), "")
    return Hit(wanted, excerpt(around, wanted), next((name for name in names if has(name, wanted)), ""))


def has(text: str, wanted: tuple[str, ...]) -> bool:
    folded = fold(text)
    return any(word in folded for word in wanted)


def excerpt(line: str, wanted: tuple[str, ...]) -> str:
    """The part of a line that begins with the words before the first hit."""
    if len(line) <= LENGTH:
        return line
    first = next((word.start() for word in re.finditer(r"\S+", line) if has(word[0], wanted)), 0)
    start = max(0, first - BEFORE)
    if start:
        start = line.find(" ", start, first) + 1 or start
    part = line[start : start + LENGTH]
    return ("…" if start else "") + part + ("…" if start + LENGTH < len(line) else "")


def marked(text: str, wanted: tuple[str, ...]) -> SafeString:
    """The text as HTML, in which what was looked for is marked, as it is written."""
    folded, origin = "", []  # for each character of the folded text, which one of the text it comes from
    for i, character in enumerate(text):
        plain = fold(character)
        folded += plain
        origin += [i] * len(plain)
    found = re.finditer("|".join(map(re.escape, sorted(wanted, key=len, reverse=True))), folded) if wanted else ()
    html, done = "", 0
    for match in found:
        start, end = origin[match.start()], origin[match.end() - 1] + 1
        while end < len(text) and combining(text[end]):
            end += 1  # an accent belongs to its letter
        if start >= done:
            html += f"{escape(text[done:start])}<mark>{escape(text[start:end])}</mark>"
            done = end
    return mark_safe(html + escape(text[done:]))  # noqa: S308 - escaped above


def tags_in(text: str) -> list[str]:
    """The #words of a text with their sign, each once, in their order."""
    seen: dict[str, str] = {}
    for tag in TAG.finditer(text):
        seen.setdefault(fold(tag[0]), tag[0])
    return list(seen.values())

"""Search one person's notes.

The database has no index of words: every text is decrypted in memory and compared. 5,000 notes of an ordinary length
take about a twentieth of a second.
"""

import logging
import re
import sys
from collections.abc import Iterator
from itertools import islice
from unicodedata import combining, decimal, name, normalize
from uuid import UUID

from django.contrib.auth.models import User
from django.views.decorators.debug import sensitive_variables

from notes.encryption import Altered
from notes.models import Note, key_of

logger = logging.getLogger(__name__)

LONGEST = 200
"""Characters of what is searched for, at most."""

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


@sensitive_variables()
def search(owner: User, words: str, start: int, count: int) -> list[Note]:
    """Notes with all of the words somewhere in them, in the order of the list: `count` from the `start`-th on."""
    wanted = fold(words[:LONGEST]).split()
    if not wanted:
        return []
    found = list(islice(matches(owner, wanted), start, start + count))
    notes = Note.objects.of(owner).openings().with_attachments().in_bulk(found)
    return [notes[pk] for pk in found if pk in notes]


@sensitive_variables()
def matches(owner: User, wanted: list[str]) -> Iterator[UUID]:
    key = key_of(owner)
    rows = Note.objects.of(owner).values_list("pk", "version", "sealed_text")
    for pk, version, sealed in rows.iterator(500):
        try:
            text = fold(key.unseal_note(sealed, "text", pk, version))
        except Altered as error:  # its card in the list says so
            logger.error("The note %s: %s", pk, error)
            continue
        if all(word in text for word in wanted):
            yield pk

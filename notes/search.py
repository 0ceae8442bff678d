"""Search one person's notes.

The database has no index of words: every text is decrypted in memory and compared. 5,000 notes of an ordinary length
take about a twentieth of a second.
"""

import logging
import re
from collections.abc import Iterator
from itertools import islice
from unicodedata import combining, normalize
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


def fold(text: str) -> str:
    """The form in which texts are compared: "CAFÉ" is found by "cafe"."""
    if text.isascii():
        return text.lower()
    # Before and after: a letter in another style has its capital only when it is an ordinary one.
    apart = normalize("NFKD", normalize("NFKD", text).casefold())
    return "".join(character for character in UNSEEN.sub("", apart) if not combining(character))


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
    for pk, sealed in Note.objects.of(owner).values_list("pk", "sealed_text").iterator(500):
        try:
            text = fold(key.unseal(sealed, f"text of note {pk}").decode())
        except Altered as error:  # its card in the list says so
            logger.error("The note %s: %s", pk, error)
            continue
        if all(word in text for word in wanted):
            yield pk

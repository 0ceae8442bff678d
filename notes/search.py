"""Search one person's notes.

The database has no index of words: every text is decrypted in memory and compared. 5,000 notes of an ordinary length
take about a twentieth of a second.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.contrib.auth.models import User
from django.views.decorators.debug import sensitive_variables

from notes.encryption import Altered
from notes.hits import Hit, fold, hit
from notes.models import Attachment, Note, key_of

logger = logging.getLogger(__name__)

LONGEST = 200
"""Characters of what is searched for, at most."""


@sensitive_variables()
def search(owner: User, words: str, start: int, count: int) -> list[Note]:
    """Notes with all of the words in them or in the names of their attachments, and why each was found (`Note.hit`).

    In the order of the list: `count` from the `start`-th on.
    """
    wanted = tuple(fold(words[:LONGEST]).split())
    if not wanted:
        return []
    found = dict(islice(matches(owner, wanted), start, start + count))
    notes = Note.objects.of(owner).openings().with_attachments().in_bulk(found)
    for pk, note in notes.items():
        note.hit = found[pk]
    return [notes[pk] for pk in found if pk in notes]


@sensitive_variables()
def matches(owner: User, wanted: tuple[str, ...]) -> Iterator[tuple[UUID, Hit]]:
    key = key_of(owner)
    names = names_of_files(owner)
    rows = Note.objects.of(owner).values_list("pk", "version", "sealed_text")
    for pk, version, sealed in rows.iterator(500):
        try:
            text = key.unseal_note(sealed, "text", pk, version)
        except Altered as error:  # its card in the list says so
            logger.error("The note %s: %s", pk, error)
            continue
        folded = fold("\n".join([text, *names[pk]]))
        if all(word in folded for word in wanted):
            yield pk, hit(text, names[pk], wanted)


@sensitive_variables()
def names_of_files(owner: User) -> dict[UUID, list[str]]:
    """The names of all attachments, by note."""
    names: dict[UUID, list[str]] = defaultdict(list)
    for attachment in Attachment.objects.of(owner).defer("note__sealed_text", "note__sealed_opening"):
        attachment.note.owner = owner  # who has the key at hand
        names[attachment.note_id].append(attachment.name)
    return names

"""How a note is shown in a list: two lines, of which the first is its title."""

import logging
from dataclasses import dataclass

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from notes import history, markdown
from notes.encryption import Altered
from notes.hits import marked, tags_in
from notes.models import OPENING_LENGTH, Note, Version
from notes.responses import NO_NOTE

logger = logging.getLogger(__name__)

register = template.Library()

LONGEST_TITLE = 100  # characters; a longer first line goes on in the second
LONGEST_WORDS = 160  # characters: more than a line of the list holds


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    """The first line with words in it. In what was found, with the hits marked, as HTML."""
    words: str
    """What comes next; in what was found, the words around the first hit."""
    file: str = ""
    """The name of an attachment that was found."""


@register.filter
def card(note: Note) -> Card:
    """An altered note gets a card that says so, and does not close the whole notebook."""
    try:
        title, words = title_and_words(note.opening)
    except Altered as error:
        logger.error("The note %s: %s", note.pk, error)
        return Card(_("This note cannot be opened."), "")
    if (hit := note.hit) is None:
        return Card(title, words)
    return Card(marked(title, hit.wanted), marked(hit.excerpt or words, hit.wanted), marked(hit.file, hit.wanted))


def title_and_words(opening: str) -> tuple[str, str]:
    """Two lines of plain text for the beginning of a note."""
    cut = "…" if len(opening) == OPENING_LENGTH else ""
    lines = [plain for line in opening.split("\n") if (plain := markdown.plain_line(line))]
    if not lines:
        return opening.strip(), ""
    title, rest = lines[0], " ".join(lines[1:])
    if len(title) > LONGEST_TITLE:
        end = title.rfind(" ", 1, LONGEST_TITLE)
        end = end if end > 0 else LONGEST_TITLE
        title, rest = title[:end], f"{title[end:].strip()} {rest}".strip()
    words = rest[:LONGEST_WORDS]
    return title, words + ("…" if words != rest else cut)


@register.filter
def at(note: Note, pattern: str) -> str:
    """The address of the note, from the pattern that `notes.responses.page` resolves once for fifty cards."""
    return pattern.replace(NO_NOTE, str(note.pk))


@register.filter
def rendered(text: str) -> SafeString:
    return markdown.render(text)


@register.filter
def earlier(note: Note) -> list[Version]:
    """Numbers and times of its earlier versions, the latest first."""
    return list(history.shown(note))


@register.filter
def at_rest(html: SafeString) -> SafeString:
    """With check boxes that cannot be ticked. Words look like no tag here: in them every < is escaped."""
    return mark_safe(html.replace("<button ", "<button disabled "))  # noqa: S308


@register.filter
def tags(text: str) -> list[str]:
    """The #words of a text, each once."""
    return tags_in(text)


@register.filter
def in_quotes(title: str) -> SafeString:
    """A title as part of a sentence, whichever way it is written."""
    return mark_safe(f"<bdi>{escape(title)}</bdi>")  # noqa: S308 - escaped here

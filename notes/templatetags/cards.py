"""How a note is shown in a list."""

import logging
import re
from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from notes import history, markdown
from notes.encryption import Altered
from notes.models import OPENING_LENGTH, Note
from notes.responses import NO_NOTE

logger = logging.getLogger(__name__)

register = template.Library()

NO_TITLE = re.compile(r"\s*(?:[-*+]\s|\d{1,9}[.)]\s|>|```|~~~|\||\t| {4}|([-*_])([ \t]*\1){2,}\s*$)")
"""A first line that is part of something, a list, a quotation, a table, code, or that is only a rule."""
LONGEST_TITLE = 100  # characters; a longer first line is a paragraph
UNDERLINE = re.compile(r"\s{0,3}(?:=+|-+)\s*$")


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    """The first line with words in it, as a name; empty where it is part of something else."""
    body: SafeString
    """The rest of the opening, as HTML."""


@register.filter
def card(note: Note) -> Card:
    """An altered note gets a card that says so, and does not close the whole notebook."""
    try:
        opening = note.opening
    except Altered as error:
        logger.error("The note %s: %s", note.pk, error)
        return Card(_("I cannot open this note."), SafeString(""))
    if len(opening) == OPENING_LENGTH:
        opening += "…"
    lines = opening.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    no_title = NO_TITLE.match(lines[first]) or len(lines[first]) > LONGEST_TITLE
    title = "" if no_title else markdown.plain(lines[first])
    if not title:
        return Card("", markdown.render(opening))
    rest = first + 1
    if rest < len(lines) and UNDERLINE.match(lines[rest]):
        rest += 1
    return Card(title, markdown.render("\n".join(lines[rest:]), rest))


@register.filter
def at(note: Note, pattern: str) -> str:
    """The address of the note, from the pattern that `notes.responses.page` resolves once for fifty cards."""
    return pattern.replace(NO_NOTE, str(note.pk))


@register.filter
def rendered(text: str) -> SafeString:
    return markdown.render(text)


@register.filter
def earlier(note: Note) -> list[dict[str, Any]]:
    """Numbers and times of its earlier versions, the latest first."""
    return list(history.shown(note))


@register.filter
def at_rest(html: SafeString) -> SafeString:
    """With check boxes that cannot be ticked. Words look like no tag here: in them every < is escaped."""
    return mark_safe(html.replace("<button ", "<button disabled "))  # noqa: S308

"""JSON of other programs, with bounds."""

from typing import Any

from django.utils.translation import gettext as _

from notes.importing.report import Member, Unreadable
from privatekit import jsons

MAX_VALUES = 1_000_000  # which take 120 MB


def load(member: Member, most: int) -> Any:
    """What a JSON file of at most so many bytes says. Raises `Unreadable`."""
    content = member.read(most)
    if len(content) > most:
        raise Unreadable(_("larger than the %(size)s MB that are read.") % {"size": most // 1024**2})
    try:
        return jsons.loads(content, MAX_VALUES)
    except ValueError as error:
        raise Unreadable(_("damaged.")) from error


def text(value: Any) -> str:
    return value.replace("\0", "") if isinstance(value, str) else ""


def dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

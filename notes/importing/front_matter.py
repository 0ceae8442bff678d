"""The head of a note from another program: YAML between two lines of "---", of which the usual forms are read."""

import re
from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from notes.export_format import ParsedNote

HEAD = re.compile(r"\A---[ \t]*\n(?P<lines>(?:(?!---|\.\.\.).{0,2000}\n){0,100}?)(?:---|\.\.\.)[ \t]*(?:\n+|\Z)")
LINE = re.compile(r"([\w][\w .-]{0,60}?)[ \t]*:(?:[ \t]+(.*)|[ \t]*)")
ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
CREATED = ("created", "created_at", "createdat", "date created", "creation date", "created_time", "date")
CHANGED = ("updated", "updated_at", "updatedat", "modified", "changed", "lastmod", "date modified", "updated_time")
KNOWN = {"title", "tags", "tag", "keywords", "pinned", *CREATED, *CHANGED}
YES = ("true", "yes", "on", "1")

Values = dict[str, list[str]]


def parse(text: str) -> ParsedNote:
    """The note below its head. What the head has beside title, tags, dates and pin stays as text; a list stays text too
    where it is none of these."""
    head = HEAD.match(text)
    values = read(head["lines"]) if head else None
    if head is None or values is None:
        return ParsedNote(text)
    rest = [f"{key}: {', '.join(some)}" for key, some in values.items() if key.lower() not in KNOWN and any(some)]
    lower = {key.lower(): some for key, some in values.items()}
    body = "\n\n".join(filter(None, ["\n".join(rest), text[head.end() :]]))
    return compose(
        body,
        title=first(lower, "title"),
        tags=[tag for key in ("tags", "tag", "keywords") for tag in lower.get(key, [])],
        created=moment_of(first(lower, *CREATED)),
        changed=moment_of(first(lower, *CHANGED)),
        pinned=first(lower, "pinned").lower() in YES,
    )


def compose(
    body: str,
    title: str = "",
    tags: list[str] | None = None,
    created: datetime | None = None,
    changed: datetime | None = None,
    pinned: bool = False,
) -> ParsedNote:
    """A note from its parts: the title is its first line, the tags are its last. Without words there is no note."""
    from notes.importing.texts import titled  # which parses heads by this module

    body = body.replace("\r\n", "\n").replace("\r", "\n")
    text = titled(body, title) if title.strip() else body
    if tags := [tag for tag in map(as_tag, tags or []) if tag not in body]:
        text = f"{text.rstrip()}\n\n{' '.join(dict.fromkeys(tags))}".lstrip()
    return ParsedNote(text, created or changed, changed or created, pinned)


def read(lines: str) -> Values | None:
    """The values of each key; None where these are no lines of a head."""
    values: Values = {}
    key = ""
    for line in lines.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if key and (item := ITEM.fullmatch(line)):
            values[key].append(bare(item[1]))
        elif found := LINE.fullmatch(line):
            key = found[1]
            values.setdefault(key, []).extend(items(found[2] or ""))
        elif key and line[0] in " \t":
            values[key].append(line.strip())
        else:
            return None
    return values


def items(value: str) -> list[str]:
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return [bare(item) for item in value[1:-1].split(",") if item.strip()]
    return [bare(value)] if value not in ("", "|", ">", "|-", ">-") else []


def bare(value: str) -> str:
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].replace(f"\\{value[0]}", value[0]) if quoted else value


def first(values: Values, *keys: str) -> str:
    return next((some[0] for key in keys if (some := values.get(key))), "")


def as_tag(words: str) -> str:
    return "#" + re.sub(r"[\s,]+", "-", words.strip().lstrip("#"))


def moment_of(value: object) -> datetime | None:
    """A date in any of the usual ways, or seconds, milli- or microseconds since 1970. None: it cannot be one."""
    try:
        moment = from_number(float(str(value))) if not isinstance(value, str) or value.isdigit() else from_text(value)
    except (ValueError, OverflowError, OSError):
        return None
    if moment is None:
        return None
    moment = moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    return moment if 1900 <= moment.year < 3000 and moment <= timezone.now() else None


def from_number(number: float) -> datetime | None:
    while number > 1e11:
        number /= 1000
    return datetime.fromtimestamp(number, UTC) if number > 0 else None


def from_text(value: str) -> datetime | None:
    value = re.sub(r"^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6", value.strip())
    day = None if (moment := parse_datetime(value)) else parse_date(value)
    return moment or (datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None)

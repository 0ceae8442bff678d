"""The log of the door as CSV, a row at a time.

What a visitor sends is a stranger's text: a cell that a spreadsheet would take for a formula gets an apostrophe before
it (OWASP, CSV Injection).
"""

import csv
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.timezone import localtime

from faceauth.models import Login

COLUMNS = ("at", "outcome", "reason", "user", "similarity", "way", "address", "device", "rekognition_ms", "times")

# Excel also takes full-width marks for their narrow sisters, and skips spaces before any of them.
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


class Echo:
    """What a csv.writer writes to: it hands the row on."""

    def write(self, value: str) -> str:
        return value


def harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(STARTS_FORMULA) else text


def rows(visits: QuerySet[Login]) -> Iterator[str]:
    """The lines of the file, the first of which names the columns."""
    written = csv.writer(Echo())
    yield "\ufeff"  # by which Excel knows that it is UTF-8
    yield written.writerow(COLUMNS)
    for visit in visits.select_related("user").iterator(chunk_size=2000):
        name = visit.user.get_username() if visit.user else ""
        at = localtime(visit.at).isoformat(timespec="seconds")
        values = (at, visit.outcome, visit.reason, name, visit.similarity, visit.way, visit.address, visit.device)
        yield written.writerow([*map(harmless, values), harmless(visit.rekognition_ms), visit.times])

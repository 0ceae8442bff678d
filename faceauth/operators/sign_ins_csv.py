"""The sign-in log as CSV, written a row at a time, and its pruning."""

import csv
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.utils.timezone import localtime, now

from faceauth.models import SignIn
from faceauth.operators.figures import Range

COLUMNS = ("at", "outcome", "reason", "user", "similarity", "method", "address", "device", "rekognition_ms", "times")

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV Injection). Excel also accepts the full-width
# forms, and skips leading spaces.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")

MIN_DAYS_KEPT = Range.MONTH.count + 1  # what the dashboard shows first, from the first moment of the first day
BATCH = 5_000  # rows in one deletion, so that sign-ins can be written in between


class Echo:
    """What a csv.writer writes to: it returns the line."""

    def write(self, value: str) -> str:
        return value


def escaped(value: object) -> str:
    """The cell with an apostrophe before it, if a spreadsheet would take it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def rows(sign_ins: QuerySet[SignIn]) -> Iterator[str]:
    """The lines of the file; the first one names the columns."""
    writer = csv.writer(Echo())
    yield "\ufeff"  # tells Excel that it is UTF-8
    yield writer.writerow(COLUMNS)
    for sign_in in sign_ins.select_related("user").iterator(chunk_size=2000):
        values = {name: getattr(sign_in, name) for name in COLUMNS}
        values["at"] = localtime(sign_in.at).isoformat(timespec="seconds")
        values["user"] = sign_in.user.get_username() if sign_in.user else ""
        yield writer.writerow(map(escaped, values.values()))


def prune(keep_days: int) -> int:
    """Delete sign-ins older than this many days; return how many rows. Their sessions ended long before."""
    old = SignIn.objects.filter(at__lt=now() - timedelta(days=keep_days)).order_by("at")
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += SignIn.objects.filter(pk__in=batch).delete()[0]
    return deleted

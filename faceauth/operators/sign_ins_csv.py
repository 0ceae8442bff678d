"""The log of the door: leaving as CSV, a row at a time, and made shorter.

What a visitor sends is a stranger's text: a cell that a spreadsheet would take for a formula gets an apostrophe before
it (OWASP, CSV Injection).
"""

import csv
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.utils.timezone import localtime, now

from faceauth.models import SignIn
from faceauth.operators.dashboard import DAYS

COLUMNS = ("at", "outcome", "reason", "user", "similarity", "method", "address", "device", "rekognition_ms", "times")

# Excel also takes full-width marks for their narrow sisters, and skips spaces before any of them.
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


LEAST_DAYS = DAYS + 1  # so many does the desk draw, and counts from their first moment
BATCH = 5_000  # rows: the door goes on writing in between


class Echo:
    """What a csv.writer writes to: it hands the row on."""

    def write(self, value: str) -> str:
        return value


def harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(STARTS_FORMULA) else text


def rows(sign_ins: QuerySet[SignIn]) -> Iterator[str]:
    """The lines of the file, the first of which names the columns."""
    written = csv.writer(Echo())
    yield "\ufeff"  # by which Excel knows that it is UTF-8
    yield written.writerow(COLUMNS)
    for sign_in in sign_ins.select_related("user").iterator(chunk_size=2000):
        name = sign_in.user.get_username() if sign_in.user else ""
        at = localtime(sign_in.at).isoformat(timespec="seconds")
        values = (
            at,
            sign_in.outcome,
            sign_in.reason,
            name,
            sign_in.similarity,
            sign_in.method,
            sign_in.address,
            sign_in.device,
        )
        yield written.writerow([*map(harmless, values), harmless(sign_in.rekognition_ms), sign_in.times])


def prune(keep_days: int) -> int:
    """Delete the visits that are older than so many days; how many rows they were. Sessions are over long before."""
    old = SignIn.objects.filter(at__lt=now() - timedelta(days=keep_days)).order_by("at")
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += SignIn.objects.filter(pk__in=batch).delete()[0]
    return deleted

"""The sign-in log during a flood: one row for each full window, not one for each request."""

import threading
import time

from django.http import HttpRequest

from faceauth.audit.log import record_throttled
from faceauth.models import SignIn
from faceauth.ratelimit.limits import Exceeded


class Floods:
    """The log rows that stand for many: of each full window the row, and how many were turned away since.

    Each process has its own, with its own rows. There are never more than there are full windows, and each of those
    took a limit's worth of admitted attempts.
    """

    lock = threading.Lock()
    rows: dict[str, tuple[int, int, float]] = {}  # noqa: RUF012 - the process's own: by key, the row, times, and the end


def record_exceeded(request: HttpRequest, exceeded: Exceeded) -> None:
    """Log the first request that a full window turned away, and how many followed, without a write for each.

    A flood must not fill the database, nor keep it busy: the row says 1, 2, 4, 8 and so on.
    """
    with Floods.lock:
        row, times, ends = Floods.rows.get(exceeded.key, (0, 0, exceeded.ends))
        times += 1
        if not row:
            now = time.time()
            Floods.rows = {key: flood for key, flood in Floods.rows.items() if flood[2] > now}
            row = record_throttled(request).pk
        Floods.rows[exceeded.key] = row, times, ends
    if times > 1 and times & (times - 1) == 0:
        SignIn.objects.filter(pk=row, times__lt=times).update(times=times)

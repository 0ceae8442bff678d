"""The sign-ins of some time, counted by the hour or the day.

Past hours and days are counted once and then cached, so that a month with a million sign-ins costs a page what today
costs.
"""

import enum
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.db.models import Count, Sum
from django.db.models.functions import Floor
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from faceauth import cache
from faceauth.models import SignIn
from faceauth.outcomes import Outcome


class Range(enum.Enum):
    """A time that the dashboard can show: its name in the address, its label, and how many hours or days it has."""

    DAY = ("24h", _("24 hours"), 24, True)
    WEEK = ("7d", _("7 days"), 7, False)
    MONTH = ("30d", _("30 days"), 30, False)
    QUARTER = ("90d", _("90 days"), 90, False)

    def __init__(self, key: str, label: str, count: int, hourly: bool) -> None:
        self.key, self.label, self.count, self.hourly = key, label, count, hourly

    @classmethod
    def of(cls, key: str) -> "Range":
        """The range with this name; a month for any other."""
        return next((it for it in cls if it.key == key), cls.MONTH)

    def starts(self, now: datetime) -> list[datetime]:
        """When its hours or days begin, in order; the last one is going on. `now` is in the reader's zone."""
        if self.hourly:
            hour = now.replace(minute=0, second=0, microsecond=0)
            return [hour - timedelta(hours=back) for back in reversed(range(self.count))]
        days = (now.date() - timedelta(days=back) for back in reversed(range(self.count)))
        return [timezone.make_aware(datetime.combine(day, time.min)) for day in days]


@dataclass(frozen=True, slots=True)
class Figures:
    """The sign-ins of some time, counted."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By outcome and reason."""
    similarities: Counter[tuple[bool, int]] = field(default_factory=Counter)
    """By whether they were recognised, and by similarity without its fraction."""
    milliseconds: Counter[int] = field(default_factory=Counter)
    """By how long Rekognition took."""

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.outcomes + other.outcomes,
            self.similarities + other.similarities,
            self.milliseconds + other.milliseconds,
        )

    def of(self, outcome: str) -> int:
        return sum(count for (it, _reason), count in self.outcomes.items() if it == outcome)

    def reasons(self) -> list[tuple[str, int]]:
        """Reasons for refusal with their counts, the most frequent first."""
        counts = [(reason, count) for (it, reason), count in self.outcomes.items() if it == Outcome.REFUSED]
        return sorted(counts, key=lambda it: (-it[1], it[0]))

    def percentile(self, percent: int) -> int | None:
        """Milliseconds that so many percent of the sign-ins did not exceed (nearest rank); None without any."""
        left = -(-self.milliseconds.total() * percent // 100)
        for value, count in sorted(self.milliseconds.items()):
            left -= count
            if left <= 0:
                return value
        return None


def figures(start: datetime, end: datetime) -> Figures:
    """Three queries, each answered by the index `signin_figures` alone."""
    sign_ins = SignIn.objects.filter(at__gte=start, at__lt=end).order_by()
    matched = sign_ins.filter(similarity__isnull=False).annotate(whole=Floor("similarity"))
    similarities: Counter[tuple[bool, int]] = Counter()
    for outcome, whole, count in matched.values_list("outcome", "whole").annotate(Count("pk")):
        similarities[outcome == Outcome.RECOGNISED, int(whole)] += count
    # Without failed calls: these last as long as the timeout.
    answered = sign_ins.filter(rekognition_ms__isnull=False).exclude(outcome=Outcome.UNAVAILABLE)
    timed = answered.values_list("rekognition_ms").annotate(Count("pk"))
    return Figures(
        # A row of throttled attempts may stand for many.
        Counter(
            {(it, reason): n for it, reason, n in sign_ins.values_list("outcome", "reason").annotate(Sum("times"))}
        ),
        similarities,
        Counter({ms: count for ms, count in timed if ms is not None}),
    )


def counted(chosen: Range) -> dict[datetime, Figures]:
    """The figures of each hour or day of the range, by its beginning; the last one is going on."""
    now = timezone.localtime()
    starts = chosen.starts(now)
    name = f"faceauth.operators.figures:{chosen.key}:{first_sign_in(starts[0])}"
    cached: dict[datetime, Figures] = cache.recall(name) or {}
    ends = [*starts[1:], now + timedelta(days=1)]
    found = {
        start: cached[start] if start in cached and end <= now else figures(start, end)
        for start, end in zip(starts, ends, strict=True)
    }
    if not set(starts[:-1]) <= cached.keys():
        past = {start: found[start] for start in starts[:-1]}
        cache.put(name, past, timedelta(days=chosen.count + 1).total_seconds())
    return found


def first_sign_in(start: datetime) -> int | None:
    """The first sign-in since then. It changes when sign-ins are added to the past or removed from it, as
    `manage.py demo` does."""
    sign_ins = SignIn.objects.filter(at__gte=start).order_by("at", "pk")
    return sign_ins.values_list("pk", flat=True).first()

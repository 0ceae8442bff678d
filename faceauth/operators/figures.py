"""The sign-ins of a day or a month, counted.

Past days are counted once and then cached, so that a month with a million sign-ins costs a page what today costs.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Sum
from django.db.models.functions import Floor
from django.utils import timezone

from faceauth import cache
from faceauth.models import SignIn
from faceauth.outcomes import Outcome

DAYS = 30
DAYS_CACHED = timedelta(days=DAYS + 1).total_seconds()


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


def month() -> dict[date, Figures]:
    """The last thirty days in order; the last one is today."""
    today = timezone.localdate()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    name = f"faceauth.operators.figures.days:{first_sign_in(days[0])}"
    cached: dict[date, Figures] = cache.recall(name) or {}
    counted = {day: cached[day] if day in cached and day != today else figures(*of_day(day)) for day in days}
    if not set(days[:-1]) <= cached.keys():
        cache.put(name, {day: counted[day] for day in days[:-1]}, DAYS_CACHED)
    return counted


def first_sign_in(day: date) -> int | None:
    """The first sign-in since that day. It changes when sign-ins are added to past days or removed from them, as
    `manage.py demo` does."""
    sign_ins = SignIn.objects.filter(at__gte=of_day(day)[0]).order_by("at", "pk")
    return sign_ins.values_list("pk", flat=True).first()


def of_day(day: date) -> tuple[datetime, datetime]:
    start, end = (timezone.make_aware(datetime.combine(it, time.min)) for it in (day, day + timedelta(days=1)))
    return start, end

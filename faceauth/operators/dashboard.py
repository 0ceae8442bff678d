"""Is all well? What the first page of the admin shows, in numbers: never a picture, a template or a note.

The days that are over are counted once a day and kept in the cache, so that a month of a million visits costs the page
what today costs. What Rekognition and the storage say is kept for half a minute, also when they say nothing.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Sum
from django.db.models.functions import Floor
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from faceauth import cache
from faceauth.conf import conf
from faceauth.models import Deletion, Face, HealthCheck, SignIn
from faceauth.outcomes import Outcome
from faceauth.policy import capacity
from faceauth.policy.capacity import Capacity
from faceauth.rekognition.collection import Collection, Description
from faceauth.rekognition.errors import RekognitionError

logger = logging.getLogger(__name__)

DAYS = 30
FRESH = 30  # seconds
KEPT = timedelta(days=DAYS + 1).total_seconds()

# The doctor is to be asked about once a week; it costs Rekognition a ListFaces for every 4,096 faces.
DOCTOR_AFTER = timedelta(days=8)


# The door -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened at the door in a stretch of time."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Visits by outcome and reason."""
    similarities: Counter[tuple[bool, int]] = field(default_factory=Counter)
    """Visits by whether they were let in, and by their similarity without its fraction."""
    milliseconds: Counter[int] = field(default_factory=Counter)
    """Visits by what Rekognition took to answer them."""

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.outcomes + other.outcomes,
            self.similarities + other.similarities,
            self.milliseconds + other.milliseconds,
        )

    def of(self, outcome: str) -> int:
        return sum(count for (it, _reason), count in self.outcomes.items() if it == outcome)

    def reasons(self) -> list[tuple[str, int]]:
        """Why visits were refused, the most frequent first."""
        counts = [(reason, count) for (it, reason), count in self.outcomes.items() if it == Outcome.REFUSED]
        return sorted(counts, key=lambda one: (-one[1], one[0]))

    def percentile(self, percent: int) -> int | None:
        """The least number of milliseconds that so many percent of the visits did not exceed (nearest rank)."""
        left = -(-self.milliseconds.total() * percent // 100)
        for value, count in sorted(self.milliseconds.items()):
            left -= count
            if left <= 0:
                return value
        return None


def figures(start: datetime, end: datetime) -> Figures:
    """Three queries, each answered by the index `login_figures` alone."""
    sign_ins = SignIn.objects.filter(at__gte=start, at__lt=end).order_by()
    matched = sign_ins.filter(similarity__isnull=False).annotate(whole=Floor("similarity"))
    alike: Counter[tuple[bool, int]] = Counter()
    for outcome, whole, count in matched.values_list("outcome", "whole").annotate(Count("pk")):
        alike[outcome == Outcome.RECOGNISED, int(whole)] += count
    # How long somebody waited for nothing is the timeout, and says nothing of what is usual.
    answered = sign_ins.filter(rekognition_ms__isnull=False).exclude(outcome=Outcome.UNAVAILABLE)
    timed = answered.values_list("rekognition_ms").annotate(Count("pk"))
    return Figures(
        # A row may stand for many, where a flood was turned away.
        Counter(
            {(it, reason): n for it, reason, n in sign_ins.values_list("outcome", "reason").annotate(Sum("times"))}
        ),
        alike,
        Counter({ms: count for ms, count in timed if ms is not None}),
    )


def month() -> dict[date, Figures]:
    """The last thirty days, today the last of them."""
    today = timezone.localdate()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    name = f"faceauth.operators.dashboard.days:{oldest(days[0])}"
    kept: dict[date, Figures] = cache.recall(name) or {}
    counted = {day: kept[day] if day in kept and day != today else figures(*of_day(day)) for day in days}
    if not set(days[:-1]) <= kept.keys():
        cache.put(name, {day: counted[day] for day in days[:-1]}, KEPT)
    return counted


def oldest(day: date) -> int | None:
    """The first visit since that day. Where it is another one, visits came into the days that are over, or left them,
    as `manage.py demo` makes them and takes them away."""
    sign_ins = SignIn.objects.filter(at__gte=of_day(day)[0]).order_by("at", "pk")
    return sign_ins.values_list("pk", flat=True).first()


def of_day(day: date) -> tuple[datetime, datetime]:
    start, end = (timezone.make_aware(datetime.combine(it, time.min)) for it in (day, day + timedelta(days=1)))
    return start, end


# The collection -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """What the endpoint says of the collection, or why it says nothing."""

    description: Description | None
    error: str = ""
    cure: str = ""


def state() -> State:
    name = f"faceauth.operators.dashboard.collection:{conf().ENDPOINT}:{conf().COLLECTION}"
    known: State | None = cache.recall(name)
    if known is None:
        known = ask()
        cache.put(name, known, FRESH)
    return known


def ask() -> State:
    try:
        return State(Collection(conf().COLLECTION).describe())
    except RekognitionError as error:
        logger.warning("The desk cannot see the collection: %s", error)
        return State(None, error.code, error.cure)


# What else is held ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of something there is: told, never shown. `size` in bytes."""

    name: str | Promise
    """Lazy where it is translated: it is kept for whoever looks next, in whatever language."""
    count: int | None = None
    size: int | None = None


def usage(users: Sequence[int] | None = None) -> dict[int | None, list[Usage]]:
    """What the other apps hold of these users, by primary key; of everybody, and under None, if there are none given.

    It is what the functions answer that FACEAUTH["HOLDINGS"] names.
    """
    found: dict[int | None, list[Usage]] = {}
    for name in conf().USAGE:
        for key, some in import_string(name)(users).items():
            found.setdefault(key, []).extend(some)
    return found


def storage() -> list[Usage]:
    found: list[Usage] | None = cache.recall("faceauth.operators.dashboard.usage")
    if found is None:
        found = usage().get(None, [])
        cache.put("faceauth.operators.dashboard.usage", found, FRESH)
    return found


# Is all well? ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Warning:
    """Something that an operator should look at, and what they can do."""

    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    days: dict[date, Figures]
    state: State
    faces: int
    """That the database gives to people; the collection should hold as many."""
    people: int
    waiting: int
    """Faces in the ledger that Rekognition has not confirmed to be gone."""
    health_check: HealthCheck | None
    usage: list[Usage]
    capacity: Capacity

    @property
    def today(self) -> Figures:
        return self.days[max(self.days)]

    @property
    def month(self) -> Figures:
        return sum(self.days.values(), Figures())

    @property
    def warnings(self) -> list[Warning]:
        return list(warnings_of(self))


def dashboard() -> Dashboard:
    faces = Face.objects.filter(collection_id=conf().COLLECTION)
    return Dashboard(
        days=month(),
        state=state(),
        faces=faces.count(),
        people=faces.order_by().values("user").distinct().count(),
        waiting=Deletion.objects.filter(confirmed=None).count(),
        health_check=HealthCheck.objects.filter(collection_id=conf().COLLECTION).first(),
        usage=storage(),
        capacity=capacity.current_capacity(),
    )


def warnings_of(desk: Dashboard) -> Iterator[Warning]:
    doctor = "manage.py rekognition_collection doctor"
    if desk.state.description is None:
        yield Warning(_("Rekognition does not answer: %(code)s.") % {"code": desk.state.error}, _(desk.state.cure))
    yield from mfa_warnings(desk.capacity)
    if desk.waiting:
        what = ngettext(
            "%(count)d face waits to be deleted in Rekognition.",
            "%(count)d faces wait to be deleted in Rekognition.",
            desk.waiting,
        )
        yield Warning(what % {"count": desk.waiting}, f"{doctor} --repair")
    last = desk.health_check
    if last is None:
        yield Warning(_("The doctor has never looked."), doctor)
    elif last.error:
        yield Warning(_("The doctor could not look to the end: %(code)s.") % {"code": last.error}, doctor)
    elif last.left:
        what = ngettext(
            "The doctor found %(count)d thing that is left to mend.",
            "The doctor found %(count)d things that are left to mend.",
            last.left,
        )
        yield Warning(what % {"count": last.left}, f"{doctor} --repair")
    elif timezone.now() - last.at > DOCTOR_AFTER:
        yield Warning(_("The doctor has not looked for more than a week."), doctor)
    unseen = desk.today.of(Outcome.UNAVAILABLE)
    if unseen:
        what = ngettext(
            "Today the door could not see %(count)d visitor.",
            "Today the door could not see %(count)d visitors.",
            unseen,
        )
        yield Warning(what % {"count": unseen}, _("The server's own log says why."))


def mfa_warnings(here: Capacity) -> Iterator[Warning]:
    if not here.near:
        return
    if here.shut_out:
        what = ngettext(
            "%(count)d person has no second lock and is refused: there are too many people for a face alone.",
            "%(count)d people have no second lock and are refused: there are too many people for a face alone.",
            here.without_mfa,
        )
    elif here.full:
        what = ngettext(
            "Nobody new is remembered: one person more would shut out %(count)d who has no second lock.",
            "Nobody new is remembered: one person more would shut out %(count)d who have no second lock.",
            here.without_mfa,
        )
    else:
        what = ngettext(
            "Soon nobody new will be remembered, for the sake of %(count)d person without a second lock.",
            "Soon nobody new will be remembered, for the sake of %(count)d people without a second lock.",
            here.without_mfa,
        )
    yield Warning(what % {"count": here.without_mfa}, _(capacity.CURE))

"""What the first page of the admin shows: figures and warnings, never a picture, a template or a note.

Answers of Rekognition and of the storage are cached for half a minute, errors too.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from faceauth import cache
from faceauth.conf import conf
from faceauth.models import Deletion, Face, HealthCheck
from faceauth.operators import health_checks
from faceauth.operators.figures import Figures, Range, counted
from faceauth.operators.health_checks import Running
from faceauth.outcomes import Outcome
from faceauth.policy import capacity
from faceauth.policy.capacity import Capacity
from faceauth.rekognition.collection import Collection, Description
from faceauth.rekognition.errors import RekognitionError

logger = logging.getLogger(__name__)

STATE_CACHED = 30  # seconds

HEALTH_CHECK = "manage.py rekognition_collection doctor"

# Weekly is often enough: a health check sends Rekognition one ListFaces for every 4,096 faces.
HEALTH_CHECK_DUE = timedelta(days=8)


# The collection -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """The endpoint's description of the collection, or its error and the cure."""

    description: Description | None
    error: str = ""
    cure: str = ""


def state() -> State:
    name = f"faceauth.operators.dashboard.collection:{conf().ENDPOINT}:{conf().COLLECTION}"
    cached: State | None = cache.recall(name)
    if cached is None:
        cached = ask()
        cache.put(name, cached, STATE_CACHED)
    return cached


def ask() -> State:
    try:
        return State(Collection(conf().COLLECTION).describe())
    except RekognitionError as error:
        logger.warning("The dashboard cannot describe the collection: %s", error)
        return State(None, error.code, error.cure)


# What other apps store ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of something is stored; `size` in bytes."""

    name: str | Promise
    """Lazy where it is translated: it is cached for readers of all languages."""
    count: int | None = None
    size: int | None = None


def usage(users: Sequence[int] | None = None) -> dict[int | None, list[Usage]]:
    """What the other apps store of these users, by primary key; without users the total of all, under None.

    The functions that FACEAUTH["USAGE"] names count it.
    """
    found: dict[int | None, list[Usage]] = {}
    for name in conf().USAGE:
        for key, entries in import_string(name)(users).items():
            found.setdefault(key, []).extend(entries)
    return found


def total_usage() -> list[Usage]:
    name = "faceauth.operators.dashboard.usage"
    found: list[Usage] | None = cache.recall(name)
    if found is None:
        found = usage().get(None, [])
        cache.put(name, found, STATE_CACHED)
    return found


# Warnings -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Warning:
    """A problem, and what the operator can do about it."""

    problem: str
    cure: str = ""
    action: str = ""
    """The button that helps: "check", "repair", or none."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    range: Range
    parts: dict[datetime, Figures]
    """By the beginning of each hour or day of the range."""
    state: State
    faces: int
    """In the database; the collection should hold as many."""
    people: int
    pending: int
    """Faces whose deletion Rekognition has not confirmed."""
    health_check: HealthCheck | None
    """The last one."""
    running: Running | None
    """The health check that is going on."""
    usage: list[Usage]
    capacity: Capacity

    @property
    def total(self) -> Figures:
        return sum(self.parts.values(), Figures())

    @property
    def today(self) -> Figures:
        day = timezone.localdate()
        return sum((it for start, it in self.parts.items() if start.date() == day), Figures())

    @property
    def warnings(self) -> list[Warning]:
        return list(warnings_of(self))


def dashboard(chosen: Range = Range.MONTH) -> Dashboard:
    faces = Face.objects.filter(collection_id=conf().COLLECTION)
    return Dashboard(
        range=chosen,
        parts=counted(chosen),
        state=state(),
        faces=faces.count(),
        people=faces.order_by().values("user").distinct().count(),
        pending=Deletion.objects.filter(confirmed=None).count(),
        health_check=HealthCheck.objects.filter(collection_id=conf().COLLECTION).first(),
        running=health_checks.running(conf().COLLECTION),
        usage=total_usage(),
        capacity=capacity.current_capacity(),
    )


def warnings_of(board: Dashboard) -> Iterator[Warning]:
    if board.state.description is None:
        yield Warning(_("Rekognition does not answer: %(code)s.") % {"code": board.state.error}, _(board.state.cure))
    yield from mfa_warnings(board.capacity)
    if board.pending:
        yield Warning(pending_text(board.pending), f"{HEALTH_CHECK} --repair", "repair")
    yield from health_check_warnings(board.health_check)
    failed = board.today.of(Outcome.UNAVAILABLE)
    if failed:
        problem = ngettext(
            "Today %(count)d sign-in failed because Rekognition did not answer.",
            "Today %(count)d sign-ins failed because Rekognition did not answer.",
            failed,
        )
        yield Warning(problem % {"count": failed}, _("See the server log for the reason."))


def pending_text(count: int) -> str:
    text = ngettext(
        "%(count)d face is still to be deleted in Rekognition. It signs nobody in.",
        "%(count)d faces are still to be deleted in Rekognition. They sign nobody in.",
        count,
    )
    return text % {"count": count}


def health_check_warnings(last: HealthCheck | None) -> Iterator[Warning]:
    if last is None:
        yield Warning(_("The health check has never run."), HEALTH_CHECK, "check")
    elif last.error:
        yield Warning(
            _("The last health check did not finish: %(code)s.") % {"code": last.error}, HEALTH_CHECK, "check"
        )
    elif last.left:
        problem = ngettext(
            "The last health check found %(count)d problem that is not repaired.",
            "The last health check found %(count)d problems that are not repaired.",
            last.left,
        )
        yield Warning(problem % {"count": last.left}, f"{HEALTH_CHECK} --repair", "repair")
    elif timezone.now() - last.at > HEALTH_CHECK_DUE:
        yield Warning(_("The last health check was more than a week ago."), HEALTH_CHECK, "check")


def mfa_warnings(here: Capacity) -> Iterator[Warning]:
    if not here.near:
        return
    if here.shut_out:
        problem = ngettext(
            "%(count)d person without a second factor is refused: there are too many people for faces alone.",
            "%(count)d people without a second factor are refused: there are too many people for faces alone.",
            here.without_mfa,
        )
    elif here.full:
        problem = ngettext(
            "Enrolment is closed: one more person would shut out %(count)d who has no second factor.",
            "Enrolment is closed: one more person would shut out %(count)d who have no second factor.",
            here.without_mfa,
        )
    else:
        problem = ngettext(
            "Enrolment will close soon: %(count)d person has no second factor.",
            "Enrolment will close soon: %(count)d people have no second factor.",
            here.without_mfa,
        )
    yield Warning(problem % {"count": here.without_mfa}, _(capacity.CURE))

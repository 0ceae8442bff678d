"""Room for one more: a newcomer never shuts out who is here.

From a number of people on the odds are only kept with the second lock, and who has none is refused from then on: see
`faceauth.odds`. So nobody new is remembered while that would be the end of somebody's notebook, and everybody without
a second lock is told in time.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from faceauth import locks, odds
from faceauth.conf import conf
from faceauth.counting import from_cache
from faceauth.models import CodeApp, Face, Passkey
from faceauth.odds import Population

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

NEAR = 0.75
"""From this share of the people from whose number on the second lock is required, it is time to say so."""

SAID_AGAIN = 3600  # seconds after which the log says once more that a stranger was turned away

# In English in a log, in the operator's own language on the desk.
CURE = gettext_noop(
    "Ask everybody to add a second lock, let SECRETLY_FALSE_OPEN_ODDS be higher, or fix REKOGNITION_THRESHOLD:"
    " docs/odds.md says what each means."
)

# Who may be let in by their face, of the fields that the site's user model has: `people.may_enter` for a query.
ENTER = {"is_active": True, "is_staff": False, "is_superuser": False}


# How many are too many ------------------------------------------------------------------------------------------------


def required(more: int = 0, now: Population | None = None) -> bool:
    """Whether the second lock is required, or would be with so many more people.

    What counts is the best way in that the site has: a look, unless it asks nobody for one. Whoever shows a photo may
    still look. A fixed threshold never requires it, and nobody is counted.
    """
    if conf().THRESHOLD != odds.AUTO:
        return False
    here = now or odds.population()
    frames = odds.best_frames()
    return odds.needed(here.people + more, frames, here.occasions + more).lock


def near(now: Population | None = None) -> bool:
    """Whether the second lock is required, or will soon be: at three quarters of that number, or at one person less."""
    if conf().THRESHOLD != odds.AUTO:
        return False
    here = now or odds.population()
    return required(max(1, int(here.people / NEAR) - here.people), here)


def without_lock(collection_id: str | None = None) -> "QuerySet[User]":
    """The people of a collection who may come in, and have no second lock."""
    model = get_user_model()
    fields = {field.name for field in model._meta.get_fields()}
    return model._default_manager.filter(
        Exists(Face.objects.filter(user_id=OuterRef("pk"), collection_id=collection_id or conf().COLLECTION)),
        ~Exists(Passkey.objects.filter(user_id=OuterRef("pk"))),
        ~Exists(CodeApp.objects.filter(user_id=OuterRef("pk"), confirmed=True)),
        **{name: value for name, value in ENTER.items() if name in fields},
    )


# At the door ----------------------------------------------------------------------------------------------------------


def full(under_way: int = 0, anew: bool = False) -> bool:
    """Whether one more person, besides so many who are being remembered just now, would shut somebody out.

    `anew` does not trust the number of people that was counted in the last ten seconds.
    """
    if conf().THRESHOLD != odds.AUTO:
        return False
    more = 1 + under_way
    if not required(more) and not (anew and required(more, odds.counted())):
        return False
    if not without_lock().exists():
        return False
    if from_cache(lambda: cache.add("faceauth.crowd.full", True, SAID_AGAIN), lambda: False):
        logger.warning(
            "A stranger was not remembered: with one more person the second lock is required, and %d of %d have none."
            " %s",
            without_lock().count(),
            odds.population().people,
            CURE,
        )
    return True


def advice(user: "User") -> str:
    """`now` or `soon`: when this person needs a second lock, so that their notebook keeps opening. Or nothing."""
    if not near() or locks.has_lock(user):
        return ""
    return "now" if required() else "soon"


# For whoever runs the site --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crowd:
    """People without a second lock, where it is or soon will be required."""

    people: int
    without_lock: int
    near: bool
    """Whether there is something to say."""
    full: bool
    """Nobody new is remembered."""
    shut_out: bool
    """Who has no second lock is refused."""


def standing(collection_id: str | None = None) -> Crowd:
    now = odds.population(collection_id)
    count = without_lock(collection_id).count()
    return Crowd(
        people=now.people,
        without_lock=count,
        near=count > 0 and near(now),
        full=count > 0 and required(1, now),
        shut_out=count > 0 and required(0, now),
    )

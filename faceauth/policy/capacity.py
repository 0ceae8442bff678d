"""Room for one more: a newcomer never shuts out who is here.

From a number of people on the odds are only kept with the second lock, and who has none is refused from then on: see
`faceauth.policy.thresholds`. So nobody new is remembered while that would be the end of somebody's notebook, and everybody without
a second lock is told in time.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from faceauth.cache import from_cache
from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Face, Passkey
from faceauth.policy import thresholds
from faceauth.policy.thresholds import Population

if TYPE_CHECKING:
    from django.contrib.auth.models import User


logger = logging.getLogger(__name__)


NEAR = 0.75
"""From this share of the people from whose number on the second lock is required, it is time to say so."""


LOG_EVERY = 3600  # seconds after which the log says once more that a stranger was turned away


# In English in a log, in the operator's own language on the desk.
CURE = gettext_noop(
    "Ask everybody to add a second lock, let SECRETLY_TARGET_FPIR be higher, or fix REKOGNITION_THRESHOLD:"
    " docs/odds.md says what each means."
)


# Who may be let in by their face, of the fields that the site's user model has: `people.may_enter` for a query.
SIGN_IN_FIELDS = {"is_active": True, "is_staff": False, "is_superuser": False}


def mfa_required(more: int = 0, now: Population | None = None) -> bool:
    """Whether the second lock is required, or would be with so many more people.

    What counts is the best way in that the site has: a look, unless it asks nobody for one. Whoever shows a photo may
    still look. A fixed threshold never requires it, and nobody is counted.
    """
    if conf().THRESHOLD != thresholds.AUTO:
        return False
    here = now or thresholds.population()
    frames = thresholds.best_frames()
    return thresholds.requirement(here.people + more, frames, here.faces + more * frames).lock


def mfa_required_soon(now: Population | None = None) -> bool:
    """Whether the second lock is required, or will soon be: at three quarters of that number, or at one person less."""
    if conf().THRESHOLD != thresholds.AUTO:
        return False
    here = now or thresholds.population()
    return mfa_required(max(1, int(here.people / NEAR) - here.people), here)


def people_without_mfa(collection_id: str | None = None) -> "QuerySet[User]":
    """The people of a collection who may come in, and have no second lock."""
    model = get_user_model()
    fields = {field.name for field in model._meta.get_fields()}
    return model._default_manager.filter(
        Exists(Face.objects.filter(user_id=OuterRef("pk"), collection_id=collection_id or conf().COLLECTION)),
        ~Exists(Passkey.objects.filter(user_id=OuterRef("pk"))),
        ~Exists(AuthenticatorApp.objects.filter(user_id=OuterRef("pk"), confirmed=True)),
        **{name: value for name, value in SIGN_IN_FIELDS.items() if name in fields},
    )


def full(under_way: int = 0, anew: bool = False) -> bool:
    """Whether one more person, besides so many who are being remembered just now, would shut somebody out.

    `anew` does not trust the number of people that was counted in the last ten seconds.
    """
    if conf().THRESHOLD != thresholds.AUTO:
        return False
    more = 1 + under_way
    if not mfa_required(more) and not (anew and mfa_required(more, thresholds.count_population())):
        return False
    if not people_without_mfa().exists():
        return False
    if from_cache(lambda: cache.add("faceauth.policy.capacity.full", True, LOG_EVERY), lambda: False):
        logger.warning(
            "A stranger was not remembered: with one more person the second lock is required, and %d of %d have none."
            " %s",
            people_without_mfa().count(),
            thresholds.population().people,
            CURE,
        )
    return True


def advice(user: "User") -> str:
    """`now` or `soon`: when this person needs a second lock, so that their notebook keeps opening. Or nothing."""
    if not mfa_required_soon() or authenticators.has_mfa(user):
        return ""
    return "now" if mfa_required() else "soon"


@dataclass(frozen=True, slots=True)
class Capacity:
    """People without a second lock, where it is or soon will be required."""

    people: int
    without_mfa: int
    near: bool
    """Whether there is something to say."""
    full: bool
    """Nobody new is remembered."""
    shut_out: bool
    """Who has no second lock is refused."""


def current_capacity(collection_id: str | None = None) -> Capacity:
    now = thresholds.population(collection_id)
    count = people_without_mfa(collection_id).count()
    return Capacity(
        people=now.people,
        without_mfa=count,
        near=count > 0 and mfa_required_soon(now),
        full=count > 0 and mfa_required(1, now),
        shut_out=count > 0 and mfa_required(0, now),
    )


def enrolment_closed() -> bool:
    """Whether nobody new is remembered: by the settings, or because it would shut out somebody who is here."""
    return conf().ENROLMENT == "closed" or full()

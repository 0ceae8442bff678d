"""How many people faces alone can tell apart, and what happens at that number.

With more people the odds need a second factor, and people without one are refused: see `faceauth.policy.thresholds`. So
enrolment closes while one more person would shut somebody out, and people without a second factor are told in time.

People whom a photo enrolled take up no place until they come back, and none then while none is free: whoever enrols
photos from the web shall neither close the enrolment nor shut anybody out.
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
from faceauth.models import AuthenticatorApp, Face, Passkey, PhotoLogin, fields
from faceauth.policy import population, thresholds
from faceauth.policy.population import Population

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

NEAR = 0.75
"""The share of the number of people that requires a second factor, from which people are told so."""


LOG_EVERY = 3600  # seconds between two log messages that enrolment is closed

# In English in logs, translated on pages.
CURE = gettext_noop(
    "Ask everybody to add a second factor, raise the setting TARGET_FPIR, or set THRESHOLD to a number:"
    " docs/odds.md explains each."
)

# `accounts.may_sign_in` as a query, for the fields that the site's user model has.
SIGN_IN_FIELDS: dict[str, object] = {"is_active": True, "is_staff": False, "is_superuser": False}


def mfa_required(more: int = 0, now: Population | None = None) -> bool:
    """Whether a second factor is required, or would be with so many more people.

    Decided for the best way to sign in: with a liveness check, unless the site asks nobody for one. Somebody with a
    photo can still do a liveness check. A fixed threshold never requires a second factor, and nobody is counted.
    """
    if conf().THRESHOLD != thresholds.AUTO:
        return False
    here = now or population.placed()
    frames = thresholds.best_frames()
    return thresholds.requirement(here.people + more, frames, here.occasions + more).lock


def mfa_required_soon(now: Population | None = None) -> bool:
    """Whether a second factor is required, or soon will be: from three quarters of that number, or one person less."""
    if conf().THRESHOLD != thresholds.AUTO:
        return False
    here = now or population.placed()
    return mfa_required(max(1, int(here.people / NEAR) - here.people), here)


def people_without_mfa(collection_id: str | None = None) -> "QuerySet[User]":
    """The people of a collection who count, may sign in and have no second factor."""
    model = get_user_model()
    return model._default_manager.filter(
        Exists(Face.objects.filter(user_id=OuterRef("pk"), collection_id=collection_id or conf().COLLECTION)),
        ~Exists(PhotoLogin.objects.filter(user_id=OuterRef("pk"), counted=False)),
        ~Exists(Passkey.objects.filter(user_id=OuterRef("pk"))),
        ~Exists(AuthenticatorApp.objects.filter(user_id=OuterRef("pk"), confirmed=True)),
        **fields.of_user(SIGN_IN_FIELDS),
    )


def full(under_way: int = 0, anew: bool = False) -> bool:
    """Whether one more person would shut somebody out; `under_way` others are being enrolled at this moment.

    `anew` counts people again instead of trusting a count of the last ten seconds.
    """
    if conf().THRESHOLD != thresholds.AUTO:
        return False
    more = 1 + under_way
    if not mfa_required(more) and not (anew and mfa_required(more, population.count_placed())):
        return False
    if not people_without_mfa().exists():
        return False
    if from_cache(lambda: cache.add("faceauth.policy.capacity.full", True, LOG_EVERY), lambda: False):
        logger.warning(
            "A stranger was not enrolled: with one more person a second factor is required, and %d of %d have none. %s",
            people_without_mfa().count(),
            population.placed().people,
            CURE,
        )
    return True


def has_room_for(user: "User") -> bool:
    """Whether they may count as one more person, without shutting out anybody, themselves included."""
    return not mfa_required(1) or (authenticators.has_mfa(user) and not people_without_mfa().exists())


def advice(user: "User") -> str:
    """When this person needs a second factor to keep signing in: `now`, `soon`, or an empty text."""
    if not mfa_required_soon() or authenticators.has_mfa(user):
        return ""
    return "now" if mfa_required() else "soon"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many people have no second factor, and what follows."""

    people: int
    without_mfa: int
    near: bool
    """Whether a second factor is required or soon will be, and somebody has none."""
    full: bool
    """Enrolment is closed."""
    shut_out: bool
    """People without a second factor are refused."""


def current_capacity(collection_id: str | None = None) -> Capacity:
    now = population.placed(collection_id)
    count = people_without_mfa(collection_id).count()
    return Capacity(
        people=population.of(collection_id).people,
        without_mfa=count,
        near=count > 0 and mfa_required_soon(now),
        full=count > 0 and mfa_required(1, now),
        shut_out=count > 0 and mfa_required(0, now),
    )


def enrolment_closed() -> bool:
    """Whether nobody new is enrolled: by the settings, or because one more person would shut somebody out."""
    return conf().ENROLMENT == "closed" or full()

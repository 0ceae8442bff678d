"""What operators do to people. Each action asks first, is done once, and is written in Django's admin log.

Nobody acts on themselves, and only superusers act on other operators.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from faceauth.audit import sessions
from faceauth.mfa import authenticators, resets, trusted_devices
from faceauth.policy import accounts
from faceauth.privacy.forget import forget

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PERMISSION = "faceauth.act_on_people"

# For how long one request works; the rest is done by further requests. Hundreds of people, each of whom may cost a call
# to Rekognition, must not run into the server's time limit.
SECONDS_PER_REQUEST = 4.0


@dataclass(frozen=True, slots=True)
class Action:
    label: Promise
    question: Promise
    """What will happen, shown before it does."""
    entry: str
    """What the admin log says of it."""
    perform: Callable[["User", "Order"], object]
    applies: Callable[["User"], bool] = lambda user: True
    """Whether there is something to do for this user."""
    flag: int = CHANGE
    needs_reason: bool = False
    grave: bool = False
    """Whether it takes something away that cannot simply be given back."""


@dataclass(frozen=True, slots=True)
class Order:
    operator: "User"
    reason: str = ""


def deactivate(user: "User", order: Order) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])
    sign_out(user, order)


def activate(user: "User", order: Order) -> None:
    user.is_active = True
    user.save(update_fields=["is_active"])


def sign_out(user: "User", order: Order) -> None:
    trusted_devices.end_all(user)
    sessions.end_sessions(user)


def can_be_reset(user: "User") -> bool:
    return authenticators.has_mfa(user) and resets.pending(user) is None


ACTIONS: dict[str, Action] = {
    "deactivate": Action(
        _("Deactivate"),
        _("Their notebooks are kept, but cannot be opened: all sessions end, and their faces no longer sign them in."),
        gettext_noop("Deactivated."),
        deactivate,
        lambda user: user.is_active,
    ),
    "activate": Action(
        _("Activate"),
        _("They can sign in by face again."),
        gettext_noop("Activated."),
        activate,
        lambda user: not user.is_active,
    ),
    "sign_out": Action(
        _("End sessions"),
        _("They are signed out on all devices, and can sign in again by face."),
        gettext_noop("Ended all sessions."),
        sign_out,
    ),
    "reset_mfa": Action(
        _("Reset second factor"),
        _(
            "After a wait, a liveness check alone signs them in. Until then they see the request on their pages and can"
            " stop it, and photos of them sign nobody in. Make sure that they asked for it: afterwards somebody who"
            " looks like them can sign in."
        ),
        gettext_noop("Requested a reset of the second factor."),
        lambda user, order: resets.request(user, order.operator, order.reason),
        can_be_reset,
        needs_reason=True,
        grave=True,
    ),
    "approve_mfa_reset": Action(
        _("Approve reset of second factor"),
        _("Another operator has requested this. The wait begins when you approve it."),
        gettext_noop("Approved the reset of the second factor."),
        lambda user, order: resets.approve(user, order.operator),
        resets.needs_approval,
    ),
    "forget": Action(
        _("Forget"),
        _("Their faces, notes and everything else stored about them are deleted. This cannot be undone."),
        gettext_noop("Forgotten."),
        lambda user, order: forget(user),
        flag=DELETION,
        grave=True,
    ),
}


def refusal(operator: "User", user: "User") -> Promise | None:
    """Why the operator may not act on this user; None where they may."""
    if user.pk == operator.pk:
        return _("nobody can do this to their own account")
    if accounts.is_operator(user) and not operator.is_superuser:
        return _("only a superuser can do this to an operator")
    return None


@dataclass(frozen=True, slots=True)
class Progress:
    """What one request has done."""

    done: int
    refused: list[tuple[str, str]]
    """Names, and why nothing was done to them."""
    left: list[int]
    """Primary keys for the next request."""


def carry_out(name: str, order: Order, keys: Sequence[int]) -> Progress:
    """Act on the users with these primary keys: on one at least, then until the time is over.

    Users who no longer exist are skipped.
    """
    end = time.monotonic() + SECONDS_PER_REQUEST
    done = 0
    refused: list[tuple[str, str]] = []
    for index, key in enumerate(keys):
        if index and time.monotonic() > end:
            return Progress(done, refused, list(keys[index:]))
        user = get_user_model()._default_manager.filter(pk=key).first()
        if user is None:
            continue
        username = user.get_username()
        why = refusal(order.operator, user) or perform(ACTIONS[name], order, user)
        if why:
            refused.append((username, str(why)))
        else:
            done += 1
    return Progress(done, refused, [])


def requested_by(operator: "User", user: "User") -> bool:
    reset = resets.pending(user)
    return reset is not None and reset.requested_by_id == operator.pk


@transaction.atomic
def perform(action: Action, order: Order, user: "User") -> Promise | None:
    """Do it and log it, both or neither; why not, where there was nothing to do.

    It is logged first, because forgetting somebody takes their name out of the log.
    """
    if action.needs_reason and not order.reason:
        return _("a reason is needed")
    if not action.applies(user):
        return _("there was nothing to do")
    if action is ACTIONS["approve_mfa_reset"] and requested_by(order.operator, user):
        return _("another operator must approve your request")
    users = get_user_model()._default_manager.filter(pk=user.pk)
    LogEntry.objects.log_actions(order.operator.pk, users, action.flag, action.entry, single_object=True)
    action.perform(user, order)
    return None

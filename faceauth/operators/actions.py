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
from faceauth.mfa import authenticators
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
    perform: Callable[["User"], object]
    applies: Callable[["User"], bool] = lambda user: True
    """Whether there is something to do for this user."""
    flag: int = CHANGE


def deactivate(user: "User") -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])
    sessions.end_sessions(user)


def activate(user: "User") -> None:
    user.is_active = True
    user.save(update_fields=["is_active"])


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
        sessions.end_sessions,
    ),
    "reset_mfa": Action(
        _("Reset second factor"),
        _(
            "Their face alone signs them in again, and their account page says that this was done. Make sure that they"
            " asked for it: afterwards somebody who looks like them can sign in."
        ),
        gettext_noop("Reset the second factor."),
        authenticators.reset,
        authenticators.has_mfa,
    ),
    "forget": Action(
        _("Forget"),
        _("Their faces, notes and everything else stored about them are deleted. This cannot be undone."),
        gettext_noop("Forgotten."),
        forget,
        flag=DELETION,
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


def carry_out(name: str, operator: "User", keys: Sequence[int]) -> Progress:
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
        why = refusal(operator, user) or perform(ACTIONS[name], operator, user)
        if why:
            refused.append((username, str(why)))
        else:
            done += 1
    return Progress(done, refused, [])


@transaction.atomic
def perform(action: Action, operator: "User", user: "User") -> Promise | None:
    """Do it and log it, both or neither; why not, where there was nothing to do.

    It is logged first, because forgetting somebody takes their name out of the log.
    """
    if not action.applies(user):
        return _("there was nothing to do")
    users = get_user_model()._default_manager.filter(pk=user.pk)
    LogEntry.objects.log_actions(operator.pk, users, action.flag, action.entry, single_object=True)
    action.perform(user)
    return None

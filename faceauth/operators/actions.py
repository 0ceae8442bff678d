"""What operators do to people: each act is asked about first, done once, and written down in Django's admin log.

Nobody does it to themselves, and only superusers do it to other operators: whoever may care for people must not be able
to lock out those who watch over them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from faceauth.audit import sessions
from faceauth.mfa import authenticators, trusted_devices
from faceauth.policy import accounts
from faceauth.privacy import forget as forgetting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PERMISSION = "faceauth.act_on_people"

# A request does what it can in this time and goes on in the next: hundreds of people, each of whom may cost Rekognition
# a call, must not outlast a server's patience.
SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Action:
    label: Promise
    question: Promise
    """What will happen, before it does."""
    entry: str
    """What the admin log says of it."""
    perform: Callable[["User", "User"], bool]
    """What is done to the first by the second, who operates; False where there was nothing to do."""
    flag: int = CHANGE


def deactivate(user: "User", operator: "User") -> bool:
    user.is_active = False
    user.save(update_fields=["is_active"])
    return sign_out(user, operator)


def activate(user: "User", operator: "User") -> bool:
    user.is_active = True
    user.save(update_fields=["is_active"])
    return True


def sign_out(user: "User", operator: "User") -> bool:
    trusted_devices.end_all(user)
    sessions.end_sessions(user)
    return True


def reset_mfa(user: "User", operator: "User") -> bool:
    """The devices go too: whoever lost the telephone with the passkey may have lost a trusted device with it."""
    ended = trusted_devices.end_all(user)
    return authenticators.reset(user) or bool(ended)


def forget(user: "User", operator: "User") -> bool:
    forgetting.forget(user)
    return True


ACTIONS: dict[str, Action] = {
    "deactivate": Action(
        _("Deactivate"),
        _("Their notebooks stay, and open no more: neither by a face nor by a session that is open now."),
        gettext_noop("Deactivated."),
        deactivate,
    ),
    "activate": Action(_("Activate"), _("Their notebooks open for them again."), gettext_noop("Activated."), activate),
    "sign_out": Action(
        _("End sessions"),
        _("They are locked out everywhere, and come in again by their face."),
        gettext_noop("Ended all sessions."),
        sign_out,
    ),
    "clear_lock": Action(
        _("Take the second lock away"),
        _(
            "Their face alone opens their notebooks again, and they read at their door that this was done. Be sure that"
            " it is they who asked: whoever looks like them gets in afterwards."
        ),
        gettext_noop("Took the second lock away."),
        reset_mfa,
    ),
    "forget": Action(
        _("Forget"),
        _("Their faces, their notes and all that hangs on them are deleted. This cannot be undone."),
        gettext_noop("Forgotten."),
        forget,
        DELETION,
    ),
}


def refusal(operator: "User", user: "User") -> Promise | None:
    """Why the operator may not do anything to this user; None where they may."""
    if user.pk == operator.pk:
        return _("nobody does this to themselves")
    if accounts.is_operator(user) and not operator.is_superuser:
        return _("only a superuser does this to an operator")
    return None


@dataclass(frozen=True, slots=True)
class Progress:
    """What one request has done of an act: how many, whom it was refused for and why, and who is left."""

    done: int
    refused: list[tuple[str, str]]
    left: list[int]


def carry_out(act_name: str, operator: "User", keys: Sequence[int]) -> Progress:
    """Do the act to the users with these primary keys, one at least, until the time is over. Who is gone is skipped."""
    act = ACTIONS[act_name]
    end = time.monotonic() + SECONDS
    done = 0
    refused: list[tuple[str, str]] = []
    for place, key in enumerate(keys):
        if place and time.monotonic() > end:
            return Progress(done, refused, list(keys[place:]))
        user = get_user_model()._default_manager.filter(pk=key).first()
        if user is None:
            continue
        name = user.get_username()
        why = refusal(operator, user) or perform(act, operator, user)
        if why:
            refused.append((name, str(why)))
        else:
            done += 1
    return Progress(done, refused, [])


@transaction.atomic
def perform(act: Action, operator: "User", user: "User") -> Promise | None:
    """Do it and write it down, both or neither; why not, where there was nothing to do."""
    key, name = user.pk, user.get_username()
    if not act.perform(user, operator):
        return _("there was nothing to do")
    LogEntry.objects.create(
        user_id=operator.pk,
        content_type=ContentType.objects.get_for_model(get_user_model()),
        object_id=str(key),
        object_repr=f"#{key}" if act.flag == DELETION else name[:200],
        action_flag=act.flag,
        change_message=act.entry,
    )
    return None

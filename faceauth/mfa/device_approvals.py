"""A yes on a trusted device, as the second factor of a sign-in on another one.

The new device shows a number of two digits. The trusted one shows three numbers, and its person chooses the one that
they see on the new device: whoever says yes without looking is wrong two times in three, and a wrong choice ends the
request. It waits for two minutes, and is bound to both sessions: the one that asked knows its id, and takes the answer;
the one that answers may choose for the request that it was shown.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from faceauth.mfa import trusted_devices
from faceauth.models import DeviceApproval

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WAITS_FOR = timedelta(minutes=2)
NUMBERS = range(10, 100)
CHOICES = 3

# In the session: the id of the request that it made; and of the one that it was shown, with the numbers to choose from.
ASKED = "faceauth.device_approval"
SHOWN = "faceauth.device_approval_shown"


@dataclass(frozen=True, slots=True)
class Question:
    """What a trusted device shows."""

    name: str
    """Of the device that asks."""
    choices: list[int]


@transaction.atomic
def ask(request: HttpRequest, user: "User", name: str) -> DeviceApproval:
    """Ask for a yes. A person has one request at a time: the newest, which is the one that they have before them."""
    DeviceApproval.objects.filter(Q(user_id=user.pk) | Q(expires__lte=timezone.now())).delete()
    made: DeviceApproval = DeviceApproval.objects.create(
        user=user, number=secrets.choice(NUMBERS), name=name[:64], expires=timezone.now() + WAITS_FOR
    )
    request.session[ASKED] = str(made.pk)
    return made


def asked(request: HttpRequest, user: "User") -> DeviceApproval | None:
    """The request that this session made, while it waits or after a yes; None when it is over."""
    made: DeviceApproval | None = in_force(request.session.get(ASKED), user)
    return made


def in_force(pk: str | None, user: "User") -> DeviceApproval | None:
    if pk is None:
        return None
    return DeviceApproval.objects.filter(pk=UUID(pk), user_id=user.pk, expires__gt=timezone.now()).first()


def question(request: HttpRequest, user: "User") -> Question | None:
    """What to show on this device, which must be trusted; None where nothing waits for an answer."""
    waiting = DeviceApproval.objects.filter(user_id=user.pk, approved_by=None, expires__gt=timezone.now()).first()
    if waiting is None or not trusted_devices.is_trusted(request, user):
        request.session.pop(SHOWN, None)
        return None
    shown = request.session.get(SHOWN)
    if shown is None or shown["id"] != str(waiting.pk):  # the same three when the page is loaded again
        others = secrets.SystemRandom().sample([number for number in NUMBERS if number != waiting.number], CHOICES - 1)
        shown = {"id": str(waiting.pk), "choices": sorted([waiting.number, *others])}
        request.session[SHOWN] = shown
    return Question(waiting.name, shown["choices"])


@transaction.atomic
def choose(request: HttpRequest, user: "User", number: int | None) -> bool:
    """Answer the question that this session was shown. Any number but the right one, or none, ends the request."""
    shown = request.session.pop(SHOWN, None)
    device = trusted_devices.device_of(request, user)
    waiting = in_force(shown["id"], user) if shown else None
    if waiting is None or device is None or not waiting.is_sealed():
        return False
    rows = DeviceApproval.objects.filter(pk=waiting.pk, approved_by=None)
    if number != waiting.number:
        rows.delete()
        return False
    waiting.approved_by = device
    waiting.renew_seal()
    return bool(rows.update(approved_by=device, seal=waiting.seal))


@transaction.atomic
def taken(request: HttpRequest, user: "User") -> bool:
    """Whether the request of this session has its yes. It counts once."""
    made = asked(request, user)
    if made is None or made.approved_by_id is None or not made.is_sealed():
        return False
    deleted, _rows = DeviceApproval.objects.filter(pk=made.pk, approved_by__isnull=False).delete()
    request.session.pop(ASKED, None)
    return bool(deleted)

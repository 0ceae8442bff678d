"""Sensitive acts, which the person is shown at their next sign-in: "Was that you?"."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from faceauth.models import AccountChange

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = AccountChange.Kind

KEPT = timedelta(days=90)
MOST_SHOWN = 10

# In the session: the primary keys of the changes that were made in it, of which it is not asked.
MADE_HERE = "faceauth.changes"


def record(request: HttpRequest, user: "User", kind: Kind, name: str = "", subject: object = "") -> AccountChange:
    """Note what this request changes. What is older than 90 days goes."""
    AccountChange.objects.filter(user_id=user.pk, at__lt=timezone.now() - KEPT).delete()
    change = AccountChange.objects.create(
        user_id=user.pk,
        kind=kind,
        name=name[:64],
        subject=str(subject)[:64],
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],
        address=request.META.get("REMOTE_ADDR") or None,
    )
    request.session[MADE_HERE] = [*request.session.get(MADE_HERE, []), change.pk]
    return change


def unanswered(request: HttpRequest, user: "User") -> QuerySet[AccountChange]:
    """What was done in other sessions, and the person has not said yet that it was them; the newest first."""
    made_here = request.session.get(MADE_HERE, [])
    return AccountChange.objects.filter(user_id=user.pk, answered=None).exclude(pk__in=made_here)


def answer(changes: QuerySet[AccountChange]) -> None:
    changes.update(answered=timezone.now())


# What can be undone: `faceauth.web.changes` says how. Of the rest it is said what to do.
UNDOABLE = frozenset(
    {
        Kind.PASSKEY_ADDED,
        Kind.APP_ADDED,
        Kind.CODES_MADE,
        Kind.FACE_ADDED,
        Kind.DEVICE_TRUSTED,
        Kind.PHOTOS_CHANGED,
        Kind.CHECK_CHANGED,
    }
)

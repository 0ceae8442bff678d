"""Forget a person: delete the user and every face."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Coalesce
from django.utils import timezone

from faceauth.audit import sessions
from faceauth.models import Face, Receipt
from faceauth.policy.accounts import is_operator
from faceauth.privacy import deletion_ledger

if TYPE_CHECKING:  # whatever the site's user model is; the type checker is shown Django's
    from django.contrib.auth.models import User


def forget(user: "User") -> Receipt:
    """Delete the user with all that hangs on it, at once, and the faces in Rekognition, through the ledger.

    The receipt says what became of the faces. While Rekognition does not answer they wait in the ledger and open
    nothing.
    """
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        return erase(user)


def forget_if_absent(user: "User") -> Receipt | None:
    """Forget somebody who has not come for long; None if they have come since this `user` was read."""
    with transaction.atomic():
        there = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        return erase(user) if there is not None and there.last_login == user.last_login else None


def erase(user: "User") -> Receipt:
    """The admin's log keeps that something was done, and not to whom."""
    receipt = Receipt.objects.create()
    deletion_ledger.write(Face.objects.filter(user_id=user.pk), receipt)
    sessions.end_sessions(user)
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(user), object_id=str(user.pk))
    entries.update(object_repr=f"#{user.pk}")
    user.delete()
    return receipt


def expired(days: int) -> Iterator["User"]:
    """People, never operators, who have not come for so many days; a batch at a time."""
    since = timezone.now() - timedelta(days=days)
    last_pk = None
    while True:
        users = get_user_model()._default_manager.alias(
            came=Coalesce("last_login", Min("faces__enrolled")),
        )
        users = users.filter(faces__isnull=False, came__lt=since).order_by("pk").distinct()
        if last_pk is not None:
            users = users.filter(pk__gt=last_pk)
        batch = list(users[:500])
        if not batch:
            return
        yield from (user for user in batch if not is_operator(user))
        last_pk = batch[-1].pk

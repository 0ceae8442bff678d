"""Forget people: delete every face, what came with it, and the account where it is the face's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from faceauth import signals
from faceauth.audit import sessions
from faceauth.conf import conf
from faceauth.mfa import trusted_devices
from faceauth.models import AccountChange, Consent, Deletion, Face, PhotoLogin, Receipt, SignIn
from faceauth.policy import population
from faceauth.policy.accounts import is_operator
from faceauth.privacy import deletion_ledger
from faceauth.rekognition.collection import Collection

if TYPE_CHECKING:  # the site's user model; the type checker knows Django's
    from django.contrib.auth.models import User

BATCH = 500  # people in one query


def deletes_account(user: "User") -> bool:
    """Whether being forgotten deletes the account: by FACEAUTH["FORGET_ACCOUNT"]."""
    if conf().FORGET_ACCOUNT == "made":
        made = PhotoLogin.objects.filter(user_id=user.pk, account_made=True).exists()
        return made and not user.has_usable_password()
    return conf().FORGET_ACCOUNT == "always"


def can_withdraw(user: "User") -> bool:
    """Whether the account is of use without the face: there is a password, or the site made it in a way of its own."""
    made = PhotoLogin.objects.filter(user_id=user.pk, account_made=True).exists()
    return user.has_usable_password() or not (made or deletes_account(user))


def withdraw(user: "User") -> Receipt:
    """Delete the faces of a user and all that sign-ins by face have left; the account stays as it is."""
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        receipt = Receipt.objects.create()
        take_back(user, receipt)
    return receipt


def take_back(user: "User", receipt: Receipt) -> None:
    deletion_ledger.write(Face.objects.filter(user_id=user.pk), receipt)
    Face.objects.filter(user_id=user.pk).delete()
    Consent.objects.filter(user_id=user.pk, withdrawn=None).update(withdrawn=timezone.now())
    if not is_operator(user):  # theirs says whether they have a second factor
        PhotoLogin.objects.filter(user_id=user.pk).delete()
    AccountChange.objects.filter(user_id=user.pk).delete()
    trusted_devices.end_all(user)
    SignIn.objects.filter(user_id=user.pk).update(user=None)
    population.forget()
    tell(user, account_deleted=False)


def tell(user: "User", account_deleted: bool) -> None:
    sender, key = type(user), str(user.pk)
    transaction.on_commit(lambda: signals.forgotten.send(sender, user_pk=key, account_deleted=account_deleted))


def forget(user: "User") -> Receipt:
    """Delete the user with everything that refers to it at once, and the faces in Rekognition through the ledger.

    Where the account stays (`deletes_account`), its faces are deleted, and the sessions end.

    The receipt says what became of the faces. While Rekognition does not answer they wait in the ledger, and sign
    nobody in.
    """
    with transaction.atomic():
        get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        return erase(user)


def forget_if_absent(user: "User") -> Receipt | None:
    """Forget somebody who is inactive; None if they have signed in since this `user` was read."""
    with transaction.atomic():
        there = get_user_model()._default_manager.select_for_update().filter(pk=user.pk).first()
        return erase(user) if there is not None and there.last_login == user.last_login else None


def erase(user: "User") -> Receipt:
    """The admin log keeps what was done, but not to whom."""
    receipt = Receipt.objects.create()
    sessions.end_sessions(user)
    if not deletes_account(user):
        take_back(user, receipt)
        return receipt
    deletion_ledger.write(Face.objects.filter(user_id=user.pk), receipt)
    rename_in_admin_log(user)
    tell(user, account_deleted=True)
    user.delete()
    return receipt


def rename_in_admin_log(user: "User") -> None:
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import LogEntry

    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(user), object_id=str(user.pk))
    entries.update(object_repr=f"#{user.pk}")


@dataclass(frozen=True, slots=True)
class Expired:
    """Somebody who was forgotten, or would be."""

    name: str
    last_login: datetime | None
    faces_pending: int = 0
    """Faces that Rekognition has not confirmed to be deleted."""


def expire(days: int, dry_run: bool = False) -> Iterator[Expired]:
    """Forget the people who have not signed in for so many days, one after the other, or only name them."""
    for user in expired(days):
        name, last_login = user.get_username(), user.last_login
        receipt = None if dry_run else forget_if_absent(user)
        if receipt is not None:
            yield Expired(name, last_login, receipt.deletions.filter(confirmed=None).count())
        elif dry_run:
            yield Expired(name, last_login)


def expired(days: int) -> Iterator["User"]:
    """People, never operators, who have not signed in for so many days; a batch at a time.

    Those whom a photo enrolled, and who never came back, are among them after PHOTO_ENROLMENT_DAYS.
    """
    now = timezone.now()
    photo_only = Q(photo_login__enrolled_by_photo=True, photo_login__returned=False, photo_login__liveness_passed=None)
    not_returned = photo_only & Q(seen__lt=now - timedelta(days=min(days, conf().PHOTO_ENROLMENT_DAYS)))
    users = get_user_model()._default_manager.alias(seen=Coalesce("last_login", Min("faces__enrolled")))
    users = users.filter(Q(seen__lt=now - timedelta(days=days)) | not_returned, faces__isnull=False)
    users = users.order_by("pk").distinct()
    batch = list(users[:BATCH])
    while batch:
        last = batch[-1].pk  # the user that is yielded may be deleted
        yield from (user for user in batch if not is_operator(user))
        batch = list(users.filter(pk__gt=last)[:BATCH])


def delete_collection(collection_id: str) -> None:
    """Delete a collection with all its faces. The users stay."""
    Collection(collection_id).delete()
    faces = Face.objects.filter(collection_id=collection_id)
    faces._raw_delete(using=faces.db)  # without the ledger: Rekognition has nothing left to delete
    trusted_devices.end_without_face()  # which deleting each row would have done
    Deletion.objects.filter(collection_id=collection_id, confirmed=None).update(confirmed=timezone.now())

"""Resets of a lost second factor: an operator requests one, and it takes effect after a wait that the person can stop.

Without the wait an operator with a picture of somebody could open their notebook. Meanwhile photos sign nobody in (see
`photo_logins`), and afterwards only if the person allows it again: what is left is a liveness check.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from faceauth.conf import conf
from faceauth.mfa import trusted_devices
from faceauth.models import AuthenticatorApp, MFAReset, Passkey, PhotoLogin, RecoveryCode

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def pending(user: "User") -> MFAReset | None:
    """The reset that is neither done nor stopped; there is at most one."""
    return MFAReset.objects.filter(user_id=user.pk, done=None, stopped=None).first()


def needs_approval(user: "User") -> bool:
    reset = pending(user)
    return reset is not None and reset.due is None


def request(user: "User", operator: "User", reason: str) -> MFAReset:
    """Request a reset. Its wait begins now, or when a second operator approves it, if the settings want one."""
    due = None if conf().MFA_RESET_NEEDS_TWO else end_of_wait()
    return MFAReset.objects.create(user=user, requested_by=operator, reason=reason, due=due)


def approve(user: "User", operator: "User") -> None:
    waiting = MFAReset.objects.filter(user_id=user.pk, done=None, stopped=None, due=None)
    for reset in waiting.exclude(requested_by=operator):
        reset.change(approved_by=operator, due=end_of_wait())


def end_of_wait() -> datetime:
    return timezone.now() + timedelta(hours=conf().MFA_RESET_HOURS)


def stop(user: "User") -> bool:
    """The person stops the reset; False if there is none."""
    waiting = list(MFAReset.objects.filter(user_id=user.pk, done=None, stopped=None))
    for reset in waiting:
        reset.change(stopped=timezone.now())
    return bool(waiting)


@transaction.atomic
def apply_due(user: "User") -> bool:
    """Carry out a reset whose wait is over; whether there was one."""
    now = timezone.now()
    due = MFAReset.objects.select_for_update().filter(user_id=user.pk, done=None, stopped=None, due__lte=now)
    sound = [reset for reset in due if reset.is_sealed()]
    if not sound:
        return False
    for reset in sound:
        reset.change(done=now)
    remove_all(user)
    if conf().PHOTOS != "open":  # otherwise photos are the only way to sign in
        PhotoLogin.note(user.pk, choice=PhotoLogin.Choice.NEVER)
    return True


def apply_all_due() -> None:
    """Carry out resets of people who have not signed in since."""
    for reset in MFAReset.objects.filter(done=None, stopped=None, due__lte=timezone.now()).select_related("user"):
        apply_due(reset.user)


def remove_all(user: "User") -> None:
    for model in (Passkey, AuthenticatorApp, RecoveryCode):
        model._default_manager.filter(user_id=user.pk).delete()
    PhotoLogin.note(user.pk, has_mfa=False)
    trusted_devices.end_all(user)  # whoever lost the telephone with the passkey may have lost a trusted device with it

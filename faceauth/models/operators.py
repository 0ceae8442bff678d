"""Accounts of operators: an account that somebody made or changed in the database alone is none."""

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from faceauth.models.mfa import PhotoLogin
from faceauth.models.row_seals import SealedRow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

STATED = ("password", "is_active", "is_staff", "is_superuser")
"""What makes an account an operator's, besides its name."""


class OperatorAccount(SealedRow):
    """What the site itself last saved of an operator's account, as a digest under a seal."""

    SEALED = ("user", "stated")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", verbose_name=_("user")
    )
    stated = models.CharField(_("digest of the account"), max_length=64, editable=False)

    class Meta:
        verbose_name = _("operator's account")
        verbose_name_plural = _("operators' accounts")

    def __str__(self) -> str:
        return str(self.pk)


def is_operator(user: "User") -> bool:
    return getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)


def stated_of(user: "User") -> str:
    """SHA-256, in hexadecimal."""
    values = [getattr(user, name, None) for name in (get_user_model().USERNAME_FIELD, *STATED)]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def is_vouched(user: "User") -> bool:
    """Whether an operator's account is as the site saved it. Where not, the operator is told in the log."""
    row = OperatorAccount.objects.filter(user_id=user.pk).first()
    if row is not None and row.is_sealed() and constant_time_compare(row.stated, stated_of(user)):
        return True
    logger.error("row_altered: the account of operator %s was changed outside the site, and opens nothing.", user.pk)
    return False


@receiver(pre_save, sender=settings.AUTH_USER_MODEL)
def judge(instance: Any, raw: bool, update_fields: Any, **kwargs: object) -> None:
    """Find out whether the site may vouch for what it is about to save: not for what it did not vouch for before."""
    touched = update_fields is None or {*update_fields} & {*STATED, instance.USERNAME_FIELD}
    instance._vouch = False
    if raw or not touched or not is_operator(instance):
        return
    before = None if instance._state.adding else type(instance)._base_manager.filter(pk=instance.pk).first()
    instance._vouch = before is None or not is_operator(before) or is_vouched(before)


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def vouch(instance: Any, **kwargs: object) -> None:
    if instance._vouch:
        vouch_for(instance.pk)


def vouch_for(pk: Any) -> None:
    """Seal the account as it is now. Only for what was decided with the keys at hand."""
    row = OperatorAccount(user_id=pk, stated=stated_of(get_user_model()._default_manager.get(pk=pk)))
    OperatorAccount.objects.filter(pk=pk).delete()
    row.save(force_insert=True)
    PhotoLogin.objects.get_or_create(user_id=pk)

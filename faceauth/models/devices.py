"""Devices that somebody trusts, and devices that ask to join them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from faceauth.models.faces import Face
from faceauth.models.row_seals import SealedRow


class TrustedDevice(SealedRow):
    """A browser that may know one person. People who share a browser have a row each, with the same hash.

    Nothing here opens anything: see `faceauth.mfa.trusted_devices`.
    """

    SEALED = ("user", "cookie_hash", "public_key")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="trusted_devices", verbose_name=_("user")
    )
    cookie_hash = models.CharField(_("hash of the cookie"), max_length=64, db_index=True, editable=False)
    """HMAC-SHA256 of the cookie's value, in hexadecimal, under a key derived from ENCRYPTION_KEYS."""
    public_key = models.BinaryField(_("public key"), default=bytes, blank=True)
    """P-256, as SubjectPublicKeyInfo in DER (RFC 5480); empty where the browser could not make one."""
    name = models.CharField(_("name"), max_length=64)
    created = models.DateTimeField(_("first used"), default=timezone.now)
    last_used = models.DateTimeField(_("last used"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("trusted device")
        verbose_name_plural = _("trusted devices")
        ordering = ("-last_used", "-pk")
        constraints = (models.UniqueConstraint(fields=["user", "cookie_hash"], name="one_row_per_person_and_browser"),)

    def __str__(self) -> str:
        return self.name


class DeviceApproval(SealedRow):
    """A browser whose person passed a liveness check asks for a yes on a device that they already trust.

    The row is of no use without the session that asked, which alone knows its id.
    """

    SEALED = ("id", "user", "approved_by")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="device_approvals", verbose_name=_("user")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    """Two digits, shown by both devices."""
    name = models.CharField(_("name"), max_length=64)
    approved_by = models.ForeignKey(
        TrustedDevice, models.CASCADE, null=True, related_name="approvals", verbose_name=_("approved by")
    )
    """The device that said yes. When its trust ends before the answer is fetched, so does the yes."""
    expires = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("device approval")
        verbose_name_plural = _("device approvals")

    def __str__(self) -> str:
        return self.name


@receiver(post_delete, sender=Face)
def end_with_last_face(instance: Face, **kwargs: object) -> None:
    """A device that went on knowing the person would know whoever is enrolled under that name next."""
    if not Face.objects.filter(user_id=instance.user_id).exists():
        TrustedDevice.objects.filter(user_id=instance.user_id).delete()

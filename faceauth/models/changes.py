"""What was changed about who gets in, and what was taken out, for the person to see at their next sign-in."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from faceauth.models.row_seals import SealedRow


class AccountChange(SealedRow):
    """A sensitive act in somebody's notebook: see `faceauth.audit.changes`.

    Sealed: to take back a change that nobody made could open the notebook to photos.
    """

    SEALED = ("user", "kind", "subject")

    class Kind(models.TextChoices):
        PASSKEY_ADDED = "passkey_added", _("A passkey was added")
        APP_ADDED = "app_added", _("An authenticator app was added")
        CODES_MADE = "codes_made", _("New recovery codes were made")
        FACTOR_REMOVED = "factor_removed", _("A second factor was removed")
        FACE_ADDED = "face_added", _("An appearance was added")
        FACE_REMOVED = "face_removed", _("An appearance was removed")
        DEVICE_TRUSTED = "device_trusted", _("A device was trusted")
        DEVICE_APPROVED = "device_approved", _("A new device was let in by a yes on a trusted one")
        DEVICE_ENDED = "device_ended", _("A trusted device was removed")
        PHOTOS_CHANGED = "photos_changed", _("What a photo may open was changed")
        CHECK_CHANGED = "check_changed", _("The check on trusted devices was changed")
        SESSIONS_ENDED = "sessions_ended", _("Sessions were ended")
        EXPORTED = "exported", _("A copy of your data was downloaded")
        SITE_ACT = "site_act", _("A protected setting was changed")
        TAKEN_BACK = "taken_back", _("A change was taken back")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="account_changes", verbose_name=_("user")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    at = models.DateTimeField(_("at"), default=timezone.now)
    name = models.CharField(_("name"), max_length=64, blank=True)
    """What the person calls the thing that was changed."""
    subject = models.CharField(_("subject"), max_length=64, blank=True)
    """What taking it back needs: the key of the thing, or the choice of before."""
    device = models.CharField(_("device"), max_length=200, blank=True)
    """The User-Agent header, truncated."""
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    answered = models.DateTimeField(_("answered"), null=True, blank=True)
    """When the person said that it was them, or took it back."""

    class Meta:
        verbose_name = _("account change")
        verbose_name_plural = _("account changes")
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=["user", "answered"], name="change_to_answer"),)

    def __str__(self) -> str:
        return self.kind

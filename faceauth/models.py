"""Which remembered face belongs to whom, and what happened at the door. No picture and no template is ever here."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from faceauth.outcomes import Outcome, Reason


class Face(models.Model):
    """A face that the collection remembers for a user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="faces", verbose_name=_("user"))
    face_id = models.UUIDField(_("FaceId"), unique=True)
    image_id = models.UUIDField(_("ImageId"))
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    consent = models.CharField(_("consent"), max_length=32, blank=True)
    """The version of the text that the person agreed to; empty where none was asked (`ENROLMENT` is `open`)."""
    remembered = models.DateTimeField(_("remembered"), default=timezone.now)

    class Meta:
        verbose_name = _("face")
        verbose_name_plural = _("faces")
        ordering = ("-remembered",)

    def __str__(self) -> str:
        return str(self.face_id)


class Login(models.Model):
    """One visit to the door, whatever came of it."""

    class Way(models.TextChoices):
        CAMERA = "camera", _("camera")
        FILE = "file", _("chosen file")

    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    reason = models.CharField(_("reason"), max_length=24, choices=Reason.choices, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="logins", verbose_name=_("user")
    )
    similarity = models.FloatField(_("similarity"), null=True, blank=True)
    """0 to 100, as Rekognition reports it; only where a face was matched."""
    way = models.CharField(_("way"), max_length=8, choices=Way.choices, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    device = models.CharField(_("device"), max_length=200, blank=True)
    """The User-Agent header, cut short."""

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("log of the door")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.reason or self.outcome}"

"""Enrolled faces, and what is still to be done about them in Rekognition."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Face(models.Model):
    """A face that the collection remembers for a user. A face without such a row opens nothing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="faces", verbose_name=_("user"))
    face_id = models.UUIDField(_("FaceId"), unique=True)
    image_id = models.UUIDField(_("ImageId"))
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    person = models.CharField(_("person"), max_length=128, db_index=True)
    """The user in Rekognition's words: the ExternalImageId of all their faces, and the UserId of their vector."""
    associated = models.BooleanField(_("in the user vector"), default=False)
    """Whether the person's vector is known to be made with this face, and of no face that was removed."""
    brightness = models.FloatField(_("brightness"), null=True, blank=True)
    sharpness = models.FloatField(_("sharpness"), null=True, blank=True)
    """0 to 100 each, as in `vision.Quality`; none for faces remembered before they were kept."""
    enrolled = models.DateTimeField(_("enrolled"), default=timezone.now)

    class Meta:
        verbose_name = _("face")
        verbose_name_plural = _("faces")
        ordering = ("-enrolled",)
        indexes = (models.Index(fields=["collection_id", "associated"], name="face_in_a_vector"),)
        permissions = (("act_on_people", "Can deactivate, activate, sign out, unlock and forget people"),)

    def __str__(self) -> str:
        return str(self.face_id)


class Consent(models.Model):
    """What a person agreed to, and when. It outlives the face it was given for."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="consents", verbose_name=_("user"))
    text = models.CharField(_("version of the text"), max_length=32)
    given = models.DateTimeField(_("given"), default=timezone.now)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ("-given",)

    def __str__(self) -> str:
        return self.text


class Enrolment(models.Model):
    """A face that is about to be indexed, written before Rekognition is asked.

    The row goes when the face is somebody's, or gone. What a crash leaves behind is found by it.
    """

    external_id = models.CharField(_("ExternalImageId"), max_length=128, db_index=True)
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    started = models.DateTimeField(_("started"), default=timezone.now)
    winner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("winner")
    )
    """Who was remembered with the same face at the same moment, and a little earlier."""

    class Meta:
        verbose_name = _("unfinished enrolment")
        verbose_name_plural = _("unfinished enrolments")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.external_id


class Receipt(models.Model):
    """Somebody was forgotten. It says nothing about whom; only they know its address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")

    def __str__(self) -> str:
        return str(self.pk)


class Deletion(models.Model):
    """A face to be deleted in Rekognition: the ledger. A row stays, as the proof, when the face is gone."""

    face_id = models.UUIDField(_("FaceId"), unique=True)
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    person = models.CharField(_("person"), max_length=128, db_index=True, blank=True)
    associated = models.BooleanField(_("in a user vector"), default=False)
    receipt = models.ForeignKey(
        Receipt, models.SET_NULL, null=True, blank=True, related_name="deletions", verbose_name=_("receipt")
    )
    requested = models.DateTimeField(_("requested"), default=timezone.now)
    confirmed = models.DateTimeField(_("confirmed"), null=True, blank=True, db_index=True)
    """When Rekognition said that the face is not there any more."""
    tries = models.PositiveIntegerField(_("tries"), default=0)
    error = models.CharField(_("last error"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("deletion")
        verbose_name_plural = _("deletion ledger")
        ordering = ("-requested", "pk")

    def __str__(self) -> str:
        return str(self.face_id)


class HealthCheck(models.Model):
    """What `doctor` found the last times it looked, for the desk: numbers alone."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    collection_id = models.CharField(_("CollectionId"), max_length=255, db_index=True)
    faces = models.PositiveBigIntegerField(_("faces looked at"), default=0)
    found = models.JSONField(_("found"), default=dict)
    """How many of each kind that were not repaired, by `doctor.Kind`."""
    repaired = models.PositiveBigIntegerField(_("repaired"), default=0)
    error = models.CharField(_("error"), max_length=64, blank=True)
    """The code of what ended it before its time."""

    class Meta:
        verbose_name = _("health check")
        verbose_name_plural = _("health checks")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.collection_id}"

    @property
    def left(self) -> int:
        return sum(self.found.values())

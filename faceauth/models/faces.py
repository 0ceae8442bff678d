"""Enrolled faces, the work on them that is unfinished, and health checks."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from faceauth.models.row_seals import SealedRow


class Face(SealedRow):
    """An enrolled face of a user. A face in the collection without such a row signs nobody in."""

    SEALED = ("user", "face_id", "person", "collection_id")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="faces", verbose_name=_("user"))
    face_id = models.UUIDField(_("FaceId"), unique=True)
    image_id = models.UUIDField(_("ImageId"))
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    person = models.CharField(_("person"), max_length=128, db_index=True)
    """The user's name in Rekognition: ExternalImageId of all their faces, and UserId of their vector."""
    associated = models.BooleanField(_("in the user vector"), default=False)
    """Whether the user vector is known to contain this face, and no face that was removed."""
    brightness = models.FloatField(_("brightness"), null=True, blank=True)
    sharpness = models.FloatField(_("sharpness"), null=True, blank=True)
    """0 to 100 each, as in `vision.Quality`; None for faces enrolled before these columns existed."""
    enrolled = models.DateTimeField(_("enrolled"), default=timezone.now)
    name = models.CharField(_("name"), max_length=64, blank=True)
    """What the person calls this appearance."""

    class Meta:
        verbose_name = _("face")
        verbose_name_plural = _("faces")
        ordering = ("-enrolled",)
        indexes = (models.Index(fields=["collection_id", "associated"], name="face_in_a_vector"),)
        permissions = (("act_on_people", "Can deactivate, activate, sign out, reset and forget people"),)

    def __str__(self) -> str:
        return str(self.face_id)


def spoken() -> str:
    """The language of this request."""
    return get_language() or ""


class Consent(models.Model):
    """What a person agreed to, and when. It stays when the face is removed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="consents", verbose_name=_("user"))
    text = models.CharField(_("version of the text"), max_length=32)
    language = models.CharField(_("language"), max_length=16, blank=True, default=spoken)
    """In which the text was shown; empty where it is not known."""
    given = models.DateTimeField(_("given"), default=timezone.now)
    withdrawn = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ("-given",)

    def __str__(self) -> str:
        return self.text


class Enrolment(SealedRow):
    """An enrolment in progress, written before Rekognition is called.

    The row is deleted when the face belongs to a user, or is gone. The health check finds by it what a crash left.
    """

    SEALED = ("external_id", "collection_id", "winner")

    external_id = models.CharField(_("ExternalImageId"), max_length=128, db_index=True)
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    started = models.DateTimeField(_("started"), default=timezone.now)
    winner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("winner")
    )
    """The user who was enrolled with the same face at the same moment, a little earlier."""

    class Meta:
        verbose_name = _("enrolment in progress")
        verbose_name_plural = _("enrolments in progress")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.external_id


class Receipt(models.Model):
    """Proof that somebody was forgotten. It does not say who; only they know its address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")

    def __str__(self) -> str:
        return str(self.pk)


class Deletion(models.Model):
    """A face to be deleted in Rekognition. The row stays as proof when the face is gone."""

    face_id = models.UUIDField(_("FaceId"), unique=True)
    collection_id = models.CharField(_("CollectionId"), max_length=255)
    person = models.CharField(_("person"), max_length=128, db_index=True, blank=True)
    associated = models.BooleanField(_("in a user vector"), default=False)
    receipt = models.ForeignKey(
        Receipt, models.SET_NULL, null=True, blank=True, related_name="deletions", verbose_name=_("receipt")
    )
    requested = models.DateTimeField(_("requested"), default=timezone.now)
    confirmed = models.DateTimeField(_("confirmed"), null=True, blank=True, db_index=True)
    """When Rekognition confirmed that the face is gone."""
    tries = models.PositiveIntegerField(_("tries"), default=0)
    error = models.CharField(_("last error"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("deletion")
        verbose_name_plural = _("deletions")
        ordering = ("-requested", "pk")

    def __str__(self) -> str:
        return str(self.face_id)


class HealthCheck(models.Model):
    """The result of a health check, in numbers, for the dashboard."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    collection_id = models.CharField(_("CollectionId"), max_length=255, db_index=True)
    faces = models.PositiveBigIntegerField(_("faces checked"), default=0)
    found = models.JSONField(_("found"), default=dict)
    """How many of each `findings.Kind` were not repaired."""
    repaired = models.PositiveBigIntegerField(_("repaired"), default=0)
    error = models.CharField(_("error"), max_length=64, blank=True)
    """The code of the error that ended it early."""

    class Meta:
        verbose_name = _("health check")
        verbose_name_plural = _("health checks")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{localize(timezone.localtime(self.at))}, {self.collection_id}"

    @property
    def left(self) -> int:
        return sum(self.found.values())

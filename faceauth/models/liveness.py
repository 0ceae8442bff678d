"""Liveness checks in progress, and the frames they have used."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class LivenessSession(models.Model):
    """A liveness check in progress: see `faceauth.liveness.sessions`. Without its session the row is useless."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sequence = models.PositiveIntegerField(_("frames so far"), default=0)
    sealed = models.TextField(_("state"), editable=False)
    """Numbers, encrypted with a key that is derived from the session and SECRET_KEY."""
    passed = models.BooleanField(_("passed"), default=False)
    expires = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("liveness check in progress")
        verbose_name_plural = _("liveness checks in progress")

    def __str__(self) -> str:
        return str(self.pk)


class SpentFrame(models.Model):
    """The keyed digest of a frame that was used, kept for a day: a frame never counts twice."""

    digest = models.CharField(_("digest"), max_length=64, primary_key=True)
    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("used frame")
        verbose_name_plural = _("used frames")

    def __str__(self) -> str:
        return self.digest[:8]

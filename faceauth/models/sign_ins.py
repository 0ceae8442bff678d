"""The sign-in log, and the counts of the rate limits."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from faceauth.outcomes import Outcome, Reason


class SignInQuerySet(models.QuerySet["SignIn"]):
    def datetimes(self, field_name: str, kind: str, order: str = "ASC", tzinfo: tzinfo | None = None) -> Any:
        """The years, months or days that have a sign-in, by one index lookup for each.

        Django's own method truncates the time of every row, which takes SQLite five seconds for a million rows.
        """
        if kind not in UNITS or order != "ASC":
            return super().datetimes(field_name, kind, order, tzinfo)  # type: ignore[arg-type]
        found: list[datetime] = []
        times = self.order_by(field_name).values_list(field_name, flat=True)
        at = times.first()
        while at is not None:
            start = UNITS[kind](timezone.localtime(at, tzinfo).replace(tzinfo=None))
            found.append(timezone.make_aware(start, tzinfo))
            after = UNITS[kind](start + timedelta(days={"year": 366, "month": 31, "day": 1}[kind]))
            at = times.filter(**{f"{field_name}__gte": timezone.make_aware(after, tzinfo)}).first()
        return found


# The start of each, for a time without a zone.
UNITS: dict[str, Callable[[datetime], datetime]] = {
    "year": lambda at: datetime(at.year, 1, 1),  # noqa: DTZ001
    "month": lambda at: datetime(at.year, at.month, 1),  # noqa: DTZ001
    "day": lambda at: datetime(at.year, at.month, at.day),  # noqa: DTZ001
}


class SignIn(models.Model):
    """An attempt to sign in, whatever its outcome."""

    class Method(models.TextChoices):
        LIVENESS = "liveness", _("liveness check")
        QUICK = "quick", _("quick check on a trusted device")
        CAMERA = "camera", _("camera")
        FILE = "file", _("chosen file")

    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    reason = models.CharField(_("reason"), max_length=24, choices=Reason.choices, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="sign_ins",
        verbose_name=_("user"),
    )
    similarity = models.FloatField(_("similarity"), null=True, blank=True)
    """0 to 100, as Rekognition reports it; only where a face was matched."""
    method = models.CharField(_("method"), max_length=8, choices=Method.choices, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    device = models.CharField(_("device"), max_length=200, blank=True)
    """The User-Agent header, truncated."""
    rekognition_ms = models.PositiveIntegerField(_("Rekognition, ms"), null=True, blank=True)
    """How long Rekognition took for all calls of the attempt; None if it was not called."""

    times = models.PositiveIntegerField(_("times"), default=1)
    """How many attempts the row stands for, at least. More than one only for throttled attempts."""

    session_key = models.CharField(_("session"), max_length=64, blank=True, db_index=True, editable=False)
    """The session that this sign-in opened, until it is ended: see `audit.sessions.stored_key`. It is shown nowhere."""

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-in log")
        ordering = ("-at", "-pk")
        indexes = (
            # Everything the dashboard counts, so that it reads the index and not the rows.
            models.Index(
                fields=["at", "outcome", "reason", "similarity", "rekognition_ms", "times"], name="signin_figures"
            ),
            models.Index(fields=["address", "at"], name="signin_by_address"),
        )

    def __str__(self) -> str:
        return f"{localize(timezone.localtime(self.at))}, {self.get_reason_display() or self.get_outcome_display()}"


class RateCount(models.Model):
    """A count of a rate limit, if there is no cache: see `faceauth.ratelimit.counters`."""

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    count = models.PositiveIntegerField(_("count"), default=0)
    ends = models.FloatField(_("ends"), db_index=True)
    """When it expires, in seconds since 1970."""

    class Meta:
        verbose_name = _("rate limit count")
        verbose_name_plural = _("rate limit counts")

    def __str__(self) -> str:
        return self.key

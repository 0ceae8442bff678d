"""Which remembered face belongs to whom, what is still to be done in Rekognition, and what happened at the door.

No picture is ever here, and no template that is not sealed.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, TimestampMixin, VerifyNotAllowed
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from faceauth import crypto
from faceauth.outcomes import Outcome, Reason


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
    remembered = models.DateTimeField(_("remembered"), default=timezone.now)

    class Meta:
        verbose_name = _("face")
        verbose_name_plural = _("faces")
        ordering = ("-remembered",)
        indexes = (models.Index(fields=["collection_id", "associated"], name="face_in_a_vector"),)
        permissions = (("care_for_people", "Can deactivate, activate, sign out, unlock and forget people"),)

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
        verbose_name_plural = _("ledger of deletions")
        ordering = ("-requested", "pk")

    def __str__(self) -> str:
        return str(self.face_id)


class Look(models.Model):
    """A liveness check that is under way: see `faceauth.liveness.sessions`. The row is of no use without its session."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sequence = models.PositiveIntegerField(_("frames so far"), default=0)
    sealed = models.TextField(_("state"), editable=False)
    """Numbers, encrypted with a key that only the session and SECRET_KEY together give."""
    passed = models.BooleanField(_("passed"), default=False)
    expires = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("look under way")
        verbose_name_plural = _("looks under way")

    def __str__(self) -> str:
        return str(self.pk)


class SpentFrame(models.Model):
    """A frame that was looked at, as a keyed digest of its bytes, for a day: it never counts a second time."""

    digest = models.CharField(_("digest"), max_length=64, primary_key=True)
    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("spent frame")
        verbose_name_plural = _("spent frames")

    def __str__(self) -> str:
        return self.digest[:8]


class LoginQuerySet(models.QuerySet["Login"]):
    def datetimes(self, field_name: str, kind: str, order: str = "ASC", tzinfo: tzinfo | None = None) -> Any:
        """The years, months or days that have a visit: one look into the index for each.

        Django's own cuts every row's time short, which takes SQLite five seconds for a million of them.
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


# The beginning of each, of a time without a zone.
UNITS: dict[str, Callable[[datetime], datetime]] = {
    "year": lambda at: datetime(at.year, 1, 1),  # noqa: DTZ001
    "month": lambda at: datetime(at.year, at.month, 1),  # noqa: DTZ001
    "day": lambda at: datetime(at.year, at.month, at.day),  # noqa: DTZ001
}


class Login(models.Model):
    """One visit to the door, whatever came of it."""

    class Way(models.TextChoices):
        LOOK = "look", _("look")
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
    rekognition_ms = models.PositiveIntegerField(_("Rekognition, ms"), null=True, blank=True)
    """How long Rekognition took for all calls of the visit; none where it was not asked."""

    times = models.PositiveIntegerField(_("times"), default=1)
    """How many attempts the row stands for, at least. More than one only where a flood was turned away."""

    session_key = models.CharField(_("session"), max_length=64, blank=True, db_index=True, editable=False)
    """The session that this visit opened, until it is ended. As secret as the session itself: it is shown nowhere."""

    objects = LoginQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("log of the door")
        ordering = ("-at", "-pk")
        indexes = (
            # All that the desk counts of a month, so that it reads this index and never the rows.
            models.Index(
                fields=["at", "outcome", "reason", "similarity", "rekognition_ms", "times"], name="login_figures"
            ),
            models.Index(fields=["address", "at"], name="login_of_an_address"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.reason or self.outcome}"


class Tally(models.Model):
    """A number that the doorman counts, where no cache does: see `faceauth.ratelimit.counters`."""

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    count = models.PositiveIntegerField(_("count"), default=0)
    ends = models.FloatField(_("ends"), db_index=True)
    """When it counts no longer, in seconds since 1970."""

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies of the doorman")

    def __str__(self) -> str:
        return self.key


class Examination(models.Model):
    """What `doctor` found the last times it looked, for the desk: numbers alone."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    collection_id = models.CharField(_("CollectionId"), max_length=255, db_index=True)
    faces = models.PositiveBigIntegerField(_("faces looked at"), default=0)
    found = models.JSONField(_("found"), default=dict)
    """How many of each kind that were not mended, by `doctor.Kind`."""
    mended = models.PositiveBigIntegerField(_("mended"), default=0)
    error = models.CharField(_("error"), max_length=64, blank=True)
    """The code of what ended it before its time."""

    class Meta:
        verbose_name = _("examination")
        verbose_name_plural = _("examinations by the doctor")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.collection_id}"

    @property
    def left(self) -> int:
        return sum(self.found.values())


# The second lock ------------------------------------------------------------------------------------------------------


class Passkey(TimestampMixin, Device):  # type: ignore[misc]
    """A public key whose private half is in a person's telephone, computer or security key (WebAuthn)."""

    credential_id = models.CharField(_("credential id"), max_length=1364, unique=True)
    """At most 1,023 bytes (WebAuthn Level 3, 4.1), in base64url without padding."""
    public_key = models.BinaryField(_("public key"))
    """As a COSE_Key (RFC 9052, 7)."""
    sign_count = models.BigIntegerField(_("signatures"), default=0)
    """As the authenticator counts; 0 where it does not. 32 bits without a sign, so no IntegerField."""
    transports = models.JSONField(_("transports"), default=list)
    host = models.CharField(_("relying party"), max_length=253)
    """The name of the site under which it was made: it answers to no other."""

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")


class CodeApp(TOTPDevice):  # type: ignore[misc]
    """An app that shows a new code of six digits every thirty seconds (TOTP, RFC 6238). Its secret is sealed.

    Whoever has a picture of somebody's face may type wrong codes, which must neither find the right one nor keep its
    owner out for long. So the wait after wrong codes doubles (1, 2, 4 seconds), but never lasts more than an hour; and
    after a hundred, the most in a row that NIST SP 800-63B-4 (3.2.2) allows, no code opens anything until the owner has
    come in by a passkey or a recovery code, for which there is no wait. With three codes valid at a time (this one,
    the one before and the one after), a hundred guesses find one in 3 of 10,000 cases.

    A right code ends the wait and forgives three wrong ones, as many as people mistype. Were it to forgive all, whoever
    guesses between the visits of somebody who comes every day could go on for ever.
    """

    LONGEST_WAIT = timedelta(hours=1)
    MOST_WRONG = 100
    FORGIVEN = 3

    throttling_failure_count: int

    class Meta:
        proxy = True
        verbose_name = _("one-time-code app")
        verbose_name_plural = _("one-time-code apps")

    @property
    def place(self) -> str:
        return f"secret of the one-time-code app of user {self.user_id}"

    def keep_secret(self, secret: bytes) -> None:
        self.key = crypto.seal(secret, self.place)

    @property
    def bin_key(self) -> bytes:
        """Raises `at_rest.CannotOpen`."""
        return crypto.unseal(self.key, self.place)

    def throttle_reset(self, commit: bool = True) -> None:
        self.throttling_failure_timestamp = None
        self.throttling_failure_count = max(0, self.throttling_failure_count - self.FORGIVEN)
        if commit:
            self.save()

    @property
    def rests(self) -> bool:
        return bool(self.throttling_failure_count >= self.MOST_WRONG)

    @property
    def allowed_from(self) -> datetime | None:
        """When the next code is looked at, after wrong ones; None is now."""
        last: datetime | None = self.throttling_failure_timestamp
        if not self.throttling_failure_count or last is None:
            return None
        doubled = timedelta(seconds=2 ** min(self.throttling_failure_count - 1, 30))
        return last + min(doubled, self.LONGEST_WAIT)

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        allowed_from = self.allowed_from
        if not self.rests and (allowed_from is None or timezone.now() >= allowed_from):
            return True, None
        count = self.throttling_failure_count
        return False, {"reason": VerifyNotAllowed.N_FAILED_ATTEMPTS, "failure_count": count}


class RecoveryCodes(StaticDevice):  # type: ignore[misc]
    """Ten codes for the day on which all else is lost. Each opens once; what is kept is a hash of it.

    A code has 80 random bits: no guessing finds one, so that nobody need ever wait (NIST SP 800-63B-4, 3.1.2.2, wants
    a limit below 64 bits), and trying them all against a fast hash is as hopeless.
    """

    class Meta:
        proxy = True
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")

    def get_throttle_factor(self) -> int:
        return 0

    def hashed(self, code: str) -> str:
        """96 bits of SHA-256, which is what a StaticToken has room for; other for the same code of another person."""
        return base64.b64encode(hashlib.sha256(f"{self.pk} {code}".encode()).digest()[:12]).decode()

    def verify_token(self, code: str) -> bool:
        return bool(super().verify_token(self.hashed(code)))


class Clearing(models.Model):
    """An operator took somebody's second lock away. The person sees it at their door; Django's log says who it was."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="clearings", verbose_name=_("user"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("second lock taken away")
        verbose_name_plural = _("second locks taken away")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class PhotoPath(models.Model):
    """What a photo of a person may open, if they have chosen. Without a row photos open their notebook."""

    class Choice(models.TextChoices):
        OPEN = "open", _("A photo opens my notebook, as a look does.")
        WITH_LOCK = "with_lock", _("A photo opens my notebook only together with my second lock.")
        NEVER = "never", _("A photo never opens my notebook.")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="photo_path", verbose_name=_("user")
    )
    choice = models.CharField(_("choice"), max_length=16, choices=Choice.choices, default=Choice.OPEN)

    class Meta:
        verbose_name = _("photo path")
        verbose_name_plural = _("photo paths")

    def __str__(self) -> str:
        return self.choice

"""Second factors, and what a photo may open."""

import base64
import hashlib
import logging
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from django_otp.models import Device, TimestampMixin, VerifyNotAllowed
from django_otp.plugins.otp_totp.models import TOTPDevice

from faceauth import crypto
from faceauth.models.faces import Face
from faceauth.models.row_seals import SealedRow

logger = logging.getLogger(__name__)


class Passkey(SealedRow, TimestampMixin, Device):  # type: ignore[misc, django-manager-missing]
    """The public key of a passkey on a phone, computer or security key (WebAuthn)."""

    SEALED = ("user", "credential_id", "public_key", "host")

    credential_id = models.CharField(_("credential id"), max_length=1364, unique=True)
    """At most 1,023 bytes (WebAuthn Level 3, 4.1), in base64url without padding."""
    public_key = models.BinaryField(_("public key"))
    """As a COSE_Key (RFC 9052, 7)."""
    sign_count = models.BigIntegerField(_("signatures"), default=0)
    """The authenticator's counter; 0 if it has none. 32 bits unsigned, too large for an IntegerField."""
    transports = models.JSONField(_("transports"), default=list)
    host = models.CharField(_("relying party"), max_length=253)
    """The host name for which it was made; it works under no other."""

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")


class AuthenticatorApp(TOTPDevice):  # type: ignore[misc]
    """An authenticator app with a new code of six digits every thirty seconds (TOTP, RFC 6238). Its secret is sealed.

    Somebody with a picture of the owner's face can type wrong codes. These must neither find the right one nor keep the
    owner out for long. So the wait after wrong codes doubles (1, 2, 4 seconds) up to an hour. After a hundred in a row,
    the most that NIST SP 800-63B-4 (3.2.2) allows, no code is accepted until the owner has signed in with a passkey or
    a recovery code, for which there is no wait. Three codes are valid at a time (the last, this and the next one), so a
    hundred guesses succeed in 3 of 10,000 cases.

    A right code ends the wait and forgives three wrong ones, as many as people mistype. If it forgave all, an attacker
    could guess for ever between the sign-ins of somebody who comes every day.
    """

    USUAL: ClassVar = {"step": 30, "t0": 0, "digits": 6, "tolerance": 1}
    MOST_DRIFT = 20  # steps of half a minute that a telephone's clock may be wrong
    LONGEST_WAIT = timedelta(hours=1)
    MOST_WRONG = 100
    FORGIVEN = 3

    throttling_failure_count: int

    class Meta:
        proxy = True
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    @property
    def place(self) -> str:
        return f"secret of the one-time-code app of user {self.user_id}"

    def keep_secret(self, secret: bytes) -> None:
        self.key = crypto.seal(secret, self.place)

    @property
    def bin_key(self) -> bytes:
        """Raises `crypto.CannotOpen`, also where the row asks for less of a code than this site ever does."""
        usual = all(getattr(self, name) == value for name, value in self.USUAL.items())
        if not usual or abs(self.drift) > self.MOST_DRIFT:
            logger.error("row_altered: authenticator app %s was changed outside the site, and opens nothing.", self.pk)
            raise crypto.CannotOpen(self.place)
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
        """When the next code is checked after wrong ones; None is now."""
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


class RecoveryCode(SealedRow):
    """One of ten codes for when every other factor is lost. It works once; only a hash of it is kept.

    A code has 80 random bits, which nobody guesses: no wait is needed (NIST SP 800-63B-4, 3.1.2.2, asks for one below
    64 bits), and a fast hash is enough. The seal makes sure that the site has handed it out.
    """

    SEALED = ("user", "salt", "digest")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="recovery_codes", verbose_name=_("user")
    )
    salt = models.CharField(_("salt"), max_length=64, editable=False)
    digest = models.CharField(_("hash of the code"), max_length=16, editable=False)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        return str(self.pk)

    @staticmethod
    @sensitive_variables()
    def hashed(salt: str, code: str) -> str:
        """96 bits of SHA-256."""
        return base64.b64encode(hashlib.sha256(f"{salt} {code}".encode()).digest()[:12]).decode()

    @sensitive_variables()
    def opens(self, code: str) -> bool:
        return constant_time_compare(self.digest, self.hashed(self.salt, code)) and self.is_sealed()


class MFAReset(SealedRow):
    """An operator's request to reset somebody's second factor, which that person sees: see `faceauth.mfa.resets`."""

    SEALED = ("user", "due", "done", "stopped")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="mfa_resets", verbose_name=_("user")
    )
    at = models.DateTimeField(_("requested"), default=timezone.now)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    """Empty only in rows from before reasons were asked for."""
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("requested by")
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("approved by")
    )
    due = models.DateTimeField(_("takes effect"), null=True)
    """None until a second operator approves it, if one must."""
    done = models.DateTimeField(_("done"), null=True)
    stopped = models.DateTimeField(_("stopped by the person"), null=True)

    class Meta:
        verbose_name = _("second-factor reset")
        verbose_name_plural = _("second-factor resets")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return str(localize(timezone.localtime(self.at)))


class PhotoLogin(SealedRow):
    """What a photo of a person may open, by their choice and by how they have proved themselves so far.

    Everybody who has a face here has this row: without it nothing would tell that a second factor was deleted.
    """

    SEALED = ("user", "choice", "enrolled_by_photo", "liveness_passed", "superseded", "has_mfa", "device_check")

    class Choice(models.TextChoices):
        OPEN = "open", _("A photo opens my notebook where this site allows it.")
        WITH_MFA = "with_mfa", _("A photo opens my notebook only with my second factor or on a trusted device.")
        NEVER = "never", _("A photo never opens my notebook.")

    class DeviceCheck(models.TextChoices):
        """`faceauth.liveness.requests.Kind`, as people read it."""

        GLANCE = "glance", _("A glance: no movement. The fastest, but a photo held before the camera may pass.")
        SINGLE = "single", _("One movement of the head.")
        FULL = "full", _("The full check, as on a new device. The slowest, and the safest.")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="photo_login", verbose_name=_("user")
    )
    choice = models.CharField(_("choice"), max_length=16, choices=Choice.choices, default=Choice.OPEN)
    enrolled_by_photo = models.BooleanField(_("enrolled by a photo"), default=False)
    returned = models.BooleanField(_("came back"), default=False)
    """Whether somebody who was enrolled by a photo has signed in again."""
    counted = models.BooleanField(_("takes up a place"), default=True)
    """Whether they count among the people whom the odds allow: not before somebody enrolled by a photo comes back."""
    liveness_passed = models.DateTimeField(_("first liveness check"), null=True, blank=True)
    """When the person first passed a liveness check. From then on a photo alone opens nothing elsewhere."""
    account_made = models.BooleanField(_("account made by an enrolment"), default=False)
    """Whether the account began with the face. Others were here before, and stay when the face goes."""
    superseded = models.BooleanField(_("photos only"), default=False)
    """Whether a liveness check never matches this notebook: a photo made it, and whoever the photo shows is, or has,
    somebody else here."""
    device_check = models.CharField(
        _("check on trusted devices"), max_length=16, choices=DeviceCheck.choices, default=DeviceCheck.SINGLE
    )
    has_mfa = models.BooleanField(_("has a second factor"), default=False)

    class Meta:
        verbose_name = _("photo sign-in choice")
        verbose_name_plural = _("photo sign-in choices")

    def __str__(self) -> str:
        return self.choice

    @classmethod
    def of(cls, user_id: Any) -> "PhotoLogin":
        return cls.believed(user_id, cls.objects.filter(user_id=user_id).first())

    @classmethod
    def believed(cls, user_id: Any, row: "PhotoLogin | None") -> "PhotoLogin":
        """The row of a user; the strictest one where theirs was altered, or deleted while they have a face."""
        if row is not None and row.is_sealed():
            return row
        if row is None and not cls.belongs_to(user_id):
            return cls(user_id=user_id)
        if row is None:
            logger.error("row_altered: %s %s was deleted outside the site.", cls._meta.label, user_id)
        strictest = {"choice": cls.Choice.NEVER, "device_check": cls.DeviceCheck.FULL, "has_mfa": True}
        return cls(user_id=user_id, liveness_passed=timezone.now(), **strictest)

    @staticmethod
    def belongs_to(user_id: Any) -> bool:
        """Whether a user without this row has lost it."""
        linked = (apps.get_model("faceauth", name) for name in ("Face", "OperatorAccount"))
        return any(model._base_manager.filter(user_id=user_id).exists() for model in linked)

    @classmethod
    def note(cls, user_id: Any, **values: Any) -> None:
        """Change what is stated of a user."""
        with transaction.atomic():
            found = cls.objects.select_for_update().filter(user_id=user_id).first()
            row = cls.believed(user_id, found)
            for name, value in values.items():
                setattr(row, name, value)
            row.renew_seal()
            if found is not None:
                row.returned, row.account_made = found.returned, found.account_made
            row.save(force_insert=found is None, force_update=found is not None)


@receiver(post_save, sender=Face)
def begin(instance: Face, created: bool, raw: bool, **kwargs: object) -> None:
    """The first face of somebody begins what is stated of them."""
    if created and not raw and not Face.objects.filter(user_id=instance.user_id).exclude(pk=instance.pk).exists():
        PhotoLogin.objects.get_or_create(user_id=instance.user_id)

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from privatekit import rotation

NEEDED = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
)


class FaceAuthConfig(AppConfig):
    name = "faceauth"
    verbose_name = _("Sign-in by face")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """Say which apps are missing, before their models fail with a sentence that helps nobody."""
        missing = [name for name in NEEDED if not apps.is_installed(name)]
        if missing:
            raise ImproperlyConfigured(f"faceauth needs more apps. Add to INSTALLED_APPS: {', '.join(missing)}.")
        super().import_models()

    def ready(self) -> None:
        from faceauth import checks, host_checks  # noqa: F401 - registers their checks
        from faceauth.mfa import authenticators
        from faceauth.models import row_seals
        from faceauth.operators import groups
        from faceauth.privacy import deletion_ledger  # noqa: F401 - listens to deleted faces

        rotation.register("secrets of authenticator apps", authenticators.rotate_keys)
        rotation.register("seals of rows that decide who gets in", row_seals.rotate_keys)
        post_migrate.connect(groups.make_groups, sender=self)

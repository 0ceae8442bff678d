from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from privatekit import rotation


class FaceAuthConfig(AppConfig):
    name = "faceauth"
    verbose_name = _("Sign-in by face")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from faceauth import checks  # noqa: F401 - registers its checks
        from faceauth.mfa import authenticators
        from faceauth.models import row_seals
        from faceauth.operators import groups
        from faceauth.privacy import deletion_ledger  # noqa: F401 - listens to deleted faces

        rotation.register("secrets of authenticator apps", authenticators.rotate_keys)
        rotation.register("seals of rows that decide who gets in", row_seals.rotate_keys)
        post_migrate.connect(groups.make_groups, sender=self)

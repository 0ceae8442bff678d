from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from privatekit import rotation


class FaceAuthConfig(AppConfig):
    name = "faceauth"
    verbose_name = _("The door")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from faceauth import checks, groups, ledger, locks  # noqa: F401 - they register what they check and listen to

        rotation.register("secrets of authenticator apps", locks.rotate_keys)
        post_migrate.connect(groups.make_groups, sender=self)

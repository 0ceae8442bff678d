from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from privatekit import rotation


class LocalRekognitionConfig(AppConfig):
    name = "faceauth.local"
    label = "faceauth_local"
    verbose_name = _("Rekognition on this machine")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from faceauth.local.checks import check_keys  # they need the models, which are loaded only now
        from faceauth.local.key_rotation import rotate_keys

        register(check_keys)
        rotation.register("templates of faces", rotate_keys)

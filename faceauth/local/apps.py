from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class LocalRekognitionConfig(AppConfig):
    name = "faceauth.local"
    label = "faceauth_local"
    verbose_name = _("Rekognition on this machine")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from faceauth.local.checks import check_keys  # needs the models, which are loaded only now

        register(check_keys)

from django.apps import AppConfig


class FaceAuthConfig(AppConfig):
    name = "faceauth"
    verbose_name = "The door"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from faceauth import checks, ledger  # noqa: F401 - they register what they check and what they listen to

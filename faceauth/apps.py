from django.apps import AppConfig


class FaceAuthConfig(AppConfig):
    name = "faceauth"
    verbose_name = "The door"
    default_auto_field = "django.db.models.BigAutoField"

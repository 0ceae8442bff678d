from django.apps import AppConfig


class LocalRekognitionConfig(AppConfig):
    name = "faceauth.local"
    label = "faceauth_local"
    verbose_name = "Rekognition on this machine"
    default_auto_field = "django.db.models.BigAutoField"

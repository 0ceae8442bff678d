from django.apps import AppConfig

from privatekit import rotation


class NotesConfig(AppConfig):
    name = "notes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from notes import attachments, key_rotation  # noqa: F401 - their receiver and system check register themselves

        rotation.register("people's keys to their notes", key_rotation.rotate_keys)

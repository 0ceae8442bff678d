from typing import Any

from django.core.management.base import BaseCommand, CommandError

from faceauth.crypto import CannotOpen
from faceauth.mfa import authenticators


class Command(BaseCommand):
    help = (
        "Seals the secret of every one-time-code app with the first of the encryption keys. Restart the site with the"
        " new key in front and the old one behind it, then say this, beside `rotate_keys` and `rekognition_collection"
        " rotate-keys`. It can be repeated."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = authenticators.reseal()
        except CannotOpen as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} secrets are sealed with the first key.")

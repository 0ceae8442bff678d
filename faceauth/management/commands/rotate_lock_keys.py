from typing import Any

from django.core.management.base import BaseCommand, CommandError

from faceauth.crypto import CannotOpen
from faceauth.mfa import authenticators


class Command(BaseCommand):
    help = (
        "Encrypts the secrets of authenticator apps with the first encryption key. Restart the site with the new key"
        " before the old one, then run this, `rotate_keys` and `rekognition_collection rotate-keys`. It can be run"
        " again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = authenticators.reseal()
        except CannotOpen as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} secrets are encrypted with the first key.")

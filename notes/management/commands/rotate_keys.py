from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notes import key_rotation
from notes.encryption import CannotOpen


class Command(BaseCommand):
    help = (
        "Wraps every person's key to their notes by the first key of SECRETLY_ENCRYPTION_KEYS. Restart the site with"
        " the new key in front and the old one behind it, then say this. It can be repeated. Take the old key away only"
        " when the faces have left it too."
    )
    requires_system_checks = ()  # the check that names a missing key comes here as an exception

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = key_rotation.rewrap()
        except CannotOpen as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{result.moved} keys moved to the first key, {result.there} were there.")

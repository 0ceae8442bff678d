from typing import Any

from django.core.management.base import BaseCommand

from notes import trash


class Command(BaseCommand):
    help = "Deletes for good the notes that have been in the trash for thirty days. Run it once a day."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{trash.delete_expired()} notes were deleted for good.")

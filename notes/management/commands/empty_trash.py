from typing import Any

from django.core.management.base import BaseCommand

from notes import history, trash


class Command(BaseCommand):
    help = "Deletes what has been in the trash for thirty days, and earlier versions as old. Run it once a day."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{trash.delete_expired()} notes were deleted for good.")
        self.stdout.write(f"{history.delete_expired()} earlier versions were deleted.")

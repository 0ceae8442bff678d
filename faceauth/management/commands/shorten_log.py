from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from faceauth import visit_log
from faceauth.management.common import days


class Command(BaseCommand):
    help = (
        "Deletes what is older than so many days from the log of the door, with the addresses and browsers in it."
        " Meant to be said once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        least = visit_log.LEAST_DAYS
        text = f"for how many days visits stay: at least {least}, which the desk draws"
        parser.add_argument("--keep-days", type=days(least), required=True, help=text)

    def handle(self, *args: Any, keep_days: int, **options: Any) -> None:
        self.stdout.write(f"{visit_log.shorten(keep_days)} visits were deleted.")

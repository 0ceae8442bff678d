from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from faceauth.management.common import days
from faceauth.mfa import trusted_devices
from faceauth.operators import sign_ins_csv


class Command(BaseCommand):
    help = (
        "Deletes sign-ins older than the given number of days from the sign-in log, with their addresses and browsers."
        " Run it once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        least = sign_ins_csv.MIN_DAYS_KEPT
        text = f"for how many days sign-ins are kept: at least {least}, which the dashboard shows"
        parser.add_argument("--keep-days", type=days(least), required=True, help=text)

    def handle(self, *args: Any, keep_days: int, **options: Any) -> None:
        self.stdout.write(f"{sign_ins_csv.prune(keep_days)} sign-ins were deleted.")
        trusted_devices.delete_expired()

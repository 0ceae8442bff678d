from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from faceauth.management.common import days
from faceauth.mfa import trusted_devices
from faceauth.operators import sign_ins_csv


class Command(BaseCommand):
    help = (
        "Deletes what is older than so many days from the log of the door, with the addresses and browsers in it."
        " Meant to be said once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        least = sign_ins_csv.LEAST_DAYS
        text = f"for how many days visits stay: at least {least}, which the desk draws"
        parser.add_argument("--keep-days", type=days(least), required=True, help=text)

    def handle(self, *args: Any, keep_days: int, **options: Any) -> None:
        self.stdout.write(f"{sign_ins_csv.prune(keep_days)} visits were deleted.")
        trusted_devices.delete_expired()

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from faceauth import visit_log


class Command(BaseCommand):
    help = (
        "Deletes what is older than so many days from the log of the door, with the addresses and browsers in it."
        " Meant to be said once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        least = f"at least {visit_log.LEAST_DAYS}, which the desk draws"
        parser.add_argument("--keep-days", type=days, required=True, help=f"for how many days visits stay: {least}")

    def handle(self, *args: Any, keep_days: int, **options: Any) -> None:
        self.stdout.write(f"{visit_log.shorten(keep_days)} visits were deleted.")


def days(text: str) -> int:
    if not text.isdecimal() or not visit_log.LEAST_DAYS <= int(text) <= visit_log.MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is not a number of days, {visit_log.LEAST_DAYS} to {visit_log.MOST_DAYS}")
    return int(text)

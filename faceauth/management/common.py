"""Arguments and messages that several commands share."""

import uuid
from argparse import ArgumentTypeError
from collections.abc import Callable

from django.db import DatabaseError

MAX_DAYS = 36_500  # a hundred years; before the year 1 there are no dates


def days(least: int) -> Callable[[str], int]:
    """The type, for `add_argument`, of a number of days: `least` or more."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= MAX_DAYS:
            raise ArgumentTypeError(f"{text!r} is not a number of days, {least} to {MAX_DAYS}")
        return int(text)

    return parse


def face_id(text: str) -> str:
    """A FaceId is a lowercase UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a FaceId, which is a UUID") from error


def database_message(error: DatabaseError) -> str:
    return f"The database does not answer: {error}. Check that it runs, and run `manage.py migrate`."

"""What several commands are given, and say."""

from argparse import ArgumentTypeError
from collections.abc import Callable

from django.db import DatabaseError

MOST_DAYS = 36_500  # a hundred years; from two thousand on no calendar has the day any more


def days(least: int) -> Callable[[str], int]:
    """For `add_argument`: the type of a number of days, as many as that or more."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= MOST_DAYS:
            raise ArgumentTypeError(f"{text!r} is not a number of days, {least} to {MOST_DAYS}")
        return int(text)

    return parse


def unanswered(error: DatabaseError) -> str:
    return f"The database does not answer: {error}. Is it there, and was `manage.py migrate` said?"

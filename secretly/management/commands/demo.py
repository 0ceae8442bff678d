"""Fill an installation with made-up people, notes and sign-ins, and remove them again."""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from tqdm import tqdm

from faceauth.management.common import database_message
from faceauth.rekognition.errors import RekognitionError
from secretly import demo

EXAMPLES = """
examples:
  manage.py demo
  manage.py demo --people 200 --sign-ins 100000 --seed 7
  manage.py demo --faces ~/portraits
  manage.py demo --remove

exit status: 0 done, 1 failed, 2 wrong usage, 3 refused: there are people already, or nothing was confirmed,
130 interrupted
"""


class Command(BaseCommand):
    help = "Fill an empty installation with made-up people, notes and sign-ins of thirty days; --remove deletes them."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=count, default=24, help="people without a face (default: %(default)s)")
        parser.add_argument(
            "--sign-ins", type=count, default=2000, help="rows of the sign-in log (default: %(default)s)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed makes the same people (default: %(default)s)"
        )
        parser.add_argument("--faces", type=Path, metavar="FOLDER", help="make a person of each picture in it, too")
        parser.add_argument("--add", action="store_true", help="go on although there are people already")
        parser.add_argument("--remove", action="store_true", help="delete what earlier runs have made")
        parser.add_argument("--yes", action="store_true", help="with --remove: do not ask first")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.remove(options["yes"])
            return
        shown = sys.stderr.isatty() and sys.stdout.isatty()
        try:
            if demo.inhabited() and not options["add"]:
                message = "There are people already. Use an empty installation (SECRETLY_HOME), or add --add."
                raise CommandError(message, returncode=3)
            with tqdm(total=options["sign_ins"], unit=" sign-ins", leave=False, disable=not shown) as bar:
                made = demo.fill(
                    options["people"],
                    options["sign_ins"],
                    options["seed"],
                    options["faces"],
                    lambda done: bar.update(done - bar.n),
                )
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}. `demo --remove` deletes what was made.") from error
        except RekognitionError as error:
            raise CommandError(f"{error} `demo --remove` deletes what was made.") from error
        except DatabaseError as error:
            raise CommandError(database_message(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted. `demo --remove` deletes what was made.", returncode=130) from error
        for name, why in made.refused.items():
            self.stderr.write(f"{name}: {why}")
        self.stdout.write(
            f"Made {made.people} people, {made.notes} notes and {made.sign_ins:,} sign-ins.\n"
            f"\nThe dashboard: /admin/, as {made.operator} with the password {made.password}\n"
            "The password is shown only now. This operator may deactivate and forget people, and is no superuser.\n\n"
            "A notebook opens only for a face. To open one, name a folder of pictures, with one of you:\n"
            "  manage.py demo --add --faces FOLDER\n"
            "To delete all of this: manage.py demo --remove"
        )

    def remove(self, yes: bool) -> None:
        if not yes:
            question = "Delete the made-up people and all that is in their notebooks?"
            if not sys.stdin.isatty():
                raise CommandError(f"{question} There is no terminal to ask on: add --yes.", returncode=2)
            if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
                raise CommandError("Nothing was deleted.", returncode=3)
        gone = demo.remove()
        self.stdout.write(f"Deleted {gone.people} people, {gone.notes} notes and {gone.sign_ins:,} sign-ins.")


def count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)

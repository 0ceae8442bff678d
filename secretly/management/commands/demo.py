"""Fill an installation with made-up people, notes and visits, and take them away again."""

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
  manage.py demo --people 200 --visits 100000 --seed 7
  manage.py demo --faces ~/portraits
  manage.py demo --remove

exit status: 0 done, 1 broken, 2 usage, 3 no: somebody lives here already, or nothing was confirmed,
130 stopped at the keyboard
"""


class Command(BaseCommand):
    help = "Fill an empty installation with made-up people, notes and visits of thirty days; --remove takes them away."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=count, default=24, help="people without a face (default: %(default)s)")
        parser.add_argument("--visits", type=count, default=2000, help="visits to the door (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="the same number makes the same people")
        parser.add_argument("--faces", type=Path, metavar="FOLDER", help="pictures, each of which becomes a person too")
        parser.add_argument("--add", action="store_true", help="also where somebody lives already")
        parser.add_argument("--remove", action="store_true", help="take away what earlier runs have made")
        parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.remove(options["yes"])
            return
        shown = sys.stderr.isatty() and sys.stdout.isatty()
        try:
            if demo.inhabited() and not options["add"]:
                message = (
                    "Somebody lives here already. Look around on an empty installation (SECRETLY_HOME), or say --add."
                )
                raise CommandError(message, returncode=3)
            with tqdm(total=options["visits"], unit=" visits", leave=False, disable=not shown) as bar:
                made = demo.fill(
                    options["people"],
                    options["visits"],
                    options["seed"],
                    options["faces"],
                    lambda done: bar.update(done - bar.n),
                )
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}. `demo --remove` clears up.") from error
        except RekognitionError as error:
            raise CommandError(f"{error} `demo --remove` clears up.") from error
        except DatabaseError as error:
            raise CommandError(database_message(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. `demo --remove` clears up.", returncode=130) from error
        for name, why in made.refused.items():
            self.stderr.write(f"{name}: {why}")
        self.stdout.write(
            f"{made.people} people, {made.notes} notes, {made.attachments} drawings and {made.visits:,} visits are"
            " there.\n\n"
            f"The desk: /admin/, as {made.operator} with the password {made.password}\n"
            "It is told only now. This operator sees the desk and may deactivate and forget people; no superuser.\n\n"
            "A notebook opens for a face alone. To walk into one, name a folder with pictures, your own too:\n"
            "  manage.py demo --add --faces FOLDER\n"
            "Everything goes again with: manage.py demo --remove"
        )

    def remove(self, yes: bool) -> None:
        if not yes:
            question = "Remove the made-up people with all that is written in their notebooks?"
            if not sys.stdin.isatty():
                raise CommandError(f"{question} Nobody is here to answer: say --yes.", returncode=2)
            if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
                raise CommandError("Nothing was changed.", returncode=3)
        gone = demo.remove()
        self.stdout.write(f"{gone.people} people, {gone.notes} notes and {gone.visits:,} visits are gone.")


def count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)

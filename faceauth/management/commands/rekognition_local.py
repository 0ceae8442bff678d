from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceauth.local import command


class Command(BaseCommand):
    help = command.HELP

    def add_arguments(self, parser: CommandParser) -> None:
        command.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            command.serve(options, self.say)
        except command.CannotServe as error:
            raise CommandError(str(error)) from error

    def say(self, text: str) -> None:
        """At once, also into a pipe or a file: whoever started the service waits for its address."""
        self.stdout.write(text)
        self.stdout.flush()

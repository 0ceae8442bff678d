from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from faceauth.conf import conf
from faceauth.local.server import Server


class Command(BaseCommand):
    help = (
        "Serve Rekognition's face collections over HTTP, for AWS's own clients:"
        " aws --endpoint-url http://127.0.0.1:5005 rekognition list-collections"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:5005", help="ADDRESS:PORT or unix:PATH (default: %(default)s)")
        parser.add_argument("--workers", type=int, default=1, help="processes; one for each core is enough")

    def handle(self, *args: Any, bind: str, workers: int, **options: Any) -> None:
        if not conf().LOCAL_SECRET_KEYS:
            raise CommandError(
                "There are no credentials: whoever calls this service can sign in as anybody. Set"
                " REKOGNITION_LOCAL_CREDENTIALS=ACCESS_KEY_ID:SECRET_ACCESS_KEY, and give clients the same pair."
            )
        if workers < 1:
            raise CommandError("--workers is at least 1.")
        connections.close_all()  # opened by the checks; a forked worker must have its own
        self.stdout.write(f"Rekognition's face collections at {bind}. Stop with Ctrl-C.")
        Server(bind, workers).run()

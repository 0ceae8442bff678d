"""How the commands of this app report: text or JSON, a progress bar, and a question before something is destroyed."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

DONE, BROKEN, USAGE, NO, CANNOT, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit statuses. `argparse` uses 2 for usage, and shells use 128 + SIGINT for Ctrl-C."""


class ReportingCommand(BaseCommand):
    @contextmanager
    def progress(self, options: dict[str, Any], unit: str, total: int | None = None) -> Iterator[Any]:
        """A bar on a terminal; nothing in a pipe or with --json."""
        shown = sys.stderr.isatty() and sys.stdout.isatty() and not options["json"]
        with tqdm(total=total, unit=f" {unit}", leave=False, disable=not shown, file=sys.stderr) as bar:
            yield bar

    def line(self, text: str) -> None:
        """Write a line while a bar may be on the terminal."""
        with tqdm.external_write_mode(file=sys.stdout):
            self.stdout.write(text)

    def ask(self, yes: bool, question: str) -> None:
        """Go on only after a yes. Without a terminal nobody can answer, so nothing is destroyed."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{question} There is no terminal to answer: add --yes.", returncode=USAGE)
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was changed.", returncode=NO)

    def report(self, options: dict[str, Any], data: Any, text: str) -> None:
        self.stdout.write(json.dumps(data, default=str, indent=2) if options["json"] else text)

    def stream_json(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write a JSON array, a row at a time: a collection may hold millions."""
        separator = "["
        for row in rows:
            self.stdout.write(separator, ending="")
            self.stdout.write(json.dumps(row), ending="")
            separator = ",\n"
        self.stdout.write("]" if separator != "[" else "[]")

"""Measure the error rates of face recognition on a data set."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from faceauth.evaluation import labels
from faceauth.evaluation.calibrate import Report, measure, text_of
from faceauth.evaluation.dataset import NothingToMeasure
from faceauth.evaluation.det_plot import FORMATS, write_det_plot
from faceauth.evaluation.error_rates import TooFew
from faceauth.evaluation.labels import Labels, LabelsUnusable
from faceauth.vision.networks import ModelError

EXPLANATION = """
FOLDER holds a folder of pictures for each person. Where a picture shows several faces, the one nearest to the middle
counts. Pictures that cannot be used are counted and left out.

--labels names a JSON file of what is known of the pictures: one_person_two_names and relatives_or_twins (pairs of
folders), label_cannot_be_told and shows_somebody_else (pictures to leave out). Relatives are counted apart.

examples:
  manage.py calibrate people/
  manage.py calibrate people/ --json rates.json --plot det.svg
  manage.py calibrate people/ --fmr 1e-4 --fmr 2e-5
"""

INTERRUPTED = 130  # the exit status of a command that Ctrl-C ended: 128 + SIGINT


class Command(BaseCommand):
    help = "Measure false matches and false non-matches on a data set (ISO/IEC 19795-1)."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXPLANATION, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--fmr", type=rate, action="append", default=[], help="also say the threshold for this FMR")
        parser.add_argument("--labels", type=Path, metavar="FILE", help="what is known to be wrong with the pictures")
        parser.add_argument("--mean", type=Path, metavar="FILE", help="write the mean template of these people")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
        parser.add_argument("--plot", type=plot, metavar="FILE", help=f"write the DET plot ({', '.join(FORMATS)})")
        cores = os.cpu_count() or 1
        parser.add_argument("--processes", type=count, default=cores, help="how many work at once (%(default)s)")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            known = labels.read(options["labels"]) if options["labels"] else Labels()
            report = self.measured(folder, known, options["fmr"], options["processes"])
        except (NothingToMeasure, LabelsUnusable, TooFew, ModelError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=INTERRUPTED) from error
        total = report.verification.pictures + sum(report.left_out.values())
        for reason, number in report.left_out.items():
            self.stderr.write(f"{number:,} of {total:,} pictures left out: {reason}")
        self.stdout.write(text_of(report, options["fmr"]))
        write(report, options["json"], options["plot"], options["mean"])

    def measured(self, folder: Path, known: Labels, fmrs: list[float], processes: int) -> Report:
        with tqdm(unit=" pictures", leave=False, file=sys.stderr, disable=not sys.stderr.isatty()) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            return measure(folder, known=known, fmrs=fmrs, processes=processes, progress=progress)


def rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between 0 and 1, such as 1e-4")
    return value


def count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, 1 or more")
    return int(text)


def plot(text: str) -> Path:
    if not text.endswith(FORMATS):
        raise argparse.ArgumentTypeError(f"{text!r} does not end with {', '.join(FORMATS)}")
    if find_spec("matplotlib") is None:
        raise argparse.ArgumentTypeError("a plot needs matplotlib: pip install matplotlib")
    return Path(text)


def write(report: Report, figures: Path | None, picture: Path | None, mean: Path | None) -> None:
    try:
        if mean:
            mean.write_bytes(report.mean)
        if figures:
            content = {name: value for name, value in asdict(report).items() if name not in ("left_out", "mean")}
            figures.write_text(json.dumps(content, indent=2) + "\n")
        if picture:
            write_det_plot(report.verification, picture)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written ({error.strerror}).") from error

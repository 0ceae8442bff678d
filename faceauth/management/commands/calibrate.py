"""Measure the error rates of face recognition on a folder of people's folders."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceauth.evaluation import dataset, error_rates
from faceauth.evaluation.det_plot import det_svg
from faceauth.evaluation.error_rates import Identification, Rate, Verification
from faceauth.vision import ModelError

EXPLANATION = """
FOLDER holds a folder for each person, with pictures of that person in it; where a picture shows several faces, the
one nearest to its middle is meant. A picture that cannot be used is counted and left out.

The state file keeps the templates made so far, so that an interrupted run goes on where it was. Templates are
biometric data: the file is encrypted with the keys of ENCRYPTION_KEYS, and removed at the end unless --keep-state.

examples:
  manage.py calibrate people/
  manage.py calibrate people/ --state var/calibration --json rates.json --plot det.svg
  manage.py calibrate people/ --fmr 1e-4 --fmr 2e-5
"""

INTERRUPTED = 130  # the exit status of a command that Ctrl-C ended, 128 + SIGINT


class Command(BaseCommand):
    help = "Measure false matches and false non-matches on a folder of people's folders (ISO/IEC 19795-1)."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXPLANATION, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--fmr", type=rate, action="append", default=[], help="also say the threshold for this FMR")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
        parser.add_argument("--plot", type=svg, metavar="FILE.svg", help="write the DET plot as SVG")
        parser.add_argument("--state", type=Path, metavar="FILE", help="continue from here, and keep what is done here")
        parser.add_argument("--keep-state", action="store_true", help="do not remove the state file at the end")
        cores = os.cpu_count() or 1
        parser.add_argument(
            "--processes", type=count, default=cores, help="how many work at once (default: %(default)s)"
        )

    def handle(self, *args: Any, folder: Path, state: Path | None, **options: Any) -> None:
        try:
            kept = dataset.State(state) if state else None
            comparisons = self.compare(folder, kept, options["processes"])
        except (dataset.NothingToMeasure, dataset.StateUnusable, error_rates.TooFew, ModelError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            cure = (
                f"say the same with --state {state} to continue" if state else "with --state FILE it can be continued"
            )
            raise CommandError(f"Stopped; {cure}.", returncode=INTERRUPTED) from error
        verification = error_rates.verification(comparisons, options["fmr"])
        identification = error_rates.identification(comparisons, verification.thresholds)
        self.stdout.write(text_of(verification, identification, options["fmr"]))
        if options["json"]:
            figures = {"verification": asdict(verification), "identification": [asdict(row) for row in identification]}
            write(options["json"], json.dumps(figures, indent=2) + "\n")
        if options["plot"]:
            title = f"{verification.pictures:,} pictures of {verification.people:,} people"
            write(options["plot"], det_svg(verification.curve, verification.thresholds, title))
        if kept and not options["keep_state"]:
            kept.remove()

    def compare(self, folder: Path, state: dataset.State | None, processes: int) -> error_rates.Comparisons:
        found = dataset.specimens_in(folder)
        results = dataset.look_at_all(found, processes=processes, state=state, progress=self.progress(len(found)))
        used = [(made, one.person) for made, one in zip(results, found, strict=True) if not isinstance(made, str)]
        skipped = Counter(made for made in results if isinstance(made, str))
        for reason, count in skipped.most_common():
            self.stderr.write(f"{count:,} of {len(found):,} pictures left out: {reason}")
        if not used:
            raise dataset.NothingToMeasure(f"No picture in {folder} shows a face.")
        return error_rates.Comparisons(np.stack([made for made, _ in used]), np.array([person for _, person in used]))

    def progress(self, total: int) -> Any:
        """A line that counts, on a terminal alone."""
        started = time.monotonic()
        first: list[int] = []

        def show(done: int) -> None:
            if not sys.stderr.isatty():
                return
            first.append(done)
            pace = (time.monotonic() - started) / max(1, done - first[0])
            left = f", {(total - done) * pace:.0f} s left" if done > first[0] else ""
            end = "\n" if done == total else ""
            self.stderr.write(f"\r{done:,} of {total:,} pictures{left}\x1b[K", ending=end)
            self.stderr.flush()

        return show


def rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between 0 and 1, as 1e-4 is")
    return value


def count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} processes: at least one is needed")
    return int(text)


def svg(text: str) -> Path:
    if not text.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"{text!r}: the plot is an SVG, so its file is named .svg")
    return Path(text)


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}).") from error


# What is printed ------------------------------------------------------------------------------------------------------


def text_of(verification: Verification, identification: list[Identification], wanted: list[float]) -> str:
    lines = [
        f"{verification.pictures:,} pictures of {verification.people:,} people.",
        f"{verification.impostor_comparisons:,} impostor and {verification.genuine_comparisons:,} genuine comparisons.",
        "Intervals hold 95 % (bootstrap over people); 'people' counts each person once.",
        "",
        f"{'similarity':>10}  {'cosine':>7}  {'FMR':^30}  {'FNMR %':^22}  {'FNMR % (people)':^22}",
    ]
    lines += [
        f"{at.similarity:>10g}  {at.cosine:>7.4f}  {scientific(at.fmr):>30}  {percent(at.fnmr):>22}"
        f"  {percent(at.fnmr_of_people):>22}"
        for at in verification.thresholds
    ]
    lines += ["", f"{'FMR':>10}  {'cosine':>7}  {'similarity':>10}  {'FNMR %':>7}  {'people':>7}"]
    lines += [
        f"{at.fmr:>10.1e}  {at.cosine:>7.4f}  {at.similarity:>10.2f}  {100 * at.fnmr:>7.2f}"
        f"  {100 * at.fnmr_of_people:>7.2f}"
        for at in verification.curve
    ]
    lines += [
        f"{fmr:>10.1e}  cannot be measured: that takes {3 / fmr:,.0f} impostor comparisons"
        for fmr in wanted
        if not any(at.fmr == fmr for at in verification.curve)
    ]
    lines += [
        "",
        f"Searching one picture among many people, {error_rates.DRAWS} random draws; intervals hold 95 % of them.",
        f"{'enrolled':>10}  {'similarity':>10}  {'FPIR %':^22}  {'expected':>8}  {'FNIR %':^22}",
    ]
    lines += [
        f"{row.enrolled:>10,}  {row.similarity:>10g}  {percent(row.fpir):>22}  {100 * row.fpir_expected:>8.2f}"
        f"  {percent(row.fnir):>22}"
        for row in identification
    ]
    return "\n".join(lines)


def percent(rate: Rate) -> str:
    return f"{100 * rate.value:.2f} [{100 * rate.low:.2f}, {100 * rate.high:.2f}]"


def scientific(rate: Rate) -> str:
    return f"{rate.value:.2e} [{rate.low:.2e}, {rate.high:.2e}]"

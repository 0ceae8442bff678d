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

from faceauth import mean_template, vision
from faceauth.evaluation import labels
from faceauth.evaluation.labels import Labels
from faceauth.local import calibration, specimens
from faceauth.local.calibration import Identification, Rate, Relatives, Verification
from faceauth.local.det import det_svg
from faceauth.local.specimens import Specimen
from faceauth.vision import ModelError, Template

EXPLANATION = """
FOLDER holds a folder for each person, with pictures of that person in it; where a picture shows several faces, the
one nearest to its middle is meant. A picture that cannot be used is counted and left out.

The state file keeps the templates made so far, so that an interrupted run goes on where it was. Templates are
biometric data: the file is encrypted with the keys of ENCRYPTION_KEYS, and removed at the end unless --keep-state.

--labels names a JSON file of what is known of the pictures: one_person_two_names and relatives_or_twins (pairs of
folders), label_cannot_be_told and shows_somebody_else (pictures to leave out). Relatives are counted apart.

examples:
  manage.py calibrate people/
  manage.py calibrate people/ --state var/calibration --json rates.json --plot det.svg
  manage.py calibrate people/ --fmr 1e-4 --fmr 2e-5
"""

UNUSABLE = (
    specimens.NothingToMeasure,
    specimens.StateUnusable,
    labels.LabelsUnusable,
    calibration.TooFew,
    ModelError,
)

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
        parser.add_argument("--labels", type=Path, metavar="FILE", help="what is known to be wrong with the pictures")
        parser.add_argument("--mean", type=Path, metavar="FILE", help="write the mean template of these people")
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
            kept = specimens.State(state) if state else None
            known = labels.read(options["labels"]) if options["labels"] else Labels()
            found, made = self.look_at(folder, known, kept, options["processes"])
            comparisons = calibration.Comparisons(
                np.stack(made), np.array([one.person for one in found]), labels.related(found, known)
            )
        except UNUSABLE as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            cure = (
                f"say the same with --state {state} to continue" if state else "with --state FILE it can be continued"
            )
            raise CommandError(f"Stopped; {cure}.", returncode=INTERRUPTED) from error
        if options["mean"]:
            write(options["mean"], mean_file(comparisons, folder.name))
        self.show(comparisons, options)
        if kept and not options["keep_state"]:
            kept.remove()

    def show(self, comparisons: calibration.Comparisons, options: dict[str, Any]) -> None:
        verification = calibration.verification(comparisons, options["fmr"])
        identification = calibration.identification(comparisons, verification.thresholds)
        relatives = calibration.relatives(comparisons)
        self.stdout.write(text_of(verification, identification, relatives, options["fmr"]))
        if options["json"]:
            figures = {
                "verification": asdict(verification),
                "identification": [asdict(row) for row in identification],
                "relatives": [asdict(row) for row in relatives],
            }
            write(options["json"], json.dumps(figures, indent=2) + "\n")
        if options["plot"]:
            title = f"{verification.pictures:,} pictures of {verification.people:,} people"
            write(options["plot"], det_svg(verification.curve, verification.thresholds, title))

    def look_at(
        self, folder: Path, known: Labels, state: specimens.State | None, processes: int
    ) -> tuple[list[Specimen], list[Template]]:
        """The pictures of the folder that can be used, and their templates."""
        everything = specimens.specimens_in(folder)
        found = labels.applied(everything, known)
        if len(found) < len(everything):
            self.stderr.write(f"{len(everything) - len(found):,} of {len(everything):,} pictures left out: labels")
        results = specimens.look_at_all(found, processes=processes, state=state, progress=self.progress(len(found)))
        used = [(one, made) for one, made in zip(found, results, strict=True) if not isinstance(made, str)]
        skipped = Counter(made for made in results if isinstance(made, str))
        for reason, count in skipped.most_common():
            self.stderr.write(f"{count:,} of {len(found):,} pictures left out: {reason}")
        if not used:
            raise specimens.NothingToMeasure(f"No picture in {folder} shows a face.")
        return [one for one, _ in used], [made for _, made in used]

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


def mean_file(comparisons: calibration.Comparisons, name: str) -> str:
    """What `vision.MEAN` is: the mean of templates as SFace makes them, before any mean is subtracted."""
    plain = mean_template.uncentred(comparisons.templates, vision.mean())
    people = [plain[comparisons.people == person] for person in range(len(comparisons.pictures))]
    origin = {
        "what": "the mean over people of the mean of each one's templates of unit length",
        "pictures": f"{len(plain)} of {len(people)} people in {name}",
        "network": vision.RECOGNISER,
        "made by": f"manage.py calibrate {name} --labels {name}-labels.json --mean FILE",
    }
    return mean_template.written(mean_template.mean_of(people), origin).decode()


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}).") from error


# What is printed ------------------------------------------------------------------------------------------------------


def text_of(
    verification: Verification,
    identification: list[Identification],
    relatives: list[Relatives],
    wanted: list[float],
) -> str:
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
    lines += (
        [
            "",
            f"{relatives[0].pairs} pairs of relatives are not among these impostors.",
            f"{'similarity':>10}  {'reached by % of their comparisons':>33}  {'by any of a pair':>16}",
        ]
        if relatives
        else []
    )
    lines += [f"{row.similarity:>10g}  {100 * row.share:>33.1f}  {row.any_picture:>16}" for row in relatives]
    lines += [
        "",
        f"Searching one picture among many people, {calibration.DRAWS} random draws; intervals hold 95 % of them.",
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

"""Several appearances or one: `python -m benchmarks.appearances FOLDER`, with a folder of pictures for each person.

Templates and their mean are the site's own. People with six pictures or more are enrolled from their first one or
three, and sign in with one or three of the next. The pictures of everybody else, and of the other enrolled people, are
impostors, alone and in threes. docs/looks.md has the figures.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray

from faceauth.vision import similarity

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.settings")
django.setup()

from faceauth.evaluation import dataset  # noqa: E402
from faceauth.local.operations.users import mean  # noqa: E402

Templates = NDArray[np.float32]

FMRS = (1e-4, 1e-5)
THRESHOLD = 90.0  # at which faces and vectors are compared
NEEDED = 6


@dataclass(frozen=True, slots=True)
class Row:
    enrolled: int
    shown: int
    genuine: int
    impostors: int
    fnmr: dict[float, float]
    """By the false match rate at which it was measured."""
    fnmr_at_threshold: float
    fmr_at_threshold: float


def templates_of(folder: Path, processes: int) -> list[list[Templates]]:
    """The templates of each person, in the order of their pictures' names; pictures without a face are left out."""
    found = dataset.samples_in(folder)
    results = dataset.templates_of(found, processes=processes)
    people: dict[int, list[Templates]] = {}
    for one, result in zip(found, results, strict=True):
        if not isinstance(result, str):
            people.setdefault(one.person, []).append(result)
    return list(people.values())


def measure(people: Sequence[list[Templates]], enrolled: int, shown: int) -> Row:
    known = [(number, pictures) for number, pictures in enumerate(people) if len(pictures) >= NEEDED]
    vectors = np.stack([mean(pictures[:enrolled]) for _, pictures in known])
    genuine = np.array(
        [vector @ mean(pictures[3 : 3 + shown]) for vector, (_, pictures) in zip(vectors, known, strict=True)]
    )
    owners = np.array([number for number, _ in known])
    attempts, whose = [], []
    for number, pictures in enumerate(people):
        for start in range(0, len(pictures) - shown + 1, shown):
            attempts.append(mean(pictures[start : start + shown]))
            whose.append(number)
    cosines = vectors @ np.stack(attempts).T
    impostors = np.sort(cosines[owners[:, None] != np.array(whose)[None, :]])
    fnmr = {fmr: float(np.mean(genuine <= impostors[-1 - int(fmr * impostors.size)])) for fmr in FMRS}
    least = similarity.to_cosine(THRESHOLD)
    return Row(
        enrolled,
        shown,
        genuine.size,
        impostors.size,
        fnmr,
        float(np.mean(genuine < least)),
        float(np.mean(impostors >= least)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.appearances", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    people = templates_of(arguments.folder, arguments.processes)
    print(f"| enrolled from | shown | {' | '.join(f'FNMR at FMR {fmr:g}' for fmr in FMRS)} | FNMR at 90 | FMR at 90 |")
    print("| --- " * (4 + len(FMRS)) + "|")
    for enrolled, shown in ((1, 1), (1, 3), (3, 1), (3, 3)):
        row = measure(people, enrolled, shown)
        rates = " | ".join(f"{100 * row.fnmr[fmr]:.1f} %" for fmr in FMRS)
        at_threshold = f"{100 * row.fnmr_at_threshold:.1f} % | {row.fmr_at_threshold:.1e}"
        print(f"| {enrolled} | {shown} | {rates} | {at_threshold} |")
    row = measure(people, 1, 1)
    print(f"\n{row.genuine} people enrolled, {row.impostors:,} impostor comparisons with one picture shown.")


if __name__ == "__main__":
    main()

"""Searching for a picture among many people, in the terms of ISO/IEC 19795-1.

The false positive and the false negative identification rate (FPIR, FNIR) against the number of people enrolled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceauth.evaluation.error_rates import LEVEL, SEED, AtThreshold, Comparisons, Floats, Rate

ENROLLED = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
DRAWS = 100


@dataclass(frozen=True, slots=True)
class Identification:
    """Searches among `enrolled` people with one picture each; the best match counts from this similarity on."""

    enrolled: int
    similarity: float
    fpir: Rate
    """Of the searches for somebody who is not enrolled, those that return anybody."""
    fnir: Rate
    """Of the searches for somebody who is, those that return nobody, or somebody else first."""
    fpir_expected: float
    """1 - (1 - FMR) ^ enrolled: the FPIR if comparisons were independent."""


def identification(comparisons: Comparisons, thresholds: Sequence[AtThreshold]) -> list[Identification]:
    """FPIR and FNIR as people are enrolled, over DRAWS random choices of people and pictures.

    Up to three quarters of the people are enrolled with one picture. Each of them searches with another picture, and
    everybody else with one. The intervals hold 95 % of the draws.
    """
    everybody = len(comparisons.pictures)
    sizes = [size for size in ENROLLED if size <= everybody * 3 // 4] or [max(1, everybody // 2)]
    cosines = np.array([at.cosine for at in thresholds])
    random = np.random.default_rng(SEED)
    found = []
    for size in sizes:
        draws = np.stack([draw(comparisons, size, cosines, random) for _ in range(DRAWS)])  # (draws, 2, thresholds)
        for t, at in enumerate(thresholds):
            fpir, fnir = (rate_of(draws[:, k, t]) for k in range(2))
            found.append(Identification(size, at.similarity, fpir, fnir, 1 - (1 - at.fmr.value) ** size))
    return found


def draw(comparisons: Comparisons, size: int, cosines: Floats, random: np.random.Generator) -> Floats:
    """FPIR and FNIR at each cosine, (2, cosines), of one random choice; NaN where nobody searched."""
    shuffled = random.permutation(len(comparisons.people))
    owners = comparisons.people[shuffled]
    # The first and the second picture of each person in this order; people in the order of their first picture.
    _, first = np.unique(owners, return_index=True)
    people = owners[np.sort(first)]
    later = np.setdiff1d(np.arange(len(owners)), first)
    again, second = np.unique(owners[later], return_index=True)
    second_of = dict(zip(again.tolist(), shuffled[later[second]].tolist(), strict=True))
    enrolled, strangers = people[:size], people[size:]
    first_of = shuffled[first]  # by person
    gallery = comparisons.templates[first_of[enrolled]].T
    mates = [(place, second_of[person]) for place, person in enumerate(enrolled.tolist()) if person in second_of]

    rates = np.full((2, len(cosines)), np.nan)
    if len(strangers):
        best = (comparisons.templates[first_of[strangers]] @ gallery).max(axis=1)
        rates[0] = (best[:, np.newaxis] >= cosines).mean(axis=0)
    if mates:
        places, probes = np.array(mates).T
        scores = comparisons.templates[probes] @ gallery
        right = scores.argmax(axis=1) == places
        rates[1] = 1 - (right[:, np.newaxis] & (scores.max(axis=1)[:, np.newaxis] >= cosines)).mean(axis=0)
    return rates


def rate_of(draws: Floats) -> Rate:
    seen = draws[~np.isnan(draws)]
    if not len(seen):
        return Rate(float("nan"), float("nan"), float("nan"))
    return Rate(float(seen.mean()), *map(float, np.percentile(seen, LEVEL)))

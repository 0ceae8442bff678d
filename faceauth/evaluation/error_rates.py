"""How well templates tell people apart, in the terms of ISO/IEC 19795-1.

`verification` compares two pictures: the false match rate (FMR) and the false non-match rate (FNMR) at a threshold.

Intervals are of 95 %, from 1,000 bootstrap samples of people. Comparisons that share a person are not independent, so
a binomial interval would be several times too narrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceauth.vision.similarity import from_cosine, to_cosine

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Templates = NDArray[np.float32]

THRESHOLDS = (80.0, 85.0, 90.0, 95.0, 99.0)
# For the plot; similarity.CURVE has the cosines measured at some of these.
CURVE_FMR = tuple(10 ** (-step / 2) for step in range(1, 13))

REPLICATES = 1000
LEVEL = (2.5, 97.5)  # percentiles
BINS = 20_000  # of the cosine, from -1 to 1: thresholds are read to 0.0001
BLOCK = 1024  # templates compared with all others at a time: the cosines of 13,000 then need 50 MB and not 700
SEED = 19795  # the same pictures give the same figures


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate, 0 to 1, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """The error rates where a similarity (0 to 100) of this or more is a match."""

    similarity: float
    cosine: float
    fmr: Rate
    fnmr: Rate
    """Of all genuine comparisons: a person with many pictures weighs more."""
    fnmr_of_people: Rate
    """The mean over people: each weighs the same."""


@dataclass(frozen=True, slots=True)
class AtFmr:
    """The lowest threshold with at most this FMR, and its FNMR."""

    fmr: float
    cosine: float
    similarity: float
    fnmr: float
    fnmr_of_people: float


@dataclass(frozen=True, slots=True)
class Verification:
    people: int
    pictures: int
    impostor_comparisons: int
    genuine_comparisons: int
    thresholds: list[AtThreshold]
    curve: list[AtFmr]


@dataclass(frozen=True, slots=True)
class Relatives:
    """Of the pairs of relatives, the share that reaches a similarity: of comparisons, each pair counting once."""

    similarity: float
    pairs: int
    share: float
    any_picture: int
    """Pairs of whom at least one comparison reaches it."""


class TooFew(Exception):
    """Not enough people or pictures; the message says what is missing."""


class Block(NamedTuple):
    """The cosines of some templates (rows) with all (columns)."""

    rows: Integers
    cosines: NDArray[np.float32]
    genuine: Flags
    impostor: Flags
    """With `genuine`, every pair once and none with itself."""


class Comparisons:
    """All comparisons between templates, (n, 128) of unit length, of people, (n,) any integers. Raises TooFew.

    Pairs of relatives are told apart worse than strangers are: their comparisons are counted by themselves.
    """

    def __init__(self, templates: Templates, people: Integers, relatives: Sequence[tuple[int, int]] = ()) -> None:
        self.templates = np.ascontiguousarray(templates, np.float32)
        names, self.people = np.unique(people, return_inverse=True)
        places = {int(name): place for place, name in enumerate(names)}
        self.relatives = [(places[a], places[b]) for a, b in relatives if a in places and b in places]
        self.pictures = np.bincount(self.people, minlength=1)
        if len(names) < 2:
            raise TooFew("Fewer than two people have a usable picture, so there are no impostor comparisons.")
        if self.pictures.max() < 2:
            raise TooFew("Nobody has two usable pictures, so there are no genuine comparisons.")
        self.genuine_of_people = self.pictures * (self.pictures - 1) // 2
        histogram = np.zeros(BINS, np.int64)
        cosines, owners = [], []
        for block in self.blocks():
            impostors = block.cosines[block.impostor].astype(np.float64)
            bins = np.clip((impostors + 1) * (BINS / 2), 0, BINS - 1).astype(np.int64)
            histogram += np.bincount(bins, minlength=BINS)
            cosines.append(block.cosines[block.genuine])
            owners.append(self.people[block.rows[block.genuine.nonzero()[0]]])
        self.genuine_cosines = np.concatenate(cosines).astype(np.float64)
        self.genuine_people = np.concatenate(owners)
        self.impostors_above = histogram[::-1].cumsum()[::-1]
        """How many impostor comparisons have a cosine in this bin or above."""
        self.impostors = int(self.impostors_above[0])
        if not self.impostors:
            raise TooFew("All people are relatives, so there are no impostor comparisons.")

    def blocks(self) -> Iterator[Block]:
        everybody = np.arange(len(self.people))
        for start in range(0, len(everybody), BLOCK):
            rows = everybody[start : start + BLOCK]
            same = self.people[rows, np.newaxis] == self.people
            once = rows[:, np.newaxis] < everybody
            impostor = ~same & once & ~self.of_relatives(rows)
            yield Block(rows, self.templates[rows] @ self.templates.T, same & once, impostor)

    def of_relatives(self, rows: Integers) -> Flags:
        """Which comparisons of these templates with all are of relatives."""
        found = np.zeros((len(rows), len(self.people)), np.bool_)
        for pair in self.relatives:
            for one, other in (pair, pair[::-1]):
                found[np.ix_(self.people[rows] == one, self.people == other)] = True
        return found

    def cosines_of_relatives(self) -> list[NDArray[np.float32]]:
        """Of each pair of relatives, all their comparisons."""
        return [
            (self.templates[self.people == one] @ self.templates[self.people == other].T).ravel()
            for one, other in self.relatives
        ]

    def cosine_for(self, fmr: float) -> float:
        """The lowest cosine (to 0.0001) that at most this share of the impostor comparisons reaches."""
        above = np.append(self.impostors_above, 0)
        return float(2 * np.argmax(above <= fmr * self.impostors) / BINS - 1)

    def false_non_matches(self, cosine: float) -> Floats:
        """How many genuine comparisons of each person are below."""
        below = (self.genuine_cosines < cosine).astype(np.float64)
        return np.asarray(np.bincount(self.genuine_people, below, minlength=len(self.pictures)), np.float64)

    def close_impostors(self, cosine: float) -> tuple[Integers, Integers, Floats]:
        """The impostor comparisons at or above, highest first: both people and the cosine."""
        first, second, cosines = [], [], []
        for block in self.blocks():
            rows, columns = np.nonzero(block.impostor & (block.cosines >= cosine))
            first.append(self.people[block.rows[rows]])
            second.append(self.people[columns])
            cosines.append(block.cosines[rows, columns].astype(np.float64))
        found = np.concatenate(cosines)
        order = np.argsort(-found)
        return np.concatenate(first)[order], np.concatenate(second)[order], found[order]


# Comparing two pictures -----------------------------------------------------------------------------------------------


def verification(comparisons: Comparisons, wanted: Sequence[float] = ()) -> Verification:
    """Error rates at THRESHOLDS, and the thresholds for the FMRs of CURVE_FMR and the wanted ones.

    An FMR is left out where fewer than three false matches are to be expected (the rule of three).
    """
    rates = sorted({*CURVE_FMR, *wanted}, reverse=True)
    return Verification(
        people=len(comparisons.pictures),
        pictures=len(comparisons.people),
        impostor_comparisons=comparisons.impostors,
        genuine_comparisons=len(comparisons.genuine_cosines),
        thresholds=at_thresholds(comparisons),
        curve=[at_fmr(comparisons, fmr) for fmr in rates if fmr * comparisons.impostors >= 3],
    )


def at_fmr(comparisons: Comparisons, fmr: float) -> AtFmr:
    cosine = comparisons.cosine_for(fmr)
    below = comparisons.false_non_matches(cosine)
    genuine = comparisons.genuine_of_people
    return AtFmr(
        fmr=fmr,
        cosine=cosine,
        similarity=from_cosine(cosine),
        fnmr=float(below.sum() / genuine.sum()),
        fnmr_of_people=float((below[genuine > 0] / genuine[genuine > 0]).mean()),
    )


def at_thresholds(comparisons: Comparisons) -> list[AtThreshold]:
    cosines = [to_cosine(threshold) for threshold in THRESHOLDS]
    first, second, close = comparisons.close_impostors(min(cosines))
    matches = np.searchsorted(-close, [-cosine for cosine in cosines], side="right")
    below = np.stack([comparisons.false_non_matches(cosine) for cosine in cosines], axis=1)
    genuine = comparisons.genuine_of_people
    several = genuine > 0
    shares = below[several] / genuine[several, np.newaxis]

    def rates(weights: Floats | Integers) -> Floats:
        """FMR, FNMR and FNMR of people, (3, thresholds), with each person counted `weights` times."""
        alike = np.concatenate([[0], (weights[first] * weights[second]).cumsum()])[matches]
        pictures = weights * comparisons.pictures
        related = sum(pictures[one] * pictures[other] for one, other in comparisons.relatives)
        impostors = (pictures.sum() ** 2 - (pictures**2).sum()) / 2 - related  # none between two copies of a person
        with np.errstate(invalid="ignore", divide="ignore"):  # a sample without such comparisons: NaN, left out below
            fnmr = weights @ below / (weights @ genuine)
            fnmr_of_people = weights[several] @ shares / weights[several].sum()
            return np.stack([alike / impostors, fnmr, fnmr_of_people])

    everybody = len(comparisons.pictures)
    values = rates(np.ones(everybody))
    random = np.random.default_rng(SEED)
    samples = (random.integers(everybody, size=everybody) for _ in range(REPLICATES))
    drawn = np.stack([rates(np.bincount(sample, minlength=everybody)) for sample in samples])
    low, high = np.nanpercentile(drawn, LEVEL, axis=0)
    # Where no error was seen, every sample says 0: the rule of three over people gives the upper end.
    nothing = np.array([3 / (everybody * (everybody - 1) / 2), *[3 / several.sum()] * 2])
    high = np.where(values == 0, np.minimum(1, nothing)[:, np.newaxis], high)
    return [
        AtThreshold(threshold, cosine, *(Rate(*map(float, (values[k, t], low[k, t], high[k, t]))) for k in range(3)))
        for t, (threshold, cosine) in enumerate(zip(THRESHOLDS, cosines, strict=True))
    ]


def relatives(comparisons: Comparisons) -> list[Relatives]:
    """How relatives compare at THRESHOLDS; nothing where none are known."""
    pairs = comparisons.cosines_of_relatives()
    found = []
    for threshold in THRESHOLDS if pairs else ():
        shares = [float((one >= to_cosine(threshold)).mean()) for one in pairs]
        found.append(Relatives(threshold, len(pairs), float(np.mean(shares)), sum(share > 0 for share in shares)))
    return found

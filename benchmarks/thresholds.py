"""The odds of a stranger: `python -m benchmarks.thresholds FOLDER --labels FILE`.

Three tables: how rarely strangers reach a cosine with somebody who is known by one picture, or by several of several
days, with the upper end of the 95 % interval, of which policy.false_matches is made; what frames of one occasion
change; and the same by group, where --groups names them (benchmarks/groups.py). What it costs who belongs here:
benchmarks/visitors.py. Each pair of people counts once. docs/measurements/recognition.md has the figures.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import numpy as np

from faceauth.vision import similarity

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.settings")
django.setup()

from benchmarks.people import Floats, Indices, Set, Templates, mean_of, missed, parser, part, read_as_told  # noqa: E402
from faceauth.policy import false_matches  # noqa: E402

REPLICATES = 1000
SEED = 19795
MAX_FACES = 10  # that a person may be known by
BLOCK = 2048
OCCASION = 0.8  # cosine of all of three pictures: as alike as those of one occasion are
LEAST = 0.29  # cosine from which comparisons are kept


# How rarely strangers match -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """Those who are known: `rows` are templates, of which those from each of `starts` on belong together."""

    rows: Templates
    starts: Indices
    owners: Indices
    """Whose they are, one for each of `starts`."""


def by_one(these: Set) -> Known:
    """Everybody by each of their pictures."""
    return Known(these.templates, np.arange(len(these.templates)), these.owners)


def by_occasion(these: Set) -> Known:
    """The same, by two frames of one occasion: the picture and its mirror image stand for them, and their mean."""
    means = np.stack([mean_of(np.stack(pair)) for pair in zip(these.templates, these.mirrored, strict=True)])
    rows = np.stack([these.templates, these.mirrored, means], axis=1).reshape(-1, these.templates.shape[1])
    return Known(rows, np.arange(0, len(rows), 3), these.owners)


def by_several(these: Set) -> Known:
    """Everybody with two pictures or more by up to ten of them, and by the mean of these."""
    random = np.random.default_rng(SEED)
    people = np.flatnonzero(these.counts >= 2)
    taken = [random.permutation(these.of(person))[:MAX_FACES] for person in people]
    faces = [these.templates[one] for one in taken]
    rows = np.concatenate([np.concatenate([one, mean_of(one)[np.newaxis]]) for one in faces])
    starts = np.cumsum([0, *(len(one) + 1 for one in faces[:-1])])
    return Known(rows, starts, people)


@dataclass(frozen=True, slots=True)
class Matches:
    """Comparisons of strangers from the highest cosine down; `pairs` is of how many pairs of people."""

    cosines: Floats
    a: Indices
    b: Indices
    weights: Floats
    """The share that each comparison has in all of its pair."""
    enrolled: Indices
    people: int

    @property
    def pairs(self) -> float:
        return pairs_of(np.ones(self.people), self.enrolled)

    def at(self, cosines: Sequence[float]) -> Indices:
        """How many of the comparisons reach each of these."""
        return np.searchsorted(-self.cosines, -np.asarray(cosines), side="right")


def pairs_of(times: Floats, enrolled: Indices) -> float:
    """How many pairs of people there are of whom one at least is enrolled, where each comes so many times."""
    here = times[enrolled].sum()
    return float(here * (times.sum() - here) + (here**2 - (times[enrolled] ** 2).sum()) / 2)


def matches(these: Set, known: Known, with_relatives: bool = False) -> Matches:
    """Each picture of the set against everybody else who is known."""
    found = []
    for start in range(0, len(these.templates), BLOCK):
        best = np.maximum.reduceat(known.rows @ these.templates[start : start + BLOCK].T, known.starts, axis=0)
        rows, columns = np.nonzero(best >= LEAST)
        found.append((best[rows, columns].astype(np.float64), known.owners[rows], these.owners[columns + start]))
    cosines, a, b = (np.concatenate(part) for part in zip(*found, strict=True))
    return weighed(these, known, cosines, a, b, with_relatives)


def weighed(these: Set, known: Known, cosines: Floats, a: Indices, b: Indices, with_relatives: bool = False) -> Matches:
    """The comparisons of different people, in order, each pair of people counting once."""
    apart = a != b
    if not with_relatives and these.relatives:
        apart &= ~np.isin(keys(a, b), keys(*np.array(sorted(these.relatives)).T))
    cosines, a, b = cosines[apart], a[apart], b[apart]
    known_by = np.bincount(known.owners, minlength=len(these.counts))
    both = np.where(known_by[b] > 0, 2, 1)  # such a pair is compared either way
    order = np.argsort(-cosines)
    weights = 1 / (known_by[a] * these.counts[b] * both)
    return Matches(cosines[order], a[order], b[order], weights[order], np.flatnonzero(known_by), len(these.counts))


def keys(a: Indices, b: Indices) -> Indices:
    """A number for each pair of people, whichever comes first."""
    return np.asarray(np.minimum(a, b) * 1_000_000 + np.maximum(a, b), np.int64)


def rates(these: Matches, cosines: Sequence[float]) -> Iterator[tuple[float, float, int]]:
    """For each cosine the rate, the upper end of its 95 % interval, and how many pairs of people reach it.

    The upper end is the largest of three: of a bootstrap over people, of a Poisson count's (Wilson and Hilferty) for as
    many pairs as the matches are worth, and of what one pair found among all says, or none (the rule of three).
    """
    ends = these.at(cosines)
    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(REPLICATES):
        times = np.bincount(random.integers(these.people, size=these.people), minlength=these.people)
        sums = np.concatenate([[0.0], (these.weights * times[these.a] * times[these.b]).cumsum()])[ends]
        drawn.append(sums / max(pairs_of(times.astype(np.float64), these.enrolled), 1.0))
    bootstrap = np.percentile(drawn, 95, axis=0)
    pairs = these.pairs
    for k, end in enumerate(ends):
        _, place = np.unique(keys(these.a[:end], these.b[:end]), return_inverse=True)
        matched = np.bincount(place, these.weights[:end])  # the share of its comparisons that match, of each pair
        total = float(matched.sum())
        count = total**2 / float((matched**2).sum()) if end else 0.0
        poisson = most(count) * (total / count if end else 1) / pairs
        yield total / pairs, max(float(bootstrap[k]), poisson, most(min(len(matched), 1)) / pairs), len(matched)


def most(count: float) -> float:
    """The upper end of the one-sided 95 % interval of a Poisson count."""
    more = count + 1
    return float(more * (1 - 1 / (9 * more) + 1.645 / (3 * np.sqrt(more))) ** 3)


# Frames of one occasion -----------------------------------------------------------------------------------------------


def multiples(these: Set, cosines: Sequence[float]) -> Iterator[tuple[str, Floats]]:
    """How many more strangers match than of one picture with one picture, for frames of one occasion on either side.

    Mirror images stand for a second frame of everybody. As a check, pictures of one person that are as alike as frames
    are stand for three: of few people, compared with what each of these pictures does alone.
    """
    one = matches(these, by_one(these))
    base = sums(one, cosines)
    yield "known by two frames, one shown", sums(matches(these, by_occasion(these)), cosines) / base
    both = mean_of_frames(these)
    yield "known by two frames, two shown", sums(both, cosines) / base
    trios, singles = (sums(matches(these, known), cosines) for known in by_trios(these))
    with np.errstate(invalid="ignore"):  # of few people none match so closely
        yield "known by three real pictures of one occasion, one shown", trios / singles
    yield "known by several pictures, one shown", sums(matches(these, by_several(these)), cosines) / base


def by_trios(these: Set) -> tuple[Known, Known]:
    """Those with three pictures that are as alike as frames: by all three and their mean, and by one of them."""
    found: list[tuple[int, Indices]] = []
    for person in np.flatnonzero(these.counts >= 3):
        own = these.of(person)
        cosines = these.templates[own] @ these.templates[own].T
        near = np.argsort(-cosines, axis=1)[:, :3]
        least = np.array([cosines[np.ix_(three, three)].min() for three in near])
        if least.max() >= OCCASION:
            found.append((int(person), own[near[least.argmax()]]))
    people = np.array([person for person, _ in found])
    rows = [these.templates[three] for _, three in found]
    together = np.concatenate([np.concatenate([one, mean_of(one)[np.newaxis]]) for one in rows])
    alone = np.concatenate(rows)
    return (
        Known(together, np.arange(0, len(together), 4), people),
        Known(alone, np.arange(len(alone)), np.repeat(people, 3)),
    )


def sums(these: Matches, cosines: Sequence[float]) -> Floats:
    return np.asarray(np.concatenate([[0.0], these.weights.cumsum()])[these.at(cosines)] / these.pairs)


def mean_of_frames(these: Set) -> Matches:
    """As `by_occasion`, where the mean of the similarities of a picture and of its mirror image counts."""
    known = by_occasion(these)
    found = []
    for start in range(0, len(these.templates), BLOCK):
        part = slice(start, start + BLOCK)
        one, other = (
            np.maximum.reduceat(known.rows @ shown[part].T, known.starts, axis=0)
            for shown in (these.templates, these.mirrored)
        )
        best = (one + other) / 2
        rows, columns = np.nonzero(best >= LEAST)
        found.append((best[rows, columns].astype(np.float64), known.owners[rows], these.owners[columns + start]))
    cosines, a, b = (np.concatenate(part) for part in zip(*found, strict=True))
    return weighed(these, known, cosines, a, b)


# What is printed ------------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = parser("benchmarks.thresholds", __doc__.split("\n")[0])
    arguments.add_argument("--groups", type=Path, help='JSON: {"women": ["Ada_Lovelace", ...], "men": [...]}')
    told = arguments.parse_args()
    show(read_as_told(told), json.loads(told.groups.read_text()) if told.groups else {})


def show(these: Set, groups: dict[str, list[str]]) -> None:
    print(f"{len(these.templates):,} pictures of {len(these.names):,} people.\n")
    show_rates(these)
    show_multiples(these)
    show_groups(these, groups)


def show_rates(these: Set) -> None:
    cosines = list(false_matches.ONE)
    found = []
    for known, claimed in ((by_one(these), false_matches.ONE), (by_several(these), false_matches.SEVERAL)):
        apart, all_pairs = matches(these, known), matches(these, known, with_relatives=True)
        print(f"{apart.pairs:,.0f} pairs of people")
        found.append((list(rates(apart, cosines)), list(rates(all_pairs, cosines)), claimed))
    heads = " | ".join(["measured", "upper end", "pairs found", "claimed", "with relatives"] * 2)
    print(f"\n| cosine | similarity | {heads} |\n" + "| --- " * 12 + "|")
    for k, cosine in enumerate(cosines):
        cells = [
            f"{apart[k][0]:.1e} | {apart[k][1]:.2e} | {apart[k][2]} | {claimed[cosine]:.1e} | {both[k][1]:.1e}"
            for apart, both, claimed in found
        ]
        print(f"| {cosine:.4f} | {similarity.from_cosine(cosine):.2f} | {' | '.join(cells)} |", flush=True)


def show_multiples(these: Set) -> None:
    cosines = list(false_matches.ONE)[:8]
    heads = " | ".join(f"{similarity.from_cosine(cosine):.2f}" for cosine in cosines)
    print(f"\n| strangers who match, as multiples | {heads} |\n" + "| --- " * (1 + len(cosines)) + "|")
    for name, times in multiples(these, cosines):
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in times)} |", flush=True)


def show_groups(these: Set, groups: dict[str, list[str]]) -> None:
    if not groups:
        return
    print("\n| group | people | similarity | FMR | upper end | FNMR |\n" + "| --- " * 6 + "|")
    for name, people in [("everybody", these.names), *groups.items()]:
        group = part(these, np.isin(these.names, people)[these.owners])
        found = matches(group, by_one(group))
        cosines = list(false_matches.ONE)
        for cosine, (value, high, _) in zip(cosines, rates(found, cosines), strict=True):
            cells = f"{value:.1e} | {high:.1e} | {100 * missed(group, cosine):.1f} %"
            alike = similarity.from_cosine(cosine)
            print(f"| {name} | {len(group.counts):,} | {alike:.2f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()

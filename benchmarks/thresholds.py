"""The odds of a stranger, and what keeping them low costs: `python -m benchmarks.thresholds FOLDER`.

Five tables: how often two people's pictures reach a cosine, with the upper end of the 95 % interval, which is
`faceauth.policy.thresholds.BOUND`; how much likelier a match is with a person of several looks, and rarer for several frames; what
each rule for several frames costs; and what becomes of genuine visitors at the door as it is, by the number of people,
and with another margin between two of them.
Each pair of people counts once, however many pictures they have. docs/odds.md has the figures.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

from faceauth.policy import thresholds
from faceauth.vision import similarity

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.settings")
django.setup()

from django.conf import settings  # noqa: E402

from faceauth.conf import conf  # noqa: E402
from faceauth.evaluation import dataset  # noqa: E402
from faceauth.local.operations.users import mean  # noqa: E402

Templates = NDArray[np.float32]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Of Labeled Faces in the Wild: one person under two names, as the names say; and a picture labelled Jason Kapono that
# shows another player of his team, Ray Young. The two sisters Hentzen stay: they are what a sister is.
SAME_PERSON = ("John_Gruden", "Prince_Felipe", "Jason_Kapono")

REPLICATES = 1000
DRAWS = 10  # of looks to remember and frames to show
SEED = 19795
FRAMES_OF_A_PERSON = 5  # sets of frames each person shows at most
OCCASION = 0.8  # cosine of all frames of a set: as alike as pictures of one occasion are
PEOPLE = (1, 3, 10, 30, 100, 1000)


class Set:
    """Templates by person: `people[i]` has those of one person, (n, 128)."""

    def __init__(self, people: Sequence[Templates]) -> None:
        self.people = [np.asarray(one, np.float32) for one in people]
        self.counts = np.array([len(one) for one in self.people])
        self.templates = np.concatenate(self.people)
        self.owners = np.repeat(np.arange(len(people)), self.counts)

    def of(self, person: int | np.integer[Any]) -> Indices:
        return np.flatnonzero(self.owners == person)


def read(folder: Path, processes: int) -> Set:
    found = [one for one in dataset.samples_in(folder) if one.path.parent.name not in SAME_PERSON]
    results = dataset.templates_of(found, processes=processes)
    people: dict[int, list[Templates]] = {}
    for one, result in zip(found, results, strict=True):
        if not isinstance(result, str):
            people.setdefault(one.person, []).append(result)
    return Set([np.stack(one) for one in people.values()])


# One picture against one ----------------------------------------------------------------------------------------------


def close_pairs(these: Set, least: float) -> tuple[Floats, Indices, Indices, Floats]:
    """Of different people: cosines from the highest down, both people, and the weight of the comparison."""
    first, second = np.nonzero(np.triu(these.templates @ these.templates.T >= least, 1))
    a, b = these.owners[first], these.owners[second]
    other = a != b
    first, second, a, b = first[other], second[other], a[other], b[other]
    cosines = np.einsum("ij,ij->i", these.templates[first], these.templates[second]).astype(np.float64)
    order = np.argsort(-cosines)
    weights = 1 / (these.counts[a] * these.counts[b])
    return cosines[order], a[order], b[order], weights[order]


def rates(these: Set, cosines: Sequence[float]) -> Iterator[tuple[float, float, float]]:
    """For each cosine the rate, and the upper end of its 95 % interval; and of how many independent pairs it comes.

    The upper end is the larger of a bootstrap's over people and of a Poisson count's (Wilson and Hilferty), which at
    none is the rule of three.
    """
    close, a, b, weights = close_pairs(these, min(cosines))
    people = len(these.people)
    ends = np.searchsorted(-close, -np.array(cosines), side="right")

    def sums(values: Floats) -> Floats:
        return np.asarray(np.concatenate([[0.0], values.cumsum()])[ends], np.float64)

    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(REPLICATES):
        times = np.bincount(random.integers(people, size=people), minlength=people)
        drawn.append(sums(weights * times[a] * times[b]) / ((people**2 - (times**2).sum()) / 2))
    bootstrap = np.percentile(drawn, 95, axis=0)
    pairs = people * (people - 1) / 2
    for k, end in enumerate(ends):
        _, place = np.unique(a[:end] * people + b[:end], return_inverse=True)
        matched = np.bincount(place, weights[:end])  # the share of its comparisons that match, of each pair
        total = float(matched.sum())
        count = total**2 / float((matched**2).sum()) if end else 0.0
        poisson = most(count) * (total / count if end else 1) / pairs
        yield total / pairs, max(float(bootstrap[k]), poisson), count


def most(count: float) -> float:
    """The upper end of the one-sided 95 % interval of a Poisson count."""
    more = count + 1
    return float(more * (1 - 1 / (9 * more) + 1.645 / (3 * np.sqrt(more))) ** 3)


# Several looks, several frames ----------------------------------------------------------------------------------------


def enrolled(these: Set, looks: int, random: np.random.Generator) -> tuple[Indices, Floats, list[Indices]]:
    """People with so many pictures; the similarity (as a cosine) of every picture to each; and which were taken."""
    able = np.flatnonzero(these.counts >= looks)
    taken = [random.permutation(these.of(person))[:looks] for person in able]
    faces = np.stack([these.templates[one] for one in taken])
    vectors = np.stack([mean(list(one)) for one in faces])
    best = np.maximum(vectors @ these.templates.T, (faces @ these.templates.T).max(axis=1))
    return able, best.astype(np.float64), taken


def sets_of_frames(these: Set, frames: int, random: np.random.Generator) -> tuple[Indices, Indices, Floats]:
    """Who shows them, the frames, (n, frames), and the least cosine among them: each picture and those most like it."""
    who, shown, alike = [], [], []
    for person in np.flatnonzero(these.counts >= frames):
        own = these.of(person)
        cosines = these.templates[own] @ these.templates[own].T
        for one in random.permutation(len(own))[:FRAMES_OF_A_PERSON]:
            near = np.argsort(-cosines[one])[:frames]
            who.append(person)
            shown.append(own[near])
            alike.append(cosines[np.ix_(near, near)].min())
    return np.array(who), np.stack(shown), np.array(alike)


def together(cosines: Floats, threshold: float) -> Floats:
    """What `people.decide` makes of the frames, (..., frames): their mean; -1 where one is too far below."""
    value = float(similarity.from_cosine(threshold))
    least = similarity.to_cosine(thresholds.near_match_threshold(value, thresholds.Population(30, 30)))
    return np.where(cosines.min(axis=-1) >= least, cosines.mean(axis=-1), -1.0)


def relative(these: Set, looks: int, frames: int, cosines: Sequence[float], occasion: float = -1.0) -> Floats:
    """How often a stranger with so many frames matches a person of so many looks, by cosine: each pair once."""
    random = np.random.default_rng(SEED)
    total = np.zeros(len(cosines))
    for _ in range(DRAWS):
        able, best, _taken = enrolled(these, looks, random)
        who, shown, alike = sets_of_frames(these, frames, random)
        chosen = alike >= occasion
        who, shown = who[chosen], shown[chosen]
        others = able[:, np.newaxis] != who
        weights = np.broadcast_to(1 / np.bincount(who, minlength=len(these.people))[who], others.shape) * others
        each = best[:, shown]
        total += [(weights * (together(each, cosine) >= cosine)).sum() / weights.sum() for cosine in cosines]
    return total / DRAWS


def turned_away(these: Set, looks: int, frames: int, rate: float) -> dict[str, float]:
    """How many genuine visitors each rule for several frames turns away, where it lets in so many strangers."""
    random = np.random.default_rng(SEED)
    missed: dict[str, list[float]] = {name: [] for name in RULES}
    for _ in range(DRAWS):
        able, best, taken = enrolled(these, looks, random)
        who, shown, _alike = sets_of_frames(these, frames, random)
        others = able[:, np.newaxis] != who
        weights = np.broadcast_to(1 / np.bincount(who, minlength=len(these.people))[who], others.shape)[others]
        each, genuine = best[:, shown], []
        for row, (person, used) in enumerate(zip(able, taken, strict=True)):
            rest = np.setdiff1d(these.of(person), used)
            if len(rest) >= frames:
                near = np.argsort(-(these.templates[rest] @ these.templates[rest[0]]))[:frames]
                genuine.append(best[row, rest[near]])
        for name, rule in RULES.items():
            impostors = rule(each)[others]
            order = np.argsort(-impostors)
            share = weights[order].cumsum() / weights.sum()
            threshold = impostors[order][np.searchsorted(share, rate)]
            missed[name].append(float((rule(np.stack(genuine)) <= threshold).mean()))
    return {name: float(np.mean(values)) for name, values in missed.items()}


RULES: dict[str, Callable[[Floats], Floats]] = {
    "mean of cosines": lambda each: each.mean(axis=-1),
    "mean of similarities": lambda each: similarity.from_cosine(each).mean(axis=-1),
    "the least": lambda each: each.min(axis=-1),
    "the first alone": lambda each: each[..., 0],
}


# The door as it is ----------------------------------------------------------------------------------------------------


@contextmanager
def threshold_of(value: float | str) -> Iterator[None]:
    """The site's own settings, with this threshold."""
    before = settings.FACEAUTH
    settings.FACEAUTH = {**before, "THRESHOLD": value}
    conf.cache_clear()
    try:
        yield
    finally:
        settings.FACEAUTH = before
        conf.cache_clear()


def door(
    these: Set,
    looks: int,
    frames: int,
    wanted: Sequence[tuple[int, thresholds.Requirement]],
    apart: Callable[[float, float], bool] = thresholds.apart,
) -> Iterator[dict[str, float]]:
    """What becomes of genuine visitors in collections of so many people with so many looks each, for each wanted.

    Only people with enough pictures come; the rest of the collection is others, with one picture where they have no
    more. `wrong` is another's notebook.
    """
    random = np.random.default_rng(SEED)
    counts = [dict.fromkeys(OUTCOMES, 0) for _ in wanted]
    able = np.flatnonzero(these.counts >= looks + frames)
    for _ in range(DRAWS):
        taken = [random.permutation(these.of(person))[: looks + 3] for person in range(len(these.people))]
        faces = [these.templates[one[:looks]] for one in taken]
        starts = np.cumsum([0, *(len(one) for one in faces[:-1])])
        flat, vectors = np.concatenate(faces), np.stack([mean(list(one)) for one in faces])
        for person in able:
            rest = taken[person][looks:]
            near = np.argsort(-(these.templates[rest] @ these.templates[rest[0]]))[:frames]
            shown = these.templates[rest[near]].T
            each = np.maximum(vectors @ shown, np.maximum.reduceat(flat @ shown, starts)).astype(np.float64)
            crowd = np.append(person, random.permutation(np.delete(np.arange(len(these.people)), person)))
            for (people, needed), count in zip(wanted, counts, strict=True):
                count[outcome(each[crowd[:people], : needed.frames], needed, apart)] += 1
    for count in counts:
        yield {name: times / (len(able) * DRAWS) for name, times in count.items()}


OUTCOMES = ("opened", "near_match", "ambiguous", "stranger", "wrong")


def outcome(
    each: Floats, needed: thresholds.Requirement, apart: Callable[[float, float], bool] = thresholds.apart
) -> str:
    """As `people.decide` for the cosines of people (rows; the first is who stands there) to frames (columns)."""
    least = similarity.to_cosine(needed.near_match)
    found = each >= least
    rows = np.flatnonzero(found.any(axis=1))
    scores = {row: float(similarity.from_cosine(np.where(found[row], each[row], least).mean())) for row in rows}
    order = sorted(scores, key=lambda row: -scores[row])
    over = [row for row in order if scores[row] >= needed.threshold]
    if not over:
        return "near_match" if order else "stranger"
    if len(over) > 1 and not apart(scores[over[0]], scores[over[1]]):
        return "ambiguous"
    if not found[over[0]].all():
        return "near_match"
    return "wrong" if over[0] else "opened"


# What is printed ------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.thresholds", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    these = read(arguments.folder, arguments.processes)
    print(f"{len(these.templates):,} pictures of {len(these.people):,} people.\n")
    show_rates(these)
    show_relative(these)
    show_rules(these)
    show_door(these)
    show_margins(these)


def show_rates(these: Set) -> None:
    cosines = [*thresholds.BOUND, 0.55, 0.60]
    print("| cosine | similarity | measured | upper end of 95 % | pairs of people | BOUND |\n" + "| --- " * 6 + "|")
    for cosine, (value, high, count) in zip(cosines, rates(these, cosines), strict=True):
        used = thresholds.BOUND.get(cosine)
        alike = similarity.from_cosine(cosine)
        print(f"| {cosine:.4f} | {alike:.2f} | {value:.1e} | {high:.1e} | {count:.0f} | {used or '':} |")


def show_relative(these: Set) -> None:
    cosines = list(thresholds.BOUND)[:5]
    heads = " | ".join(f"{similarity.from_cosine(cosine):g}" for cosine in cosines)
    print(f"\n| looks | frames | of one occasion | {heads} |\n" + "| --- " * (3 + len(cosines)) + "|")
    one = relative(these, 1, 1, cosines)
    for looks in (1, 3, 5):
        for frames in (1, 2, 3):
            for occasion in (-1.0, OCCASION)[: 1 if frames == 1 else 2]:
                times = " | ".join(f"{value:.2f}" for value in relative(these, looks, frames, cosines, occasion) / one)
                print(f"| {looks} | {frames} | {'yes' if occasion > 0 else ''} | {times} |")


def show_rules(these: Set) -> None:
    print("\n| looks | frames | strangers let in | " + " | ".join(RULES) + " |\n" + "| --- " * (3 + len(RULES)) + "|")
    for looks in (1, 3):
        for frames in (2, 3):
            for rate in (1e-4, 1e-5):
                cells = " | ".join(f"{100 * one:.1f} %" for one in turned_away(these, looks, frames, rate).values())
                print(f"| {looks} | {frames} | {rate:g} | {cells} |", flush=True)


def show_margins(these: Set) -> None:
    """The margin between two people as it is, and as 5 points of similarity."""
    print("\n| margin | people | " + " | ".join(OUTCOMES) + " |\n" + "| --- " * (2 + len(OUTCOMES)) + "|")
    with threshold_of(90.0):
        wanted = [(people, thresholds.requirement(people)) for people in PEOPLE[2:]]
    for name, apart in (
        ("half a decade", thresholds.apart),
        ("5 points", lambda high, low: high - low >= thresholds.POINTS),
    ):
        for (people, _), share in zip(wanted, door(these, 1, 1, wanted, apart), strict=True):
            print(f"| {name} | {people} | {' | '.join(f'{100 * share[one]:.2f} %' for one in OUTCOMES)} |", flush=True)


def show_door(these: Set) -> None:
    print("\n| threshold | people | looks | shown | similarity | frames | lock | odds | " + " | ".join(OUTCOMES) + " |")
    print("| --- " * (8 + len(OUTCOMES)) + "|")
    for looks, frames in ((1, 1), (1, 3), (3, 1), (3, 3)):
        wanted: list[tuple[float | str, int, thresholds.Requirement]] = []
        for threshold in (90.0, thresholds.AUTO):
            with threshold_of(threshold):
                wanted += [
                    (threshold, people, thresholds.requirement(people, frames, people * looks)) for people in PEOPLE
                ]
        shares = door(these, looks, frames, [(people, needed) for _, people, needed in wanted])
        for (threshold, people, needed), share in zip(wanted, shares, strict=True):
            row = (threshold, people, looks, frames, f"{needed.threshold:.2f}", needed.frames, needed.lock)
            cells = [*map(str, row), f"{needed.odds:.1e}", *(f"{100 * share[name]:.2f} %" for name in OUTCOMES)]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

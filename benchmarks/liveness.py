"""How living people and attacks fare in a liveness check: `python -m benchmarks.liveness FOLDER`.

FOLDER has a folder of pictures for each person, as Labeled Faces in the Wild. First the numbers that the thresholds
were taken from; then whole checks: of people, put together from their pictures (faceauth/tests/films.py), of prints
that are held before the camera, of what a computer makes of photos (faceauth/tests/forgeries.py), and of recordings.
docs/liveness.md has the figures.

In the words of ISO/IEC 30107-3: APCER is the share of attack presentations that are taken for a living person, of one
species of attack at a time, and BPCER the share of living people's that are not.
"""

import argparse
import itertools
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import django
import numpy as np

os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"
django.setup()

from benchmarks import liveness_attacks as attacks  # noqa: E402
from benchmarks import liveness_films  # noqa: E402
from benchmarks.liveness_films import Film, attempt  # noqa: E402
from faceauth.liveness import challenge, geometry  # noqa: E402
from faceauth.liveness.challenge import Code, Kind, Observation, State  # noqa: E402
from faceauth.outcomes import Refusal  # noqa: E402
from faceauth.tests import films  # noqa: E402
from faceauth.vision import photos, similarity  # noqa: E402

PICTURES = 10  # that somebody must have
PAIRS = 8  # frontal pictures that each other one is compared with
RECORDINGS = 1000
OPENS = similarity.to_cosine(90)  # what opens a notebook where one person is enrolled, which is the least
FILMS = 2  # of each person, and of
HEADS = 4  # the attacker's own
PARTS = ("numbers", "people", "attacks", "recordings")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.liveness", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--films", type=int, default=4, help="checks of each person")
    parser.add_argument("--victims", type=int, default=24)
    parser.add_argument("--tries", type=int, default=5, help="of each species, against each victim")
    parser.add_argument("--species", default="", help="only those whose name has this")
    parser.add_argument("--kind", type=Kind, choices=Kind, default=Kind.FULL)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    if "numbers" in arguments.parts:
        numbers(arguments.folder)
    if "people" in arguments.parts:
        people(arguments.folder, arguments.films, arguments.kind)
    if "attacks" in arguments.parts:
        attack(arguments)
    if "recordings" in arguments.parts:
        for name, (recorded, hold) in attacks.RECORDINGS.items():
            states = [attacks.recording(number, recorded, hold) for number in range(RECORDINGS)]
            report(name, states, "")


# The numbers ----------------------------------------------------------------------------------------------------------


def numbers(folder: Path) -> None:
    people = {path.name: looked_at(path) for path in with_many(folder)}
    chance = np.random.default_rng(0)
    turns: dict[str, list[tuple[float, float, float]]] = {}
    for seen in people.values():
        frontal = [one for one in seen if abs(one.yaw) < 8]
        for one in seen:
            for base in chance.permutation(np.array(frontal, object))[:PAIRS]:
                if base is not one:
                    turns.setdefault(group(base, one), []).append(measure(base, one))
    print("| pose | pairs | depth, 1 % / 5 % / median | width, 1 % / 5 % / median / 99 % | cosine, 1 % / median |")
    print("| --- | --- | --- | --- | --- |")
    for name, rows in sorted(turns.items()):
        depth, width, cosine = np.array(rows).T
        print(
            f"| {name} | {len(rows)} | {percentiles(depth, 1, 5, 50)} | {percentiles(width, 1, 5, 50, 99)} |"
            f" {percentiles(cosine, 1, 50)} |"
        )
    others = [
        float(np.dot(a.template, b.template))
        for (_, one), (_, other) in itertools.combinations(people.items(), 2)
        for a, b in itertools.product(one[:6], other[:6])
    ]
    print(
        f"\nOf two people ({len(others)} pairs): cosine 99 % / 99.9 % / 99.99 %: {percentiles(others, 99, 99.9, 99.99)}"
    )


def with_many(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if len([*path.iterdir()]) >= PICTURES]


def looked_at(folder: Path) -> list[Observation]:
    found = []
    for path in sorted(folder.iterdir()):
        photo = photos.read_photo(path.read_bytes())
        if isinstance(photo, Refusal):
            continue
        seen = challenge.observe(photo.pixels, path.name, 0.0)
        if not seen.refusal:
            found.append(seen)
    return found


def group(base: Observation, one: Observation) -> str:
    if abs(one.yaw) >= geometry.TURN:
        return f"turned {int(abs(one.yaw) // 5 * 5)} to {int(abs(one.yaw) // 5 * 5) + 5} degrees"
    if abs(one.yaw) <= geometry.ASIDE and one.pitch - base.pitch >= geometry.UP:
        return "up 10 degrees or more"
    return "straight" if abs(one.yaw) <= geometry.STRAIGHT else "between"


def measure(base: Observation, one: Observation) -> tuple[float, float, float]:
    """Depth in the direction of the turn, width against what the turn explains, and the cosine of the templates."""
    before, now = geometry.points(base), geometry.points(one)
    across, down = geometry.depth(before, now)
    turned = abs(one.yaw) >= geometry.TURN
    depth = across * np.sign(one.yaw) if turned else -down
    width = geometry.width(before, now) / (np.cos(np.radians(one.yaw)) if turned else 1)
    return float(depth), float(width), float(np.dot(base.template, one.template))


def percentiles(values: object, *at: float) -> str:
    return " / ".join(f"{value:.2f}" for value in np.percentile(values, at))  # type: ignore[call-overload]


# Whole checks ---------------------------------------------------------------------------------------------------------


def people(folder: Path, each: int, kind: Kind) -> None:
    """BPCER, of everybody whose pictures show all that can be asked for."""
    states, unable, able = [], 0, 0
    for path in with_many(folder):
        actors = [films.Actor(path.name, seed, ()) for seed in range(FILMS)]
        if not actors[0].can_all:
            unable += 1
        else:
            able += 1
            recorded = [liveness_films.recorded(actor.frame) for actor in actors]
            states += (mine := [state for state, _ in tries_of(recorded, each, films.STEP, kind)])
            report(f"living: {path.name}", mine, "")
        films.pictures_of.cache_clear()
    report("living", states, f"{able} people, {unable} whose pictures do not show all")


def tries_of(given: Sequence[Film], each: int, step: float, kind: Kind) -> Iterator[tuple[State, list[Observation]]]:
    for number in range(each):
        yield attempt(given[number % len(given)], np.random.default_rng(number), step, kind)


def attack(arguments: argparse.Namespace) -> None:
    """APCER, and how many of those that pass are then recognised as the victim."""
    given = attacks.victims(arguments.folder, arguments.victims)
    ends: dict[str, list[State]] = {}
    opened: Counter[str] = Counter()
    hopeless: Counter[str] = Counter()
    own = [liveness_films.recorded(films.Actor(seed=seed).frame) for seed in range(HEADS)]
    for number, victim in enumerate(given):
        for name, film in attacks.films_of(victim, number, own[number % HEADS], arguments.species):
            ends.setdefault(name, [])
            if film is None:
                hopeless[name] += arguments.tries
                ends[name] += [State(0.0, failure=Code.UNMOVED)] * arguments.tries
                continue
            for state, best in tries_of([film], arguments.tries, attacks.STEP, arguments.kind):
                ends[name].append(state)
                opened[name] += bool(best) and victim.likeness(best[0]) >= OPENS
    for name, states in ends.items():
        low, high = bounds(opened[name], len(states))
        note = f"{opened[name]} opened ({low:.1%} to {high:.1%}), {len(given)} victims"
        report(name, states, note + (f", {hopeless[name]} without a chin that is seen" if hopeless[name] else ""))


def report(name: str, states: Iterable[State], note: str) -> None:
    looks = [*states]
    ends = Counter(str(state.failure or "passed") for state in looks)
    low, high = bounds(ends["passed"], len(looks))
    seconds = [state.finals[-1].at for state in looks if state.passed]
    lasted = f"{median(seconds):.1f} s" if seconds else ""
    rest = ", ".join(f"{count} {end}" for end, count in ends.most_common() if end != "passed")
    passed = f"{ends['passed']} of {len(looks)} ({low:.1%} to {high:.1%})"
    print(f"| {name} | {passed} | {note} | {lasted} | {rest} |", flush=True)


def bounds(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Clopper and Pearson, 1934), by halving."""

    def tail(share: float, numbers: range) -> float:
        return sum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in numbers)

    def solve(numbers: range, rises: bool) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if (tail(middle, numbers) < 0.025) == rises else (low, middle)
        return low

    lower = solve(range(count, total + 1), rises=True) if count else 0.0
    return lower, solve(range(count + 1), rises=False) if count < total else 1.0


if __name__ == "__main__":
    main()

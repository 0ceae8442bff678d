"""How living people and attacks fare in a look: `python -m benchmarks.liveness FOLDER`.

FOLDER has a folder of pictures for each person. First the numbers that the thresholds of faceauth/look.py were taken
from, of everybody with eight pictures or more; then whole looks: of people, put together from their pictures
(faceauth/tests/films.py), and of prints that are held before the camera. docs/look.md has the figures.

In the words of ISO/IEC 30107-3: APCER is the share of attack presentations that are taken for a living person, of one
species of attack at a time, and BPCER the share of living people's that are not.
"""

import argparse
import hashlib
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import django
import numpy as np

os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"
django.setup()

from faceauth.liveness import challenge  # noqa: E402
from faceauth.liveness.challenge import Ask, Observation, State  # noqa: E402
from faceauth.outcomes import Refusal  # noqa: E402
from faceauth.tests import films, heads  # noqa: E402
from faceauth.vision import photos  # noqa: E402

Showing = Callable[[Ask], bytes]

PICTURES = 8  # that somebody must have
PAIRS = 8  # frontal pictures that each other one is compared with
RECORDINGS = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.liveness", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--attempts", type=int, default=25, help="looks of each person and each species")
    parser.add_argument("--actors", nargs="+", default=["Colin_Powell", "Donald_Rumsfeld", "Junichiro_Koizumi"])
    parser.add_argument("--parts", nargs="+", choices=("numbers", "people", "attacks"), default=None)
    arguments = parser.parse_args()
    parts = arguments.parts or ("numbers", "people", "attacks")
    if "numbers" in parts:
        numbers(arguments.folder)
    if "people" in parts:
        for name in arguments.actors:
            report(
                f"living: {name}", (attempt(films.Actor(name, seed, ()).frame) for seed in range(arguments.attempts))
            )
    if "attacks" in parts:
        attacks(arguments.folder, arguments.attempts)


# The numbers ----------------------------------------------------------------------------------------------------------


def numbers(folder: Path) -> None:
    people = {path.name: looked_at(path) for path in sorted(folder.iterdir()) if len([*path.iterdir()]) >= PICTURES}
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
    if abs(one.yaw) >= challenge.TURN:
        return f"turned {int(abs(one.yaw) // 5 * 5)} to {int(abs(one.yaw) // 5 * 5) + 5} degrees"
    if abs(one.yaw) <= challenge.ASIDE and one.pitch - base.pitch >= challenge.UP:
        return "up 10 degrees or more"
    return "straight" if abs(one.yaw) <= challenge.STRAIGHT else "between"


def measure(base: Observation, one: Observation) -> tuple[float, float, float]:
    """Depth in the direction of the turn, width against what the turn explains, and the cosine of the templates."""
    before, now = challenge.points(base), challenge.points(one)
    across, down = challenge.depth(before, now)
    turned = abs(one.yaw) >= challenge.TURN
    depth = across * np.sign(one.yaw) if turned else -down
    width = challenge.width(before, now) / (np.cos(np.radians(one.yaw)) if turned else 1)
    return float(depth), float(width), float(np.dot(base.template, one.template))


def percentiles(values: object, *at: float) -> str:
    return " / ".join(f"{value:.2f}" for value in np.percentile(values, at))  # type: ignore[call-overload]


# Whole looks ----------------------------------------------------------------------------------------------------------


def attempt(showing: Showing, step: float = films.STEP) -> State:
    state = State(started=0.0)
    for at in films.times(step=step):
        jpeg = showing(state.asking)
        seen = challenge.observe(photos.reopen_photo(jpeg).pixels, hashlib.sha256(jpeg).hexdigest(), at)
        state, _ = challenge.step(state, seen)
        if state.over:
            break
    return state


def report(name: str, states: Iterator[State]) -> None:
    looks = [*states]
    ends = Counter(str(state.failure or "passed") for state in looks)
    total = len(looks)
    seconds = [state.finals[-1].at for state in looks if state.passed]
    lasted = f", in {median(seconds):.1f} seconds in the median" if seconds else ""
    rest = ", ".join(f"{count} {end}" for end, count in ends.most_common() if end != "passed")
    print(f"| {name} | {ends['passed']} of {total}{lasted} | {rest} |", flush=True)


def attacks(folder: Path, attempts: int) -> None:
    portraits = [path for path in sorted(folder.glob("*/*_0001.jpg")) if (seen := only_frontal(path)) and seen.good]
    chosen = random.Random(0).sample(portraits, min(attempts, len(portraits)))  # noqa: S311
    pictures = [
        np.asarray(photo.pixels)
        for path in chosen
        if isinstance(photo := photos.read_photo(path.read_bytes()), photos.Photo)
    ]
    species: dict[str, Callable[[photos.Pixels], Showing]] = {
        "print, held still": lambda picture: held(picture, 0),
        "print, moved and turned in its plane": in_plane,
        "print, turned 30 degrees as asked": lambda picture: held(picture, 30),
        "print, turned 45 degrees as asked": lambda picture: held(picture, 45),
        "print, turned 60 degrees as asked": lambda picture: held(picture, 60),
        "print bent to 12 cm, turned 45 degrees": lambda picture: rolled(picture, 45, 0.12),
        "print bent to 7 cm, turned 40 degrees": lambda picture: rolled(picture, 40, 0.07),
    }
    for name, showing in species.items():
        report(name, (attempt(showing(picture), step=0.5) for picture in pictures))
    report("recording of another look", (recording(number, yesterday) for number in range(RECORDINGS)))
    report("recording of all movements, in a loop", (recording(number, in_a_loop) for number in range(RECORDINGS)))
    report("the same, close from the start", (recording(number, close_in_a_loop) for number in range(RECORDINGS)))


def only_frontal(path: Path) -> Observation | None:
    if int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % 12:  # a few are enough
        return None
    photo = photos.read_photo(path.read_bytes())
    seen = challenge.observe(photo.pixels, "", 0.0) if isinstance(photo, photos.Photo) else None
    return seen if seen and not seen.refusal and abs(seen.yaw) < 6 else None


class Hand:
    """Holds a print, and moves it at most so far from one frame to the next."""

    def __init__(self) -> None:
        self.chance = np.random.default_rng(0)
        self.at = {"yaw": 0.0, "pitch": 0.0, "away": 0.5}

    def towards(self, ask: Ask, angle: float) -> dict[str, float]:
        there = {"yaw": 0.0, "pitch": 0.0, "away": self.at["away"]} | {
            Ask.LEFT: {"yaw": -angle},
            Ask.RIGHT: {"yaw": angle},
            Ask.UP: {"pitch": -angle},
            Ask.CLOSER: {"away": 0.37},
        }.get(ask, {})
        for name, value in there.items():
            most = 0.05 if name == "away" else 22.0
            self.at[name] += float(np.clip(value - self.at[name], -most, most))
        return dict(self.at)

    def tremor(self) -> dict[str, float]:
        return {
            name: float(self.chance.normal(0, by)) for name, by in (("across", 0.008), ("down", 0.008), ("roll", 2))
        }


def held(picture: photos.Pixels, angle: float) -> Showing:
    hand = Hand()
    still = not angle
    return lambda ask: films.held(
        picture, hand.chance, **hand.towards(Ask.STRAIGHT if still else ask, angle), **({} if still else hand.tremor())
    )


def in_plane(picture: photos.Pixels) -> Showing:
    hand = Hand()
    steps = itertools.count()

    def showing(ask: Ask) -> bytes:
        t = next(steps) / 2
        place = {"across": 0.04 * np.sin(1.3 * t), "down": 0.02 * np.cos(t), "away": 0.5 + 0.06 * np.sin(0.7 * t)}
        return films.held(picture, hand.chance, roll=12 * np.sin(t), **place)

    return showing


def rolled(picture: photos.Pixels, angle: float, radius: float) -> Showing:
    hand = Hand()

    def showing(ask: Ask) -> bytes:
        at = hand.towards(ask, angle)
        yaw = -at["yaw"] + float(hand.chance.normal(0, 2))
        return films.bent(picture, hand.chance, yaw=yaw, radius=radius, away=at["away"] + hand.chance.normal(0, 0.004))

    return showing


def recording(number: int, recorded: Callable[[random.Random], Iterator[Ask]]) -> State:
    """A film that is played without hearing what is asked; of heads that are only points."""
    chance = random.Random(number)  # noqa: S311
    film = heads.Film(chance=chance)
    film.begin()
    shown = recorded(chance)
    while not film.state.over:
        film.do(next(shown))
    return film.state


def yesterday(chance: random.Random) -> Iterator[Ask]:
    yield from challenge.draw()
    yield from itertools.repeat(Ask.STRAIGHT)


def in_a_loop(chance: random.Random) -> Iterator[Ask]:
    return looped([*challenge.MOVES, Ask.CLOSER], chance)


def close_in_a_loop(chance: random.Random) -> Iterator[Ask]:
    """Whoever is close already has done one thing that may be asked for."""
    yield Ask.CLOSER
    yield from looped([*challenge.MOVES], chance)


def looped(movements: list[Ask], chance: random.Random) -> Iterator[Ask]:
    chance.shuffle(movements)
    for movement in itertools.cycle(movements):
        yield movement
        yield Ask.STRAIGHT


if __name__ == "__main__":
    main()

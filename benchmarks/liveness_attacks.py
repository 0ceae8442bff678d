"""The attacks of `benchmarks.liveness`: each species, what it needs, and how its films are made."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceauth.liveness import challenge
from faceauth.liveness.challenge import Ask, State
from faceauth.tests import films, forgeries, heads
from faceauth.vision import photos

Showing = Callable[[Ask], bytes]
Recorded = Callable[[random.Random], Iterator[Ask]]


@dataclass(frozen=True)
class Victim:
    name: str
    photo: films.Picture
    second: films.Picture
    template: tuple[float, ...]
    """Of a third picture: what they are enrolled with."""


def victims(folder: Path, most: int) -> list[Victim]:
    """People with two frontal pictures and a third one, in random order but always the same."""
    people = sorted(path for path in folder.iterdir() if 3 <= len([*path.iterdir()]) <= 9)
    random.Random(5).shuffle(people)  # noqa: S311
    return [*itertools.islice((victim for path in people if (victim := victim_of(path))), most)]


def victim_of(folder: Path) -> Victim | None:
    given = [one for path in sorted(folder.iterdir()) if (one := films.usable(path.read_bytes()))]
    frontal = [one for one in given if abs(one.yaw) < 7 and abs(one.pitch) < 10]
    others = [one for one in given if one not in frontal[:2]]
    if len(frontal) < 2 or not others:
        return None
    seen = challenge.observe(others[0].pixels, "", 0.0)
    return None if seen.refusal else Victim(folder.name, frontal[0], frontal[1], seen.template)


# Prints and screens ---------------------------------------------------------------------------------------------------


class Hand:
    """Holds a print, and moves it at most so far from one frame to the next."""

    def __init__(self, chance: np.random.Generator) -> None:
        self.chance = chance
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


def held(picture: photos.Pixels, chance: np.random.Generator, angle: float) -> Showing:
    hand = Hand(chance)
    still = not angle
    return lambda ask: films.held(
        picture, chance, **hand.towards(Ask.STRAIGHT if still else ask, angle), **({} if still else hand.tremor())
    )


def in_plane(picture: photos.Pixels, chance: np.random.Generator) -> Showing:
    steps = itertools.count()

    def showing(ask: Ask) -> bytes:
        t = next(steps) / 2
        place = {"across": 0.04 * np.sin(1.3 * t), "down": 0.02 * np.cos(t), "away": 0.5 + 0.06 * np.sin(0.7 * t)}
        return films.held(picture, chance, roll=12 * np.sin(t), **place)

    return showing


def rolled(picture: photos.Pixels, chance: np.random.Generator, angle: float, radius: float) -> Showing:
    hand = Hand(chance)

    def showing(ask: Ask) -> bytes:
        at = hand.towards(ask, angle)
        yaw = -at["yaw"] + float(chance.normal(0, 2))
        return films.bent(picture, chance, yaw=yaw, radius=radius, away=at["away"] + chance.normal(0, 0.004))

    return showing


def on_screen(pixels: photos.Pixels) -> photos.Pixels:
    """As a screen shows it: brighter, bluer, and in lines."""
    shown = pixels * np.array([0.92, 0.98, 1.08]) * 1.05
    shown[::2] *= 0.96
    return np.asarray(np.clip(shown, 0, 255), np.uint8)


PRINTS: dict[str, Callable[[photos.Pixels, np.random.Generator], Showing]] = {
    "print, held still": lambda picture, chance: held(picture, chance, 0),
    "print, moved and turned in its plane": in_plane,
    "print, turned 30 degrees as asked": lambda picture, chance: held(picture, chance, 30),
    "print, turned 45 degrees as asked": lambda picture, chance: held(picture, chance, 45),
    "print, turned 60 degrees as asked": lambda picture, chance: held(picture, chance, 60),
    "photo on a screen, turned 40 degrees as asked": lambda picture, chance: held(on_screen(picture), chance, 40),
    "print bent to 12 cm, turned 45 degrees": lambda picture, chance: rolled(picture, chance, 45, 0.12),
    "print bent to 7 cm, turned 40 degrees": lambda picture, chance: rolled(picture, chance, 40, 0.07),
}


def showings(victim: Victim, number: int) -> Iterator[tuple[str, float, Callable[[], Showing]]]:
    """Each species that is made of photos: its name, the seconds between two frames, and what makes a film."""
    chance = np.random.default_rng(number)

    def printed(species: Callable[[photos.Pixels, np.random.Generator], Showing]) -> Callable[[], Showing]:
        return lambda: species(np.asarray(victim.photo.pixels), chance)

    def forged(species: forgeries.Forger) -> Callable[[], Showing]:
        actor = films.Actor(seed=number)
        return lambda: species(victim.photo, victim.second, actor, chance).frame

    for name, print_species in PRINTS.items():
        yield name, 0.5, printed(print_species)
    for name, forger in forgeries.SPECIES.items():
        yield name, films.STEP, forged(forger)


# Recordings, of heads that are only points ----------------------------------------------------------------------------


def recording(number: int, recorded: Recorded, hold: int) -> State:
    """A film that is played without hearing what is asked; each movement is held for so many frames."""
    chance = random.Random(number)  # noqa: S311
    film = heads.Film(chance=chance)
    film.begin()
    shown = recorded(chance)
    while not film.state.over:
        film.hold(next(shown), hold)
    return film.state


def yesterday(chance: random.Random) -> Iterator[Ask]:
    yield from challenge.draw()
    yield from itertools.repeat(Ask.STRAIGHT)


def in_a_loop(chance: random.Random) -> Iterator[Ask]:
    return looped([*sorted(challenge.MOVES), Ask.CLOSER], chance)


def close_in_a_loop(chance: random.Random) -> Iterator[Ask]:
    """Whoever is close already has done one thing that may be asked for."""
    yield Ask.CLOSER
    yield from looped(sorted(challenge.MOVES), chance)


def turns_in_a_loop(chance: random.Random) -> Iterator[Ask]:
    return looped(sorted(challenge.MOVES), chance)


def looped(movements: list[Ask], chance: random.Random) -> Iterator[Ask]:
    chance.shuffle(movements)
    for movement in itertools.cycle(movements):
        yield movement
        yield Ask.STRAIGHT


RECORDINGS: dict[str, tuple[Recorded, int]] = {
    "recording of another check": (yesterday, 3),
    "recording of all movements, in a loop": (in_a_loop, 2),
    "the same, close from the start": (close_in_a_loop, 2),
    "the same, without coming closer": (turns_in_a_loop, 2),
    "in a loop, each held as long as is best": (in_a_loop, 4),
    "the same, close from the start, held": (close_in_a_loop, 4),
    "the same, without coming closer, held": (turns_in_a_loop, 4),
}

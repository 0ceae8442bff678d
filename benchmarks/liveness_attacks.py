"""The attacks of `benchmarks.liveness`: each species, what it needs, and how its films are made."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.liveness_films import Film, Showing, recorded, seen
from faceauth.liveness import challenge
from faceauth.liveness.challenge import Ask, Observation, State
from faceauth.tests import films, forgeries, heads
from faceauth.tests.forgeries import Blend
from faceauth.vision import faces, mean_template, networks, photos

STEP = 0.5  # seconds between two frames: whoever makes a film need not hurry
Recorded = Callable[[random.Random], Iterator[Ask]]


@dataclass(frozen=True)
class Victim:
    name: str
    photo: films.Picture
    second: films.Picture
    templates: NDArray[np.float32]
    """Of other pictures: what they are enrolled with."""

    def likeness(self, shown: Observation) -> float:
        """The cosine by which a frame is recognised as theirs."""
        return float((self.templates @ centred(shown)).max())


def centred(shown: Observation) -> NDArray[np.float32]:
    return mean_template.centred(np.asarray(shown.template, np.float32), networks.mean())


def victims(folder: Path, most: int) -> list[Victim]:
    """People with two frontal pictures and a third one, in random order but always the same."""
    people = sorted(path for path in folder.iterdir() if 3 <= len([*path.iterdir()]) <= 9)
    random.Random(5).shuffle(people)  # noqa: S311
    return [*itertools.islice((victim for path in people if (victim := victim_of(path))), most)]


def victim_of(folder: Path) -> Victim | None:
    given = [one for path in sorted(folder.iterdir()) if (one := films.usable(path.read_bytes()))]
    frontal = [one for one in given if abs(one.yaw) < 7 and abs(one.pitch) < 10]
    others = [one for one in given if one not in frontal[:2]][:3]
    if len(frontal) < 2 or not others:
        return None
    templates = [faces.find_faces(one.pixels)[0].template for one in others]
    return Victim(folder.name, frontal[0], frontal[1], np.stack(templates))


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
    "print, turned in space as asked": lambda picture, chance: held(picture, chance, chance.uniform(25, 60)),
    "photo on a screen, turned as asked": lambda picture, chance: held(
        on_screen(picture), chance, chance.uniform(25, 60)
    ),
    "print bent round a cylinder, turned as asked": lambda picture, chance: rolled(
        picture, chance, chance.uniform(30, 50), chance.uniform(0.06, 0.13)
    ),
}


# Films ----------------------------------------------------------------------------------------------------------------


def films_of(victim: Victim, number: int, own: Film, species: str) -> Iterator[tuple[str, Film | None]]:
    """A film of each species that is made of photos; None where the attacker sees that it cannot work.

    `own` is a film of the attacker's own head. Only those are made whose name has `species`.
    """
    chance = np.random.default_rng(number)
    for name, print_species in PRINTS.items():
        if species in name:
            yield name, recorded(print_species(np.asarray(victim.photo.pixels), chance))
    for name, warp in forgeries.WARPS.items():
        if species in name:
            film = warp(victim.photo, victim.second, chance)
            yield name, recorded(film.frame) if Ask.UP in film.works else None
    if any(species in name for name in SPLICES):
        yield from ((name, film) for name, film in spliced(victim, number, own, chance).items() if species in name)


SPLICES = (
    "splice: morph, own head, photo",
    "splice: photo, own head, photo",
    "splice with a hard cut: own head, photo",
    "splice: morph, own head, morph",
    "splice: morphs in all frames, photo",
    "splice: every other frame swapped",
    "morphs in all frames",
    "face swapped frame by frame",
)


def spliced(victim: Victim, number: int, own: Film, chance: np.random.Generator) -> dict[str, Film]:
    def blend(share: float) -> Film:
        head = films.Actor(seed=number)
        return recorded(Blend(victim.photo, head, chance, share, share, share, still=False).frame)

    def shown() -> Observation:
        place, zoom = films.somewhere(chance)
        return seen(films.encoded(films.placed(victim.photo, place, zoom, chance)))

    morph, swap, photo = blend(0.5), blend(1.0), [shown() for _ in range(8)]

    def joined(first: list[Observation], moves: Film, last: list[Observation]) -> Film:
        return Film(first, moves.there, {ask: [part[0], *last] for ask, part in moves.back.items()}, moves.close)

    def mixed(ask: Ask) -> list[Observation]:
        return [frame for two in zip(own.there[ask], swap.there[ask], strict=True) for frame in two]

    every = Film(own.first, {ask: mixed(ask) for ask in own.there}, own.back, own.close)
    made = (
        joined(morph.first, own, photo[4:]),
        joined(photo[:4], own, photo[4:]),
        joined(own.first, own, photo),
        joined(morph.first, own, morph.straight),
        joined(morph.first, morph, photo),
        joined(morph.first, every, photo),
        morph,
        swap,
    )
    return dict(zip(SPLICES, made, strict=True))


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

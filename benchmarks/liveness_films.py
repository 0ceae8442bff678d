"""Films that are looked at once and played many times: what `benchmarks.liveness` measures with.

To make a frame and to find the face in it takes nearly all of the time of a check. So each film is made once, of every
movement there and back, and its frames are kept as what the check sees of them (`Observation`). A try hears what it
is asked, as the film's maker would, and plays the frames of that movement. A frame that is shown again trembles, as the
detector does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faceauth.liveness import challenge
from faceauth.liveness.challenge import MOVES, Ask, Kind, Observation, State
from faceauth.tests import films
from faceauth.vision import photos
from faceauth.vision.alignment import Points

Showing = Callable[[Ask], bytes]

FIRST, THERE, BACK, CLOSE = 4, 4, 3, 5  # frames of each part
TREMBLES = 0.007  # the detector's points, in distances between the eyes
FLICKERS = 2.0  # grey values from frame to frame


@dataclass(frozen=True)
class Film:
    first: list[Observation]
    there: dict[Ask, list[Observation]]
    """On the way to each movement, and then there."""
    back: dict[Ask, list[Observation]]
    close: list[Observation]

    @property
    def straight(self) -> list[Observation]:
        """Frames that look straight after a movement."""
        return [seen for part in self.back.values() for seen in part[1:]]


def seen(jpeg: bytes) -> Observation:
    return challenge.observe(photos.reopen_photo(jpeg).pixels, "", 0.0)


def recorded(showing: Showing) -> Film:
    def part(ask: Ask, frames: int) -> list[Observation]:
        return [seen(showing(ask)) for _ in range(frames)]

    first = part(Ask.STRAIGHT, FIRST)
    there, back = {}, {}
    for ask in sorted(MOVES):
        there[ask], back[ask] = part(ask, THERE), part(Ask.STRAIGHT, BACK)
    return Film(first, there, back, part(Ask.CLOSER, CLOSE))


@dataclass
class Player:
    """Plays a film as it is asked to."""

    film: Film
    chance: np.random.Generator
    at: Ask | None = None
    """The movement that it is at."""
    step: int = 0
    zoom: float = 1.0
    moved: bool = False
    used: set[int] = field(default_factory=set)

    def frame(self, ask: Ask) -> Observation:
        shown = self.next(ask)
        again = id(shown) in self.used
        self.used.add(id(shown))
        if shown.refusal:
            return shown
        pixels = f"{self.chance.integers(2**63):x}"
        shown = replace(shown, digest=pixels, pixels=pixels)
        # What follows on coming closer is as close, which is all that changes.
        close = 1.0 if ask == Ask.CLOSER and not self.at else self.zoom
        return trembling(larger(shown, close), self.chance) if again else larger(shown, close)

    def next(self, ask: Ask) -> Observation:
        if self.at not in (None, ask):
            left, self.at = self.at, None
            return self.film.back[left][0] if left else self.film.first[0]
        if ask in MOVES:
            self.step = self.step + 1 if self.at else 0
            self.at, self.moved = ask, True
            there = self.film.there[ask]
            return there[self.step] if self.step < len(there) else self.one_of(there[2:])
        if ask == Ask.CLOSER:
            close = self.film.close
            shown = next((one for one in close if id(one) not in self.used), close[-1])
            self.zoom = max(1.0, growth(self.film.first[-1], shown))
            return shown
        return self.one_of(self.film.straight if self.moved else self.film.first)

    def one_of(self, given: Sequence[Observation]) -> Observation:
        new = [one for one in given if id(one) not in self.used] or given
        return new[int(self.chance.integers(len(new)))]


def growth(before: Observation, now: Observation) -> float:
    return now.share / before.share if before.share and now.share else 1.0


def larger(shown: Observation, by: float) -> Observation:
    middle = np.asarray(shown.landmarks).mean(axis=0)
    return moved_to(shown, (np.asarray(shown.landmarks) - middle) * by + middle, shown.share * by)


def trembling(shown: Observation, chance: np.random.Generator) -> Observation:
    points = np.asarray(shown.landmarks)
    apart = float(np.linalg.norm(points[1] - points[0]))
    grey = tuple(value + float(chance.normal(0, FLICKERS)) for value in shown.fields)
    return replace(moved_to(shown, points + chance.normal(0, TREMBLES * apart, points.shape), shown.share), fields=grey)


def moved_to(shown: Observation, points: Points, share: float) -> Observation:
    return replace(shown, landmarks=tuple((float(x), float(y)) for x, y in points), share=share)


def attempt(film: Film, chance: np.random.Generator, step: float, kind: Kind) -> tuple[State, list[Observation]]:
    """How a check ends, and the frames that somebody is recognised by, if it is passed."""
    player, state = Player(film, chance), State(started=0.0, kind=kind)
    taken: dict[str, Observation] = {}
    for at in films.times(step=step):
        shown = replace(player.frame(state.asking), at=at)
        taken[shown.digest] = shown
        state, _ = challenge.step(state, shown)
        if state.over:
            break
    return state, [taken[digest] for digest in state.best] if state.passed else []

"""A head without a picture: the five points of `vision.HEAD`, turned and seen from far away. And a picture of it."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faceauth.liveness.challenge import FIRST, Ask, Draw, Hint, Observation, Say, State, draw, step
from faceauth.tests.films import STEP
from faceauth.vision import alignment, measures

SOMEBODY = (1.0, *[0.0] * 127)
DIFFERENT_PERSON = (0.0, 1.0, *[0.0] * 126)


def turned(yaw: float, pitch: float = 0.0, head: alignment.Points = measures.HEAD) -> alignment.Points:
    """Five points in millimetres: to the right, down."""
    a, b = np.radians([yaw, pitch])
    x, y, z = head.T
    x, z = x * np.cos(a) - z * np.sin(a), x * np.sin(a) + z * np.cos(a)
    return np.stack([x, y * np.cos(b) + z * np.sin(b)], axis=1)


FLAT = measures.HEAD * (1, 1, 0)


# What somebody does who is asked for this.
POSES: dict[str, dict[str, float]] = {
    Ask.STRAIGHT: {"yaw": 0, "pitch": 0},
    Ask.LEFT: {"yaw": 26, "pitch": 0},
    Ask.RIGHT: {"yaw": -26, "pitch": 0},
    Ask.UP: {"yaw": 0, "pitch": 16},
    Ask.CLOSER: {"yaw": 0, "pitch": 0, "zoom": 1.35},
}


def pose_for(ask: str, pose: dict[str, float]) -> dict[str, float]:
    """The next pose on the way to what is asked for: no further than heads move from one frame to the next."""
    rest = {"yaw": 0.0, "pitch": 0.0, "zoom": 1.0}
    now = rest | pose
    there = now | POSES.get(ask, {})
    most = {"yaw": 26, "pitch": 16, "zoom": 0.2}
    return {name: now[name] + max(-most[name], min(most[name], there[name] - now[name])) for name in rest}


@dataclass
class Film:
    """One look, frame by frame. What is not said stays as it was."""

    draw: Draw = draw
    state: State = field(default_factory=lambda: State(started=0.0))
    at: float = 0.0
    say: Say = Ask.STRAIGHT
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - it makes frames differ
    pose: dict[str, Any] = field(default_factory=dict)
    taken: list[Observation] = field(default_factory=list)

    def begin(self) -> Say:
        """Look straight until something is asked for."""
        for _ in range(FIRST[self.state.kind]):
            self.show()
        return self.say

    def show(self, *, after: float = STEP, **pose: Any) -> Say:
        self.at += after
        self.pose |= pose
        return self.play(seen(self.at, self.chance, **self.pose))

    def play(self, observation: Observation) -> Say:
        self.at = observation.at
        self.taken.append(observation)
        self.state, self.say = step(self.state, observation, self.draw)
        return self.say

    def do(self, ask: Ask, most: int = 4) -> Say:
        """What somebody does who is asked for this: there, and held until something else is said."""
        there = POSES[ask]
        halfway = {name: (self.pose.get(name, name == "zoom") + value) / 2 for name, value in there.items()}
        self.show(**halfway)
        done, say = self.state.done, self.show(**there)
        while not self.state.over and self.state.done == done and say != Hint.OTHER and most > 1:
            say, most = self.show(), most - 1
        return say

    def hold(self, ask: Ask, frames: int) -> None:
        """What a recording shows, whatever is said: there, for so many frames."""
        there = POSES[ask]
        self.show(**{name: (self.pose.get(name, name == "zoom") + value) / 2 for name, value in there.items()})
        for _ in range(frames if ask != Ask.STRAIGHT else 2):
            self.show(**there)

    def obey(self, most: int = 60) -> State:
        """Do what is said until it is over."""
        for _ in range(most):
            if self.state.over:
                break
            self.do(self.state.asking)
        return self.state


def seen(
    at: float,
    chance: random.Random,
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    zoom: float = 1.0,
    x: float = 320.0,
    y: float = 240.0,
    head: alignment.Points = measures.HEAD,
    **more: Any,
) -> Observation:
    """A frame of somebody whose eyes are 63 pixels apart, and who is no statue."""
    points = turned(yaw, pitch, head) * zoom + (x + chance.gauss(0, 3), y + chance.gauss(0, 3))
    given = {
        "digest": f"{chance.getrandbits(128):032x}",
        "pixels": f"{chance.getrandbits(128):032x}",
        "fields": tuple(chance.uniform(0, 255) for _ in range(72)),
        "landmarks": tuple((float(a), float(b)) for a, b in points),
        "share": 0.3 * zoom,
        "template": SOMEBODY,
        "quality": 80.0,
        "good": True,
    }
    pose = measures.pose_of(points)
    return Observation(at, **{"yaw": pose.yaw, "pitch": pose.pitch, **given, **more})

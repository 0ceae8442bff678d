"""Films that attackers make of photos of somebody, and of their own head, hearing what is asked.

Each has `frame(ask)`, as `films.Actor` has. They may run the detector on their own frames, as every attacker can.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import cv2
import numpy as np

from faceauth.liveness.challenge import Ask
from faceauth.liveness.geometry import has_depth, shown
from faceauth.liveness.observation import Observation, observe
from faceauth.tests.films import Picture, encoded, grainy, placed, somewhere
from faceauth.tests.warps import Shape, warped
from faceauth.vision import alignment, faces
from faceauth.vision.alignment import Pixels, Points

SIGNS = {Ask.LEFT: 1, Ask.RIGHT: -1}


def observe_jpeg(pixels: Pixels) -> Observation | None:
    seen = observe(pixels, "", 0.0)
    return None if seen.refusal else seen


# A photo over a generic head ------------------------------------------------------------------------------------------


@dataclass
class Warp:
    """Photos of somebody laid over a generic head, which turns as far as the detector must see it."""

    photos: Sequence[Picture]
    """The first for straight frames; a movement is made of the next, if there is one."""
    chance: np.random.Generator
    shape: Shape = field(default_factory=Shape)
    switch: bool = False
    """Whether the last straight frames are of the second photo too."""
    in_turn: bool = False
    """Whether straight frames show the photos in turn, as unlike each other as pictures of two days are."""
    low: float = 0.0
    """The pitch of straight frames, in degrees: whoever looks down first has less far to look up."""
    moved: bool = False
    number: Iterator[int] = field(default_factory=count)
    works: set[Ask] = field(default_factory=set)
    """The movements for which an angle was found at which the check sees them."""
    angles: dict[Ask, float] = field(default_factory=dict)
    now: dict[str, float] = field(default_factory=lambda: {"yaw": 0.0, "pitch": 0.0, "away": 600.0})

    def __post_init__(self) -> None:
        base = observe_jpeg(warped(self.photos[0], self.chance, shape=self.shape, pitch=self.low))
        for ask in (Ask.LEFT, Ask.RIGHT, Ask.UP):
            angle = self.tuned(ask, base) if base else None
            self.angles[ask] = angle or 25.0
            self.works |= {ask} if angle else set()

    def tuned(self, ask: Ask, base: Observation) -> float | None:
        """The least angle at which the check sees what it asks for."""
        for angle in (19.0, 22.0, 25.0, 28.0, 31.0) if ask in SIGNS else (6.0, 10.0, 14.0, 18.0, 22.0, 26.0, 30.0):
            yaw, pitch = (SIGNS[ask] * angle, self.low) if ask in SIGNS else (0.0, angle)
            seen = observe_jpeg(warped(self.photos[-1], self.chance, shape=self.shape, yaw=yaw, pitch=pitch))
            if seen and ask in shown(base, seen) and has_depth(base, seen):
                return angle + 1.0
        return None

    def frame(self, ask: Ask) -> bytes:
        there = {"yaw": 0.0, "pitch": self.low, "away": self.now["away"]}
        if ask in SIGNS:
            there["yaw"] = SIGNS[ask] * self.angles[ask]
        elif ask == Ask.UP:
            there["pitch"] = self.angles[ask]
        elif ask == Ask.CLOSER:
            there["away"] = 430.0
        for name, value in there.items():
            most = 60.0 if name == "away" else 18.0
            self.now[name] += float(np.clip(value - self.now[name], -most, most))
        place, _ = somewhere(self.chance)
        tremor = {name: value + float(self.chance.normal(0, 0.7)) for name, value in self.now.items()}
        self.moved = self.moved or ask in (*SIGNS, Ask.UP)
        second = ask in (*SIGNS, Ask.UP) or (self.moved and self.switch)
        photo = self.photos[-1] if second else self.photos[0]
        if self.in_turn and ask == Ask.STRAIGHT:
            photo = self.photos[next(self.number) % len(self.photos)]
        return encoded(warped(photo, self.chance, shape=self.shape, place=place, **tremor))


# Somebody's face in another one's head --------------------------------------------------------------------------------


def onto(picture: Picture, scene: Pixels, landmarks: Points, share: float) -> Pixels:
    """The scene with the picture's face blended into the face there, point by point: a morph, or with 1 a swap."""
    middle = landmarks[[0, 1, 3, 4]].mean(axis=0)
    tall = float(np.linalg.norm(landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)))
    left, top = (middle - 1.6 * tall).astype(int).clip(0)
    right, bottom = (middle + 1.6 * tall).astype(int)
    face, scene = scene[top:bottom, left:right], scene.copy()
    scene[top:bottom, left:right] = blended(picture, face, landmarks - (left, top), middle - (left, top), tall, share)
    return scene


def blended(picture: Picture, face: Pixels, landmarks: Points, middle: Points, tall: float, share: float) -> Pixels:
    bent = bent_to(picture, landmarks, (face.shape[1], face.shape[0]))
    mask = np.zeros(face.shape[:2], np.float32)
    cv2.ellipse(mask, tuple(int(x) for x in middle), (int(tall * 0.85), int(tall * 1.15)), 0, 0, 360, 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), tall / 10), np.float32)
    inner = mask > 0.5
    there, here = face[inner].astype(np.float64), bent[inner].astype(np.float64)
    toned = (bent - here.mean(axis=0)) * (there.std(axis=0) / (here.std(axis=0) + 1e-6)) + there.mean(axis=0)
    part = (share * mask)[:, :, None]
    return np.asarray(np.clip(face * (1 - part) + toned * part, 0, 255), np.uint8)


def bent_to(picture: Picture, landmarks: Points, size: tuple[int, int]) -> Pixels:
    """The picture with its five points where they are in the scene: moved as a whole, and bent between them."""
    turned, shift = alignment.similarity_transform(landmarks, picture.landmarks)
    as_numbers = landmarks[:, 0] + 1j * landmarks[:, 1]
    left = picture.landmarks[:, 0] + 1j * picture.landmarks[:, 1] - (turned * as_numbers + shift)
    reach = float(np.abs(as_numbers - as_numbers.mean()).mean()) * 0.9
    xs, ys = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    grid = xs + 1j * ys
    gaussians = np.exp(-((np.abs(as_numbers[:, None] - as_numbers) / reach) ** 2))
    weights = np.linalg.solve(gaussians, left)
    moved = turned * grid + shift
    for weight, point in zip(weights, as_numbers, strict=True):
        moved = moved + weight * np.exp(-((np.abs(grid - point) / reach) ** 2))
    maps = moved.real.astype(np.float32), moved.imag.astype(np.float32)
    return np.asarray(cv2.remap(picture.pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


class Head(Protocol):
    """The attacker's own, as `films.Actor` is."""

    zoom: float

    @property
    def turn(self) -> float: ...

    def scene(self, ask: Ask) -> Pixels: ...


@dataclass
class Blend:
    """The attacker's own head, with so much of somebody's photo in it, in each part of the film."""

    photo: Picture
    actor: Head
    chance: np.random.Generator
    base: float = 0.5
    moves: float = 0.0
    final: float = 1.0
    still: bool = True
    """Whether the last frames are the photo itself."""
    number: Iterator[int] = field(default_factory=count)
    turned: bool = False
    alternate: bool = False
    """Whether only every other frame of a movement is the attacker's."""

    def frame(self, ask: Ask) -> bytes:
        self.turned = self.turned or ask != Ask.STRAIGHT
        scene = self.actor.scene(ask)
        if ask == Ask.STRAIGHT and self.turned:
            # A cut is a jump unless the head is back first.
            if self.still and not self.actor.turn:
                place, zoom = somewhere(self.chance)
                return encoded(placed(self.photo, place, self.actor.zoom * zoom, self.chance))
            return encoded(self.blended(scene, self.final if not self.actor.turn else self.moves))
        share = self.base if ask == Ask.STRAIGHT else self.moves
        if self.alternate and next(self.number) % 2:
            share = 1.0
        return encoded(self.blended(scene, share))

    def blended(self, scene: Pixels, share: float) -> Pixels:
        found = faces.find_faces(scene) if share else []
        if not found:
            return scene
        return grainy(onto(self.photo, scene, found[0].landmarks.astype(np.float64), share), self.chance)


WARPS: dict[str, Callable[[Picture, Picture, np.random.Generator], Warp]] = {
    "depth warp of one photo": lambda photo, _, chance: Warp([photo], chance),
    "depth warp, another head": lambda photo, _, chance: Warp(
        [photo], chance, Shape(nose=float(chance.uniform(20, 34)), wing=float(chance.uniform(10, 20)))
    ),
    "depth warp, chin lowered first": lambda photo, _, chance: Warp([photo], chance, low=-10.0),
    "depth warp of two photos": lambda photo, second, chance: Warp([photo, second], chance),
    "depth warp of two photos in turn, chin lowered first": lambda photo, second, chance: Warp(
        [second, photo], chance, low=-10.0, in_turn=True
    ),
    "depth warp, one photo first, then another": lambda photo, second, chance: Warp(
        [photo, second], chance, switch=True
    ),
}

SPLICES: dict[str, dict[str, Any]] = {
    "morph, own head, photo": {},
    "photo, own head, photo": {"base": 1.0},
    "own head, photo": {"base": 0.0},
    "morph, own head, morph": {"final": 0.5, "still": False},
    "morphs in all frames, photo": {"moves": 0.5},
    "every other frame swapped": {"alternate": True},
}
"""What of the photo is in each part of a `Blend`."""

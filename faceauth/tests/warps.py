"""What attackers make of photos with a computer: heads warped out of one picture, morphs, and swapped faces."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faceauth import vision
from faceauth.tests.films import FOCAL, MIDDLE, RISE, SIZE, Picture, grainy, room

Numbers = NDArray[np.float64]
Colours = NDArray[np.uint8]

# Millimetres of head from the eyes to the mouth, as in vision.HEAD.
RISE_MM = 66.0
FINE = 2  # points of the head for each pixel of the scene, along an edge
BACK = 90.0  # how far behind the eyes everything lies that is not the face
PIVOT = 95.0  # and how far the neck, about which a head turns


@dataclass(frozen=True)
class Shape:
    """A generic head: how far it reaches to the sides, up and down, and back, and how far its nose stands out."""

    wide: float = 82.0
    high: float = 120.0
    deep: float = 95.0
    nose: float = 24.0
    wing: float = 10.5
    """Half the width of the nose, at which it stands out by about a third."""

    def depth(self, x: Numbers, y: Numbers) -> Numbers:
        """How far behind the plane of eyes and mouth a point of the face lies, in millimetres; x right, y down."""
        inside = np.clip(1 - (x / self.wide) ** 2 - ((y + 8) / self.high) ** 2, 0, 1)
        ball = self.deep * (1 - np.sqrt(inside)) - 10.5
        along = np.clip((y + 32) / 38, 0, 1)  # the bridge of the nose, from between the eyes to its tip
        tip = np.exp(-(((y - 4) / (self.wing * 0.86)) ** 2)) * (y > 4) + along * (y <= 4)
        nose = self.nose * tip * np.exp(-((x / self.wing) ** 2))
        return np.minimum(ball - nose, BACK)


@lru_cache(maxsize=64)
def head_of(picture: Picture, shape: Shape = Shape()) -> tuple[Numbers, Colours]:
    """Points of the head (n, 3) in millimetres and their colours (n, 3), from a frontal picture."""
    turned, shift = vision.similarity_transform(picture.landmarks, vision.HEAD[:, :2])
    step = RISE_MM / RISE / FINE
    xs, ys = np.meshgrid(np.arange(-175, 175, step), np.arange(-190, 190, step))
    there = ((xs + 1j * ys).ravel() - shift) / turned
    maps = [part.reshape(xs.shape).astype(np.float32) for part in (there.real, there.imag)]
    colours = cv2.remap(picture.pixels, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    points = np.stack([xs, ys, shape.depth(xs, ys)], axis=-1).reshape(-1, 3)
    return points, np.asarray(colours, np.uint8).reshape(-1, 3)


def warped(
    picture: Picture,
    chance: np.random.Generator,
    *,
    yaw: float = 0,
    pitch: float = 0,
    away: float = 600.0,
    place: Numbers = MIDDLE,
    shape: Shape = Shape(),
    grain: bool = True,
) -> vision.Pixels:
    """A frontal picture laid over a generic head, which turns (degrees, as Rekognition's) before a pinhole camera."""
    points, colours = head_of(picture, shape)
    a, b = np.radians([yaw, pitch])
    x, y, z = (points - (0, 0, PIVOT)).T
    x, z = x * np.cos(a) - z * np.sin(a), x * np.sin(a) + z * np.cos(a)
    y, z = y * np.cos(b) + z * np.sin(b), -y * np.sin(b) + z * np.cos(b)
    far = away + PIVOT + z
    scale = FOCAL * RISE / RISE_MM * (600.0 / FOCAL) / far  # as large as everybody's at 600 mm
    u = np.round(x * scale + place[0]).astype(int)
    v = np.round(y * scale + place[1]).astype(int)
    return splat(u, v, far, colours, chance, grain=grain)


def splat(
    u: NDArray[np.int64],
    v: NDArray[np.int64],
    far: Numbers,
    colours: Colours,
    chance: np.random.Generator,
    *,
    grain: bool,
) -> vision.Pixels:
    """Draw points, the nearest last; small gaps between them are filled."""
    inside = (u >= 0) & (u < SIZE[0]) & (v >= 0) & (v < SIZE[1])
    order = np.argsort(-far[inside], kind="stable")
    where = (v * SIZE[0] + u)[inside][order]
    scene = room(chance)
    flat = scene.reshape(-1, 3)
    filled = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    flat[where] = colours[inside][order]
    filled.reshape(-1)[where] = 255
    closed = cv2.morphologyEx(filled, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    holes = ((closed > 0) & (filled == 0)).astype(np.uint8)
    whole = cv2.inpaint(scene, holes, 3, cv2.INPAINT_TELEA) if holes.any() else scene
    soft = np.asarray(cv2.GaussianBlur(whole, (0, 0), 0.6), np.uint8)
    return grainy(soft, chance) if grain else soft

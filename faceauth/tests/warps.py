"""A photo laid over a generic head, which a computer turns before a camera: what a photo alone can be made to do."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faceauth.tests.films import FOCAL, MIDDLE, RISE, SIZE, Picture, grainy, room
from faceauth.vision import alignment, measures

Numbers = NDArray[np.float32]

# Millimetres: of the head of vision.HEAD from the eyes to the mouth; how far behind the eyes everything lies that is
# not the face, and the neck, about which a head turns; how far away the camera is.
RISE_MM = 66.0
BACK = 90.0
PIVOT = 95.0
AWAY = 600.0
# Half of the square of the head's plane that is drawn, in millimetres, and the points of its map for each of these.
REACH = 140
FINE = 2
EVERY = 2  # pixels between two rays
STEPS = 6  # of Newton's method, along each ray


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
        return np.asarray(np.minimum(ball - nose, BACK), np.float32)


@lru_cache(maxsize=8)
def relief(shape: Shape) -> Numbers:
    """The depths of a shape as a map."""
    span = np.arange(-REACH * FINE, REACH * FINE + 1) / FINE
    xs, ys = (np.asarray(part, np.float32) for part in np.meshgrid(span, span))
    return shape.depth(xs, ys)


def warped(
    picture: Picture,
    chance: np.random.Generator,
    *,
    yaw: float = 0,
    pitch: float = 0,
    away: float = AWAY,
    place: alignment.Points = MIDDLE,
    shape: Shape = Shape(),
) -> alignment.Pixels:
    """A frontal picture over a generic head, turned (degrees, as Rekognition's) before a pinhole camera."""
    focal = FOCAL * RISE / RISE_MM  # as large as everybody's where it is AWAY
    half = int(REACH * focal / (away - 40))
    left, top = int(place[0]) - half, int(place[1]) - half
    us, vs = np.meshgrid(np.arange(left, left + 2 * half), np.arange(top, top + 2 * half))
    coarse = np.mgrid[0 : 2 * half : EVERY, 0 : 2 * half : EVERY].astype(np.float32) + (EVERY - 1) / 2
    down, right = (coarse + np.array([top - place[1], left - place[0]], np.float32)[:, None, None]) / focal
    rays = np.stack([right, down, np.ones_like(right)], axis=-1).astype(np.float32)
    head = where_rays_meet(rays, rotation(yaw, pitch), away, relief(shape))
    whole = cv2.resize(head, (EVERY * head.shape[1],) * 2, interpolation=cv2.INTER_LINEAR)
    head = np.asarray(whole, np.float32)[: 2 * half, : 2 * half]
    there = head[..., 0] + 1j * head[..., 1]
    turned, shift = alignment.similarity_transform(picture.landmarks, measures.HEAD[:, :2])
    source = (there - shift) / turned
    maps = source.real.astype(np.float32), source.imag.astype(np.float32)
    patch = cv2.remap(picture.pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    on_head = (np.abs(head[..., 0]) < REACH - 1) & (np.abs(head[..., 1]) < REACH - 1)
    scene = room()
    inside = on_head & (us >= 0) & (us < SIZE[0]) & (vs >= 0) & (vs < SIZE[1])
    scene[vs[inside], us[inside]] = patch[inside]
    return grainy(np.asarray(cv2.GaussianBlur(scene, (0, 0), 0.5), np.uint8), chance)


def away_for(picture: Picture, zoom: float) -> float:
    """From how far away the picture's face is as large as `films.placed` shows it."""
    turned, _ = alignment.similarity_transform(picture.landmarks, measures.HEAD[:, :2])
    return float(AWAY * abs(turned) * picture.rise / RISE_MM / zoom)


def rotation(yaw: float, pitch: float) -> Numbers:
    """The matrix that turns a head: x right, y down, z away from the camera."""
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    return np.asarray(about_x @ about_y, np.float32)


def where_rays_meet(rays: Numbers, turn: Numbers, away: float, depths: Numbers) -> Numbers:
    """The points of the head, in its own millimetres, that the rays of the camera meet first: (height, width, 3)."""
    along = rays @ turn  # the rays as the head sees them
    start = np.array([0, 0, -away - PIVOT], np.float32) @ turn + np.array([0, 0, PIVOT], np.float32)
    far = np.full(rays.shape[:2], away - 35, np.float32)
    for _ in range(STEPS):
        x, y, z = (start[axis] + far * along[..., axis] for axis in range(3))
        maps = [(REACH + part).clip(0, 2 * REACH) * FINE for part in (x, y)]
        surface = cv2.remap(depths, maps[0], maps[1], cv2.INTER_LINEAR)
        far = far + 0.9 * (surface - z) / along[..., 2]
    return np.asarray(start + far[..., None] * along, np.float32)

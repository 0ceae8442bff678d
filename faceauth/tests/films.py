"""Films for the look: people put together from their pictures, and what attackers would hold before the camera."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceauth.liveness.challenge import Ask
from faceauth.outcomes import Refusal
from faceauth.tests.pictures import FACES
from faceauth.vision import faces, photos, quality_gate
from faceauth.vision.alignment import Pixels, Points

SIZE = (640, 480)
MIDDLE = np.array([SIZE[0] / 2, SIZE[1] / 2 + 10])
RISE = 68.0  # pixels from the mouth to the eyes, of somebody at arm's length before a camera of this size
SCENES = 3  # in which a picture's pose is measured
MOST_FILES = 120  # that are looked through for the pictures of one film
EACH = 10  # pictures of each pose, mirrored ones counted
MOST_RAISED = 6  # that show a raised chin
# Degrees: what is frontal, how much lower and higher than level straight looks are, and from where a chin is raised.
FRONTAL, LOWER, HIGHER, RAISED = 8.5, 5.0, 2.5, 12.5
STEP = 0.33  # seconds between two frames, as the page sends them


@dataclass(frozen=True, eq=False)
class Picture:
    """A person in one pose."""

    pixels: Pixels
    landmarks: Points
    yaw: float
    pitch: float

    @property
    def middle(self) -> Points:
        return np.asarray(self.landmarks[[0, 1, 3, 4]].mean(axis=0))

    @property
    def rise(self) -> float:
        return float(np.linalg.norm((self.landmarks[3:].sum(axis=0) - self.landmarks[:2].sum(axis=0)) / 2))

    def mirrored(self) -> "Picture":
        landmarks = self.landmarks[[1, 0, 2, 4, 3]] * (-1, 1) + (self.pixels.shape[1] - 1, 0)
        return Picture(np.ascontiguousarray(self.pixels[:, ::-1]), landmarks, -self.yaw, self.pitch)


def print_of(pixels: Pixels) -> Picture:
    """Anybody's picture."""
    face = faces.find_faces(pixels)[0]
    return Picture(pixels, face.landmarks.astype(np.float64), face.pose.yaw, face.pose.pitch)


# Pictures that show what a look asks for: straight, up, to a side, and on the way there. All of his take half a minute;
# and those of one person on one day are alike, so none of his is among them that hardly matches the others.
POWELL = (
    *(5, 50, 74, 97, 151, 160, 174, 195, 208, 216, 226, 232),
    *(33, 57, 80, 82, 127, 201),
    *(19, 54, 88, 118, 121, 124, 142, 146, 161, 177, 190, 197, 223),
    *(6, 14, 21, 22, 26, 55, 56, 98, 116, 120, 185, 186),
)


@cache
def pictures_of(name: str, numbers: tuple[int, ...] = ()) -> tuple[Picture, ...]:
    """The usable pictures of somebody in Labeled Faces in the Wild, all or some, and each in a mirror."""
    folder = FACES / "lfw" / name
    if not folder.is_dir():
        pytest.skip(f"The wider set of faces is not at {FACES}.")
    files = [path for path in sorted(folder.iterdir()) if not numbers or int(path.stem[-4:]) in numbers]
    found = [one for path in files[:MOST_FILES] if (one := usable(path.read_bytes()))]
    both = [one for picture in found for one in (picture, picture.mirrored())]
    if not numbers:
        both = worth_filming([(one, one) for one in both], 2 * EACH, 3.0)
        both = worth_filming([(seen, one) for one in both if (seen := as_seen(one, scenes=1))])
    return tuple(seen for one in both if (seen := as_seen(one)))


def usable(file: bytes) -> Picture | None:
    photo = photos.read_photo(file)
    assert isinstance(photo, photos.Photo)
    face = quality_gate.judge(faces.find_faces(photo.pixels), photo.pixels)
    if isinstance(face, Refusal):
        return None
    return Picture(photo.pixels, face.landmarks.astype(np.float64), face.pose.yaw, face.pose.pitch)


def worth_filming(pictures: list[tuple[Picture, Picture]], most: int = EACH, off: float = 0.0) -> list[Picture]:
    """Of pictures as they are seen, and as they are, some of each pose that a film needs: to measure all takes long.

    `off` says by how many degrees these poses may be wrong.
    """
    level = level_of([seen for seen, _ in pictures if abs(seen.yaw) <= FRONTAL + off], off)
    poses: tuple[Callable[[Picture], bool], ...] = (
        lambda one: abs(one.yaw) <= FRONTAL + off and one.pitch >= level + RAISED - 2 - off,
        lambda one: abs(one.yaw) <= FRONTAL + off and is_level(one, level, off),
        lambda one: 21 - off <= abs(one.yaw) <= 37 + off and abs(one.pitch - level) <= 20,
        lambda one: 8 <= abs(one.yaw) <= 18 and abs(one.pitch - level) <= 20,
    )
    chosen = [[mine for seen, mine in pictures if pose(seen)][:most] for pose in poses]
    return [*dict.fromkeys(one for each in chosen for one in each)] if all(chosen[:3]) else []


def is_level(picture: Picture, level: float, off: float = 0.0) -> bool:
    return -LOWER - off <= picture.pitch - level <= HIGHER + off


def level_of(frontal: list[Picture], off: float = 0.0) -> float:
    """Looking straight is at the pitch from which there is most to look up to."""
    return max(
        sorted({round(one.pitch) for one in frontal}),
        key=lambda level: min(
            sum(is_level(one, level) for one in frontal),
            2 * sum(one.pitch >= level + RAISED - off for one in frontal),
        ),
        default=0.0,
    )


def as_seen(picture: Picture, scenes: int = SCENES) -> Picture | None:
    """With its pose as the detector will see it in a film: of one scene alone an extreme value is often a slip."""
    grain = np.random.default_rng(0)
    poses = []
    for _ in range(scenes):
        scene = placed(picture, *somewhere(grain), grain)
        face = quality_gate.judge(faces.find_faces(scene), scene)
        if isinstance(face, Refusal):
            return None
        poses.append((face.pose.yaw, face.pose.pitch))
    yaw, pitch = np.median(poses, axis=0)
    return replace(picture, yaw=float(yaw), pitch=float(pitch))


def somewhere(chance: np.random.Generator) -> tuple[Points, float]:
    """Where a face is from one frame to the next, and how large: nobody is a statue."""
    return MIDDLE + chance.normal(0, 5, 2), 1 + float(chance.normal(0, 0.015))


class Actor:
    """Somebody who does what they are asked for, a step at a time: each frame is another of their pictures.

    The pictures were taken on different days, so such a film is harder on the look than a living person is.
    """

    def __init__(self, name: str = "Colin_Powell", seed: int = 0, numbers: tuple[int, ...] = POWELL) -> None:
        self.chance = np.random.default_rng(seed)
        pictures = pictures_of(name, numbers)
        frontal = [one for one in pictures if abs(one.yaw) <= FRONTAL]
        self.level = level_of(frontal)
        # Whoever is not seen to raise their chin raises it more.
        raised = [one for one in frontal if one.pitch >= self.level + RAISED]
        self.up = sorted(raised, key=lambda one: -one.pitch)[:MOST_RAISED]
        self.straight = [one for one in frontal if is_level(one, self.level)]
        level = [one for one in pictures if abs(one.pitch - self.level) <= 18]
        sides = ((Ask.LEFT, 1), (Ask.RIGHT, -1))
        self.turned = {method: [one for one in level if 22 <= sign * one.yaw <= 36] for method, sign in sides}
        self.on_the_way = {method: [one for one in level if 8 <= sign * one.yaw <= 18] for method, sign in sides}
        self.side: Ask | None = None
        self.turn = 0.0  # 0 straight, 1 as far as asked for
        self.zoom = 1.0
        self.used: set[int] = set()

    def can(self, ask: Ask) -> bool:
        return bool({Ask.UP: self.up, **self.turned}.get(ask, self.straight))

    @property
    def can_all(self) -> bool:
        """Whether their pictures show all that somebody can be asked for."""
        return len(self.straight) >= 3 and all(map(self.can, Ask))

    def frame(self, ask: Ask) -> bytes:
        """The next frame of somebody who is asked for this."""
        return encoded(self.scene(ask))

    def scene(self, ask: Ask) -> Pixels:
        """The same before it is a JPEG."""
        from faceauth.tests import warps  # which is made of these pictures and scenes

        if self.side not in (None, ask) and self.turn:
            self.turn = max(0.0, self.turn - 0.5)
        elif ask in (Ask.LEFT, Ask.RIGHT, Ask.UP):
            self.side = ask
            self.turn = min(1.0, self.turn + 0.5)
        if not self.turn:
            self.side = None
        if ask == Ask.CLOSER:
            self.zoom = min(1.38, self.zoom * 1.15)
        place, zoom = somewhere(self.chance)
        if self.zoom > 1 and not self.turn:
            # A picture that is only enlarged is as flat as a print: what is near must grow faster.
            picture = self.picture()
            return warps.warped(picture, self.chance, away=warps.away_for(picture, self.zoom * zoom), place=place)
        return placed(self.picture(), place, self.zoom * zoom, self.chance)

    def picture(self) -> Picture:
        if self.side is None or not self.turn:
            return self.one_of(self.straight)
        if self.turn < 1:
            return self.one_of(self.on_the_way.get(self.side) or self.straight)
        return self.one_of(self.turned[self.side] if self.side != Ask.UP else self.up)

    def one_of(self, pictures: list[Picture]) -> Picture:
        fresh = [one for one in pictures if id(one) not in self.used] or pictures
        one = fresh[int(self.chance.integers(len(fresh)))]
        self.used.add(id(one))
        return one


@cache
def wall() -> Pixels:
    lit = np.linspace(96, 124, SIZE[0])[None, :, None] + np.linspace(6, -6, SIZE[1])[:, None, None]
    return np.asarray(np.broadcast_to(lit + np.array([0, 2, 8]), (SIZE[1], SIZE[0], 3)).astype(np.uint8))


def room() -> Pixels:
    """What is behind somebody: a wall that is lighter on one side."""
    return wall().copy()


def placed(picture: Picture, place: Points, zoom: float, chance: np.random.Generator) -> Pixels:
    """The picture in a room, with the middle of its face at a place, and the grain of a camera."""
    scale = RISE * zoom / picture.rise
    shift = place - scale * picture.middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    scene = room()
    cv2.warpAffine(picture.pixels, matrix, SIZE, scene, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return grainy(scene, chance)


@cache
def grain() -> NDArray[np.float32]:
    """Much of a camera's noise: to draw it anew for each frame would take half of all time."""
    shape = (2 * SIZE[1], 2 * SIZE[0], 3)
    return np.random.default_rng(0).normal(0, 2, shape).astype(np.float32)


def grainy(pixels: Pixels, chance: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    top, left = chance.integers(SIZE[1]), chance.integers(SIZE[0])
    noise = grain()[top : top + height, left : left + width]
    return np.asarray(np.clip(pixels + noise, 0, 255), np.uint8)


def encoded(pixels: Pixels, quality: int = 88) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


# What attackers have --------------------------------------------------------------------------------------------------


def held(
    picture: Pixels,
    chance: np.random.Generator,
    *,
    yaw: float = 0,
    pitch: float = 0,
    roll: float = 0,
    away: float = 0.5,
    across: float = 0,
    down: float = 0,
    wide: float = 0.3,
) -> bytes:
    """A print of a picture before a camera, as a pinhole sees it: turned by degrees, moved by metres."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = (
        np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        @ np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    )
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    flat = np.c_[(corners - [width / 2, height / 2]) * wide / width, np.zeros(4)]
    there = flat @ turn.T + [across, down, away]
    seen = there[:, :2] / there[:, 2:] * FOCAL + [SIZE[0] / 2, SIZE[1] / 2]
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), seen.astype(np.float32))
    scene = room()
    cv2.warpPerspective(picture, matrix, SIZE, scene, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return encoded(grainy(scene, chance))


FOCAL = 600.0  # pixels: a webcam of this size sees about 56 degrees across


def bent(picture: Pixels, chance: np.random.Generator, *, yaw: float, radius: float, away: float = 0.5) -> bytes:
    """A print of 30 cm, bent round an upright cylinder of this radius (metres) and turned about its axis."""
    height, width = picture.shape[:2]
    u, v = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    x, y = (u - SIZE[0] / 2) / FOCAL, (v - SIZE[1] / 2) / FOCAL
    axis = away + radius
    a, half_b, c = x**2 + 1, -axis, axis**2 - radius**2
    inside = half_b**2 - a * c
    far = (-half_b - np.sqrt(np.maximum(inside, 0))) / a
    along = (np.arctan2(far * x, axis - far) - np.radians(yaw)) * radius
    map_x = np.where(inside > 0, along / 0.3 * width + width / 2, -1).astype(np.float32)
    map_y = (far * y / 0.3 * width + height / 2).astype(np.float32)
    scene = room()
    cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, scene, cv2.BORDER_TRANSPARENT)
    return encoded(grainy(scene, chance))


def recoded(frame: bytes, chance: np.random.Generator) -> bytes:
    """The same frame once more, with new noise and new bytes."""
    return encoded(grainy(np.asarray(Image.open(io.BytesIO(frame)).convert("RGB")), chance), quality=85)


def times(start: float = 0.0, step: float = STEP) -> Iterator[float]:
    while True:
        start += step
        yield start

"""The faces in a picture: where they are, how they stand, and the template of each (docs/models.md).

A picture is a NumPy array of uint8, (height, width, 3), RGB, upright.
"""

import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceauth.vision import mean_template
from faceauth.vision.alignment import (
    PLACES,
    Pixels,
    Points,
    aligned,
    as_complex,
    as_points,
    cut,
    resized,
    similarity_transform,
)
from faceauth.vision.measures import Pose, Quality, pose_of, quality_of
from faceauth.vision.networks import Template, detect, embed, mean

# The five points of `Face.landmarks`, in order, by the names that Rekognition gives them. Left and right are those of
# the picture, not of the person.
LANDMARKS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")


class Box(NamedTuple):
    """A rectangle in pixels of the picture; it may reach beyond its edges."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)  # without slots, so that the vector is made once, when it is asked for
class Face:
    box: Box
    landmarks: NDArray[np.float32]
    """Five points (x, y) in pixels, (5, 2), in the order of LANDMARKS."""
    confidence: float
    """0 to 100: how sure the detector is that this is a face."""
    pose: Pose
    quality: Quality
    crop: Pixels = field(repr=False)
    """The face as `aligned` cuts it."""

    @cached_property
    def vector(self) -> Template:
        """SFace's 128 numbers as they come. Made at the first use, which takes two thirds of all that a face takes."""
        return embed(self.crop)

    @property
    def length(self) -> float:
        """The length of `vector`, a quality: the shorter, the less there is in the picture that tells who it is."""
        return float(np.linalg.norm(self.vector))

    @property
    def direction(self) -> Template:
        """`vector` at unit length, with what all faces share: what the liveness check's numbers were measured with."""
        return self.vector / max(self.length, float(np.finfo(np.float32).tiny))

    @property
    def template(self) -> Template:
        """128 numbers of unit length, less what all faces share. The product of two is the cosine between them."""
        return mean_template.centred(self.direction, mean())


# The longer side of the copy that is searched for faces.
SEARCH_SIDE = 320

# Where nothing is found, a larger copy is searched: it takes four times as long, but shows smaller faces.
THOROUGH_SIDE = 640

# Each face found is looked at once more in a cut of this side, of which the face's box takes this share. YuNet places
# the five points well on faces of about 200 px, and badly on small ones: it then hardly sees that a head is tilted.
CLOSE_SIDE = 224
CLOSE_SHARE = 0.9

# A head tilted further than this, in degrees, is turned upright and looked at again.
TILTED = 8.0
MOST_TURNS = 2

# YuNet's score of an upright face, seen so closely, is above this one in 19 of 20, and of one upside down below it in
# four of five: the doubtful are looked at lying and upside down too.
DOUBTFUL = 0.92
found: dict[int, tuple["weakref.ref[Pixels]", list[Face]]] = {}
"""What was found in pictures that still exist and cannot change, by the address of their pixels."""


def find_faces(pixels: Pixels) -> list[Face]:
    """The faces in a picture, the largest first. A picture that cannot be written to is searched once."""
    known = found.get(id(pixels))
    if known and known[0]() is pixels:
        return list(known[1])
    faces = [face_of(pixels, row) for row in search(pixels)]
    faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
    if not pixels.flags.writeable:
        place = id(pixels)
        found[place] = weakref.ref(pixels, lambda _: found.pop(place, None)), faces
    return list(faces)


def search(pixels: Pixels) -> NDArray[np.float32]:
    """YuNet's rows in pixels of the picture: quickly first; harder where that finds nobody, to say what is wrong."""
    rows = search_copy(pixels, SEARCH_SIDE)
    if not len(rows) and max(pixels.shape) > SEARCH_SIDE:
        rows = search_copy(pixels, THOROUGH_SIDE)
    if not len(rows):
        rows = search_copy(stretched(pixels), SEARCH_SIDE)
    return rows


def search_copy(pixels: Pixels, side: int) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    small = resized(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
    rows = detect(small)
    rows[:, :14] *= np.tile([width / small.shape[1], height / small.shape[0]], 7)  # apart: the sides were rounded
    return rows


def stretched(pixels: Pixels) -> Pixels:
    """The picture with its darkest hundredth black and its brightest white: faces are then seen in a dark room."""
    low, high = np.percentile(pixels[::4, ::4], (1, 99))
    table = np.clip((np.arange(256) - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table), np.uint8)  # which makes no index of eight bytes for each value


def face_of(pixels: Pixels, row: NDArray[np.float32]) -> Face:
    box = Box(*(float(value) for value in row[:4]))
    look = look_closely(pixels, box) or CloseUp(row[4:14].reshape(5, 2).astype(np.float64), float(row[14]), 0.0)
    landmarks = look.landmarks.astype(np.float32)
    landmarks.setflags(write=False)
    crop = aligned(pixels, landmarks)
    return Face(
        box=box,
        landmarks=landmarks,
        confidence=100 * min(1.0, look.score),
        pose=pose_of(landmarks),
        quality=quality_of(crop),
        crop=crop,
    )


class CloseUp(NamedTuple):
    """One look at a face: its five points in the picture, YuNet's score, and how the head was turned for it."""

    landmarks: Points
    score: float
    tilt: float


def look_closely(pixels: Pixels, box: Box) -> CloseUp | None:
    """Place the five points well, from upright cuts around the face; None where no face is seen in them."""
    best = look_at(pixels, box, 0)
    if best is None or best.score < DOUBTFUL:
        looks = [best, *(look_at(pixels, box, tilt) for tilt in (90, 180, 270))]
        best = max((look for look in looks if look), key=lambda look: look.score, default=None)
    for _ in range(MOST_TURNS):
        if best is None or between(tilt := tilt_of(best.landmarks), best.tilt) <= TILTED:
            break
        best = look_at(pixels, box, tilt) or best
    return best


def look_at(pixels: Pixels, box: Box, tilt: float) -> CloseUp | None:
    """Look at a face in a cut that is turned by `tilt` degrees, so that a head with this tilt is upright in it."""
    scale = CLOSE_SIDE * CLOSE_SHARE / max(side_of(box), 1.0)
    turned = scale * np.exp(-1j * np.radians(tilt))
    shift = (1 + 1j) * CLOSE_SIDE / 2 - turned * complex(box.left + box.width / 2, box.top + box.height / 2)
    rows = detect(cut(pixels, turned, shift, CLOSE_SIDE, cv2.BORDER_REPLICATE))
    if not len(rows):
        return None
    middles = rows[:, :2] + rows[:, 2:4] / 2
    row = rows[np.square(middles - CLOSE_SIDE / 2).sum(axis=1).argmin()]
    landmarks = as_points((as_complex(row[4:14].reshape(5, 2)) - shift) / turned)
    return CloseUp(landmarks, float(row[14]), tilt)


def tilt_of(landmarks: Points) -> float:
    """How far a head leans clockwise in the picture, in degrees from -180 to 180."""
    turned, _ = similarity_transform(PLACES, landmarks)
    return float(np.degrees(np.angle(turned)))


def between(one: float, other: float) -> float:
    """The angle between two directions, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)


def side_of(box: Box) -> float:
    """How large a face is: the side of the square that has its box's area, in pixels."""
    return float(np.sqrt(max(box.width, 0) * max(box.height, 0)))

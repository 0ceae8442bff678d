"""What is measured of a face and its picture: pose, brightness and sharpness."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceauth.vision.alignment import Pixels, Points

# The five points of a head in millimetres: x to the right of the picture, y down, z away from the camera. Eyes and
# mouth are an average adult's; the nose was set so that the poses of Amazon's own examples come out
# (tests/test_vision.py).
HEAD = np.array([[-31.5, -33, 0], [31.5, -33, 0], [0, 4, -35], [-25.5, 33, 0], [25.5, 33, 0]], np.float64)
HEAD_FIT = np.linalg.pinv(HEAD - HEAD.mean(axis=0))

# The middle of the face in an aligned cut: from above the brows to below the mouth, with little hair and background.
FACE_ROWS, FACE_COLUMNS = slice(20, 108), slice(16, 96)

# Noise and JPEG's edges are smoothed away before sharpness is measured; in pixels of an aligned cut.
SMOOTHING = 1.6

# What `steepness` is of a face blurred beyond use (a Gaussian of 8 px) and of a sharp one.
BLURRED, SHARP = 0.10, 0.45


class Pose(NamedTuple):
    """Degrees, 0 when looking straight at the camera."""

    yaw: float
    pitch: float
    roll: float


def pose_of(landmarks: Points | NDArray[np.float32]) -> Pose:
    """The turn of HEAD that best explains five points, seen from far away (scaled orthography, least squares).

    Signs are Rekognition's: yaw is positive when the nose points to the right of the picture, pitch when it points up,
    roll when the head leans clockwise. Pitch is the least certain of them: it depends on how long a nose is.
    """
    points = landmarks.astype(np.float64)
    across, down = (HEAD_FIT @ (points - points.mean(axis=0))).T
    across, down = across / (np.linalg.norm(across) or 1), down / (np.linalg.norm(down) or 1)
    return Pose(
        yaw=float(np.degrees(np.arcsin(-across[2]))),
        pitch=float(np.degrees(np.arcsin(down[2]))),
        roll=float(np.degrees(np.arctan2(down[0] - across[1], across[0] + down[1]))),
    )


class Quality(NamedTuple):
    """0 to 100 each, as Rekognition reports them: higher is brighter, and sharper."""

    brightness: float
    sharpness: float


def quality_of(crop: Pixels) -> Quality:
    """Brightness and sharpness of a face as `aligned` cuts it, so that its size in the picture does not count.

    Brightness is the mean of the grey values, in per cent of white.
    """
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))[FACE_ROWS, FACE_COLUMNS]
    smooth = np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SMOOTHING), np.float32)
    # The blurred direction counts: a moving camera blurs one of them.
    edges = min(steepness(smooth, axis) for axis in (0, 1))
    return Quality(
        brightness=float(grey.mean()) / 2.55,
        sharpness=100 * float(np.clip((edges - BLURRED) / (SHARP - BLURRED), 0, 1)),
    )


def steepness(grey: NDArray[np.float32], axis: int) -> float:
    """How fast brightness changes from rising to falling: the second difference against the first.

    Contrast cancels out, so a dark face is not a blurred one; for edges of one width it is about that width's inverse.
    """
    first, second = np.diff(grey, axis=axis), np.diff(grey, 2, axis=axis)
    return float(second.std() / max(float(first.std()), 1e-6))


def means(pixels: Pixels, columns: int, rows: int) -> NDArray[np.float64]:
    """The picture brought down to so many grey values: (rows, columns)."""
    height, width = pixels.shape[:2]
    down, across = (np.linspace(0, side, parts + 1).astype(int) for side, parts in ((height, rows), (width, columns)))
    # Sums over all that is above and to the left; of frames, which have few pixels enough for 32 bits.
    sums = cv2.integral(np.ascontiguousarray(pixels))[np.ix_(down, across)].sum(axis=2, dtype=np.int64)
    counts = 3 * np.outer(np.diff(down), np.diff(across))
    return np.asarray(np.diff(np.diff(sums, axis=0), axis=1) / np.maximum(counts, 1))

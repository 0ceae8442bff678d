"""Coming closer shows depth as well: the nose, which is nearest, grows faster than the sides of the face.

At 60 cm the ears are a sixth further away than the eyes; at 43 cm they are a quarter further. The five points, or the
detector's box, do not show this: they tremble by more. So some lines across the upright face are compared: by how much
its sides and its nose have moved outwards. Of a picture that is brought closer, or only enlarged, both have by the
same. A line is the mean of five rows, so no picture can be seen in them; they are kept sealed.
"""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from faceauth.vision import alignment

Lines = NDArray[np.float64]

# Rows of the 112 x 112 pixels of an aligned face, from the eyes to the mouth, and how many make a line.
FIRST_ROW, LAST_ROW, ROWS = 38, 83, 5
WIDE = 112
# Windows on the lines: their middle, in pixels from the middle of the face, and half their width; the nose's lines.
SIDE, SIDE_HALF = 41, 9
NOSE, NOSE_HALF = 9, 7
NOSE_LINES = slice(3, 8)
SHIFT = 5  # pixels to both sides, in which a window is looked for
FINE = 4  # steps in a pixel

# The correlation from which on two frames show the same thing there, so that what is measured means something.
CERTAIN = 0.75
# The least that a living face's sides stay behind its nose, in shares of its width; docs/liveness.md has the figures.
PERSPECTIVE = 0.008


def lines_of(face: alignment.Pixels) -> str:
    """The lines of an aligned face (112, 112, 3), a byte for each of their points, in Base64."""
    rows = face[FIRST_ROW:LAST_ROW].mean(axis=2).reshape(-1, ROWS, WIDE).mean(axis=1)
    return base64.b64encode(np.round(rows).astype(np.uint8).tobytes()).decode()


def unpacked(lines: str) -> Lines:
    return np.frombuffer(base64.b64decode(lines), np.uint8).reshape(-1, WIDE).astype(np.float64)


def lags_of(before: Sequence[str], now: str) -> tuple[float, ...]:
    """How far the sides stay behind the nose, against each frame from further away with which that is certain."""
    found = [perspective(unpacked(one), unpacked(now)) for one in before if one and now]
    return tuple(round(lag, 4) for lag, certainty in found if certainty >= CERTAIN)


def is_flat(lags: Sequence[float]) -> bool:
    """Whether a face that has become larger is as flat as a picture that was brought closer.

    The more frames, the less one tremor of the points counts. Where nothing is certain, as after a smile, nobody is
    turned away for it.
    """
    return bool(lags) and float(np.mean(lags)) < PERSPECTIVE


def perspective(before: Lines, now: Lines) -> tuple[float, float]:
    """By how much the sides of a face have grown less than its nose, and how certain that is: a correlation."""
    places = [(-SIDE, SIDE_HALF, slice(None)), (SIDE, SIDE_HALF, slice(None))]
    places += [(-NOSE, NOSE_HALF, NOSE_LINES), (NOSE, NOSE_HALF, NOSE_LINES)]
    found = [shift_of(before[rows], now[rows], middle, half) for middle, half, rows in places]
    (left, _), (right, _), (nose_left, _), (nose_right, _) = found
    lag = (nose_right - nose_left) / (2 * NOSE) - (right - left) / (2 * SIDE)
    return lag, min(correlation for _, correlation in found)


def shift_of(before: Lines, now: Lines, middle: int, half: int) -> tuple[float, float]:
    """How far a window of some lines has moved to the right, in pixels, and their mean correlation there."""
    start = WIDE // 2 + middle - half
    window = unit(before[:, start : start + 2 * half + 1][:, None])[:, 0]
    fine = np.arange(start - SHIFT, start + 2 * half + SHIFT + 1 / FINE, 1 / FINE).clip(0, WIDE - 1)
    rows = np.stack([np.interp(fine, np.arange(WIDE), line) for line in now])
    windows = sliding_window_view(rows, 2 * half * FINE + 1, axis=1)[:, :, ::FINE]
    fits = np.einsum("lsw,lw->ls", unit(windows), window).mean(axis=0)
    best = int(fits[1:-1].argmax()) + 1
    low, top, high = fits[best - 1 : best + 2]
    bend = 2 * top - low - high
    peak = best + (high - low) / (2 * bend) if bend > 1e-12 else best  # of the parabola through the three
    return float(peak / FINE - SHIFT), float(top)


def unit(windows: Lines) -> Lines:
    """Each with a mean of 0 and a length of 1, so that a product of two is their correlation."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-9))

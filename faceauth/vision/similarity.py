"""How alike two templates are: from the cosine between them to Rekognition's similarity, 0 to 100, and back.

Amazon does not say what its numbers mean. Here they mean a false match rate (FMR, ISO/IEC 19795-1): 80 is reached by
one pair of different people in 1,000, 90 by one in 10,000, 99 by one in 100,000, and 100 only by the same picture.
Between these points the scale follows the logarithm of the FMR, which between two neighbours of the table is
straight enough in the cosine to draw a line.
"""

from functools import cache
from hashlib import sha256
from typing import overload

import numpy as np
from numpy.typing import NDArray

from faceauth.vision.networks import DIGESTS

# FMR and the cosine that gives it, measured with `manage.py calibrate` (docs/models.md); another way of making
# templates needs another table.
CURVE: dict[float, float] = {
    10**-0.5: 0.0446,
    10**-1.0: 0.1196,
    10**-1.5: 0.1736,
    10**-2.0: 0.2177,
    10**-2.5: 0.2560,
    10**-3.0: 0.2903,
    10**-3.5: 0.3213,
    10**-4.0: 0.3502,
    10**-4.5: 0.3768,
    10**-5.0: 0.4027,
}


@cache
def scale_name() -> str:
    """Sixteen hexadecimal digits that change with the table and with the networks: similarities compare within one."""
    return sha256(repr((CURVE, sorted(DIGESTS.items()))).encode()).hexdigest()[:16]


# Two templates of one picture differ by the rounding of 32-bit numbers alone; that still counts as the same.
SAME = 1 - 1e-6


def of_fmr(fmr: float) -> float:
    """The similarity that a false match rate stands for, from 1e-5 to 1: straight lines over its logarithm."""
    return float(np.interp(-np.log10(fmr), [0, 3, 4, 5], [0, 80, 90, 99]))


COSINES = np.array([-1.0, *CURVE.values(), SAME])
SIMILARITIES = np.array([0.0, *map(of_fmr, CURVE), 100.0])


Numbers = NDArray[np.float64] | NDArray[np.float32]


@overload
def from_cosine(cosine: float) -> float: ...
@overload
def from_cosine(cosine: Numbers) -> NDArray[np.float64]: ...
def from_cosine(cosine: float | Numbers) -> float | NDArray[np.float64]:
    """The similarity, 0 to 100, of two templates with this cosine, -1 to 1; it never falls as the cosine rises."""
    return along(cosine, COSINES, SIMILARITIES)


@overload
def to_cosine(similarity: float) -> float: ...
@overload
def to_cosine(similarity: Numbers) -> NDArray[np.float64]: ...
def to_cosine(similarity: float | Numbers) -> float | NDArray[np.float64]:
    """The least cosine that reaches a similarity, so that a search compares cosines and converts only what it found."""
    return along(similarity, SIMILARITIES, COSINES)


def along(x: float | Numbers, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> float | NDArray[np.float64]:
    if isinstance(x, np.ndarray):
        return np.asarray(np.interp(x, xs, ys), np.float64)
    return float(np.interp(x, xs, ys))

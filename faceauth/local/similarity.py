"""Placeholder until calibrated."""

import numpy as np

COSINES = (-1.0, 0.364, 0.425, 0.494, 1.0)
SIMILARITIES = (0.0, 80.0, 90.0, 99.0, 100.0)


def from_cosine(cosine: float) -> float:
    return float(np.interp(cosine, COSINES, SIMILARITIES))


def to_cosine(similarity: float) -> float:
    return float(np.interp(similarity, SIMILARITIES, COSINES))

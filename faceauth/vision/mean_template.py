"""Subtract the mean template of many people, so that templates compare by what tells people apart.

All templates of SFace lean towards one direction, which says "a face" and nothing of whose. Without it strangers are
less alike, at no cost: docs/models.md has the figures. `manage.py calibrate FOLDER --mean FILE` makes the mean.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Templates = NDArray[np.float32]
"""(n, 128) or (128,), rows of unit length."""
Mean = NDArray[np.float64]
"""(128,), shorter than 1."""

DECIMALS = 6


def centred(templates: Templates, mean: Mean) -> Templates:
    """The templates without the mean, of unit length again."""
    rest = templates.astype(np.float64) - mean
    lengths = np.linalg.norm(rest, axis=-1, keepdims=True)
    return np.asarray(rest / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def uncentred(templates: Templates, mean: Mean) -> Templates:
    """The templates that `centred` was given, which were of unit length.

    One is the mean and some length of what is left of it; the length is what makes the sum of unit length.
    """
    rest = templates.astype(np.float64)
    along = rest @ mean
    lengths = np.sqrt(along**2 + 1 - mean @ mean) - along
    return np.asarray(mean + np.expand_dims(lengths, -1) * rest, np.float32)


def mean_of(people: Iterable[Sequence[Templates] | Templates]) -> Mean:
    """The mean over people of the mean of each one's templates, so that each person counts once."""
    return np.asarray(np.mean([np.mean(one, axis=0, dtype=np.float64) for one in people], axis=0), np.float64)


def read(content: bytes) -> Mean:
    """The mean in a file that `written` made."""
    return np.asarray(json.loads(content)["mean"], np.float64)


def written(mean: Mean, origin: dict[str, Any]) -> bytes:
    """A file with the mean and where it comes from: JSON, a line for every eight numbers."""
    numbers = [f"{number:.{DECIMALS}f}" for number in mean]
    lines = [", ".join(numbers[start : start + 8]) for start in range(0, len(numbers), 8)]
    head = json.dumps(origin, indent=2).removesuffix("\n}")
    return (head + ',\n  "mean": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n").encode()

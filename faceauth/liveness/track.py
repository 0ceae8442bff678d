"""Whether all frames of a liveness check show one person: the templates of its parts, compared by their means.

The mean of the cosines between the frames of two parts is the dot product of the two parts' mean templates, so the sum
of the templates of each part is all that must be kept. It is as secret as a template, and kept sealed alone.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

# The cosine of a single frame and of the first ones, under which somebody else is before the camera: a false match rate
# of 1 in 300. It may be this low since all frames are compared once more at the end.
SAME = 0.35

# The mean cosines that the parts of a check must have at its end. docs/liveness.md tells what people and attacks have.
BASE_TO_FINAL = 0.52
MOVES_TO_REST = 0.50
# Against the cosine of the first and the last frames: a head that turns changes more than one that does not.
MOVES_SHARE = 0.72
EACH_SHARE = 0.60
EACH_TO_END = 0.28  # of each movement, to the first and to the last frames: two people have it once in a hundred times
# Frontal frames of one sitting are at least so alike, and then a raised chin is too. Of one photo all frontal frames
# are the same, and a raised chin that is made of it is almost another face.
ONE_SITTING = 0.925
CHIN_SHARE = 0.785
# The movements are as like the first frames as the last ones: nobody is somebody else by and by.
LEANING = 0.12


@dataclass(frozen=True, slots=True)
class Part:
    """The sum of some templates: 128 numbers, as 16-bit floats in Base64."""

    count: int = 0
    packed: str = field(default="", repr=False)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(128,), of length 1 at most; zeros where there is no frame."""
        if not self.count:
            return np.zeros(128)
        return np.frombuffer(base64.b64decode(self.packed), np.float16).astype(np.float64)

    def plus(self, template: tuple[float, ...]) -> Self:
        count = self.count + 1
        mean = (self.mean * self.count + np.asarray(template, np.float64)) / count
        return type(self)(count, base64.b64encode(mean.astype(np.float16).tobytes()).decode())

    @property
    def agreement(self) -> float:
        """The mean cosine of any two of them; 1 of a single one."""
        if self.count < 2:
            return 1.0
        mean = self.mean
        return float((self.count * (mean @ mean) - 1) / (self.count - 1))

    def like(self, template: tuple[float, ...]) -> float:
        """The cosine of a template and of the mean of these."""
        mean = self.mean
        length = float(np.linalg.norm(mean))
        return float(mean @ np.asarray(template, np.float64)) / length if length else 0.0


NOTHING = Part()


def alike(one: Part, other: Part) -> float:
    """The mean of the cosines of each frame of one part with each of the other."""
    return float(one.mean @ other.mean)


def together(parts: Iterable[Part]) -> Part:
    """All frames of some parts as one."""
    given = [part for part in parts if part.count]
    count = sum(part.count for part in given)
    if not count:
        return Part()
    mean = np.sum([part.mean * part.count for part in given], axis=0) / count
    return Part(count, base64.b64encode(mean.astype(np.float16).tobytes()).decode())


def one_person(base: Part, moves: tuple[Part, ...], finals: Part, chins: tuple[Part, ...] = ()) -> bool:
    """Whether the base frames, the movements and the last frames, where there are any, are one person's.

    No movement may be somebody else's, and all together must be closer than any single one: the more frames, the less
    their mean depends on one bad frame. `chins` are those of the movements that raise the chin.
    """
    frontal = alike(base, finals) if finals.count else base.agreement
    every, rest = together(moves), together((base, finals))
    if frontal < BASE_TO_FINAL:
        return False
    if not every.count:
        return True
    if finals.count and abs(alike(every, base) - alike(every, finals)) > LEANING:
        return False
    shown = [move for move in moves if move.count > 1]
    if any(alike(move, rest) < EACH_SHARE * frontal for move in shown):
        return False
    if any(alike(move, end) < EACH_TO_END for move in shown for end in (base, finals) if end.count):
        return False
    one_sitting = finals.count and max(frontal, base.agreement) >= ONE_SITTING
    if one_sitting and any(alike(chin, rest) < CHIN_SHARE * frontal for chin in chins):
        return False
    return alike(every, rest) >= max(MOVES_TO_REST, MOVES_SHARE * frontal)

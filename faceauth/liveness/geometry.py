"""The five points of a face from frame to frame: what a head does, and what a flat picture of one cannot.

Depth is what a picture lacks. Eyes and mouth lie about in one plane, and the nose stands out of it: when a head turns,
the nose moves between them. Of a flat picture, however it is held, the nose stays where the plane's own movement
(a homography) takes it. docs/liveness.md says where each number comes from.
"""

import math
from collections.abc import Sequence

import numpy as np

from faceauth.liveness.observation import Observation
from faceauth.liveness.requests import Ask
from faceauth.vision import alignment, faces

# Degrees. Whoever looks straight at a camera is within the first.
STRAIGHT = 10.0
TURN = 20.0
# Up is counted from where the person looked at first: a camera may stand low, and a nose may be short.
UP = 10.0
ASIDE = 15.0  # what a head that looks up may be turned
ALMOST = 0.7  # of a movement: a head that is between this and all of it has not come back
# By how much a face is larger that has come closer, and the share of the picture's height from which it cannot.
CLOSER = 1.2
SIZES = 1.1  # how much larger a face may be measured that has not come closer
ROOM = 0.55

# How far the nose must move against the plane of eyes and mouth, in distances between the eyes: what 99 in 100 living
# heads do at these turns. A flat picture's does not, until it is so oblique that the detector guesses.
TURN_DEPTH = 0.11
UP_DEPTH = 0.07
# It is then much narrower than a head that is turned that far: the distance of the eyes to their height over the mouth,
# against the same of the frontal frame and the cosine of the turn. A mouth that opens makes heads narrower too.
NARROWEST = 0.7
# And one that is tilted back is wider: no wider than a head becomes by a turn of 22 degrees, 1 / cos(22).
WIDEST = 1.08

# What a head does at most: degrees, distances between the eyes, and shares of its size (log), in a second; and within
# which bounds that is counted between two frames, since detectors tremble and time can be long.
TURNING = (100.0, 15.0, 35.0)
MOVING = (4.0, 0.6, 2.0)
GROWING = (0.9, 0.12, 0.4)

# How far the grey values of two frames' fields may be apart, 0 to 255, where the second is a copy of the first. Copies
# with new noise, encoded anew, have 0.8 at most; a face that has moved by a pixel has 1.5.
NEARLY = 1.0

NOSE = faces.LANDMARKS.index("nose")
FRAME = [number for number, name in enumerate(faces.LANDMARKS) if name != "nose"]


def points(seen: Observation) -> alignment.Points:
    return np.asarray(seen.landmarks, np.float64)


def frame(face: alignment.Points) -> alignment.Points:
    """The four points that lie in a plane: eyes and mouth."""
    return face[FRAME]


def eyes(face: alignment.Points) -> float:
    """The distance of the eyes, in pixels."""
    return float(np.linalg.norm(face[1] - face[0]))


def rise(face: alignment.Points) -> float:
    """The height of the eyes over the mouth, in pixels, which a turn does not change."""
    return float(np.linalg.norm((face[3] + face[4] - face[0] - face[1]) / 2))


def growth(before: alignment.Points, now: alignment.Points) -> float:
    """By how much a face has become larger: the distance of the eyes and their height both say it, and a turn or a
    mouth that opens changes only one of them."""
    return min(eyes(now) / eyes(before), rise(now) / rise(before), key=lambda ratio: abs(math.log(ratio)))


def width(before: alignment.Points, now: alignment.Points) -> float:
    """How wide a face is for its height, against what it was before: 1 when the head has not turned."""
    return eyes(now) / rise(now) * rise(before) / eyes(before)


def depth(before: alignment.Points, now: alignment.Points) -> tuple[float, float]:
    """How far the nose has moved against the plane of eyes and mouth: (across, down) as the face stands, in distances
    between the eyes. A flat picture's nose does not, from whatever side one looks at it."""
    plane = homography(frame(before), frame(now))
    x, y, scale = plane @ (*before[NOSE], 1.0)
    moved = complex(*(now[NOSE] - np.array([x, y]) / scale))
    across = complex(*(now[1] - now[0]))
    upright = moved * across.conjugate() / abs(across)
    unit = eyes(before) * rise(now) / rise(before)
    return upright.real / unit, upright.imag / unit


def homography(source: alignment.Points, target: alignment.Points) -> alignment.Points:
    """The projective map of the plane that takes four points to four others: (3, 3)."""
    rows: list[Sequence[float]] = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    solution = np.linalg.lstsq(np.array(rows), target.ravel(), rcond=None)[0]
    return np.append(solution, 1.0).reshape(3, 3)


def has_depth(base: Observation, seen: Observation) -> bool:
    """Whether a turned or raised head is a head, and not a picture of one."""
    before, now = points(base), points(seen)
    across, down = depth(before, now)
    if abs(seen.yaw) >= TURN:
        stands_out = across * math.copysign(1, seen.yaw) >= TURN_DEPTH
        return stands_out and width(before, now) >= NARROWEST * math.cos(math.radians(seen.yaw))
    return seen.pitch - base.pitch >= UP and -down >= UP_DEPTH and width(before, now) <= WIDEST


def shown(base: Observation, seen: Observation) -> set[Ask]:
    """What can be seen in a frame, of all that somebody may be asked for. Closer is closer than in the base."""
    poses = set()
    if seen.yaw >= TURN:
        poses.add(Ask.LEFT)  # the nose points to the right of the picture, which is the person's left
    elif seen.yaw <= -TURN:
        poses.add(Ask.RIGHT)
    elif abs(seen.yaw) <= ASIDE and seen.pitch - base.pitch >= UP:
        poses.add(Ask.UP)
    elif is_straight(base, seen):
        poses.add(Ask.STRAIGHT)
        if growth(points(base), points(seen)) >= CLOSER:
            poses.add(Ask.CLOSER)
    return poses


def almost(ask: Ask, base: Observation, seen: Observation) -> bool:
    """Whether a movement that was seen a moment ago is only just not seen: it is as good as held."""
    if ask == Ask.UP:
        return abs(seen.yaw) <= ASIDE and seen.pitch - base.pitch >= ALMOST * UP
    return ask in (Ask.LEFT, Ask.RIGHT) and seen.yaw * (1 if ask == Ask.LEFT else -1) >= ALMOST * TURN


def is_straight(base: Observation, seen: Observation) -> bool:
    return abs(seen.yaw) <= STRAIGHT and abs(seen.pitch - base.pitch) < UP


def jumps(last: Observation, seen: Observation) -> bool:
    """Whether a head would have to move faster than heads do."""
    seconds = seen.at - last.at
    before, now = points(last), points(seen)
    size = eyes(before)
    turned = max(abs(seen.yaw - last.yaw), abs(seen.pitch - last.pitch))
    moved = float(np.linalg.norm(frame(now).mean(axis=0) - frame(before).mean(axis=0))) / size
    grown = abs(math.log(growth(before, now)))
    return any(
        amount > min(max(speed * seconds, least), most)
        for amount, (speed, least, most) in ((turned, TURNING), (moved, MOVING), (grown, GROWING))
    )


def nearly(one: Observation, other: Observation) -> bool:
    """Whether one of two frames is a copy of the other, lighter or darker perhaps."""
    if not one.fields or not other.fields:
        return False
    apart = np.subtract(one.fields, other.fields)
    return bool(np.abs(apart - np.median(apart)).max() <= NEARLY)

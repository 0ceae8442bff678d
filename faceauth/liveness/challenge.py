"""The look: a short conversation with the camera that shows that a living person is there.

A state machine without clock, database or words: `step(state, observation)` gives the next state and what to say. An
observation is one frame, and carries its time. Somebody is asked, at random, for three movements of the head and often
for one thing more, and each must be seen to happen: one face, the same one, moving as a head moves, and with the depth
of a head.
docs/look.md has what was measured, and where each number comes from.

Depth is what a picture lacks. Eyes and mouth lie about in one plane, and the nose stands out of it: when a head turns,
the nose moves between them. Of a flat picture, however it is held, the nose stays where the plane's own movement
(a homography) takes it. Only a turn shows this well, so every look asks for at least one.
"""

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

import numpy as np

from faceauth.outcomes import Reason, Refusal
from faceauth.vision import quality_gate
from faceauth.vision.faces import LANDMARKS, Pixels, Points, find_faces, fingerprint, side_of, template


class Ask(StrEnum):
    """What somebody can be asked for. Left and right are their own."""

    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    CLOSER = "closer"


class Hint(StrEnum):
    """What else can be said while the look goes on."""

    LESS = "less"  # turned so far that the face is hardly seen
    OTHER = "other"  # something else than what was asked for, which may be a slip
    DONE = "done"


class Code(StrEnum):
    """Why a look ended without success: for the operator's log. The person hears less, or would learn how to cheat."""

    FLAT = "flat"  # turned, and as flat as a picture
    UNMOVED = "unmoved"  # until the time was over nothing was seen that a moved picture would not show
    STILL = "still"  # nor anything but copies of earlier frames
    REPEATED = "repeated"  # the very same frame again
    ANOTHER_PERSON = "another_person"
    JUMP = "jump"  # further than a head moves in that time
    WRONG_POSE = "wrong_pose"  # something else than what was asked for
    SEVERAL_FACES = "several_faces"
    LOST = "lost"  # no usable face for too long
    TOO_SLOW = "too_slow"
    TOO_FAST = "too_fast"


# How many seconds a look may take, and how many may pass between two of its frames.
SECONDS = 20.0
MOST_BETWEEN = 3.0
# The page waits longer than this; whoever does not is no page.
LEAST_BETWEEN = 0.1

# Degrees. Whoever looks straight at a camera is within the first.
STRAIGHT = 10.0
TURN = 20.0
# Up is counted from where the person looked at first: a camera may stand low, and a nose may be short.
UP = 10.0
ASIDE = 15.0  # what a head that looks up may be turned
# By how much a face is larger that has come closer, and the share of the picture's height from which it cannot.
CLOSER = 1.2
ROOM = 0.55
# Movements that somebody is asked for. With two a recording fits too often.
MOVEMENTS = 3
# Frames in which something must be seen: one may be a slip of the detector.
HELD = 2
# Frontal frames that it begins with, of which the one with the middle pitch is the base of all that follows: of one
# alone the chin may just be up, and could not be raised any more.
FIRST = 3

# How far the nose must move against the plane of eyes and mouth, in distances between the eyes: what 99 in 100 living
# heads do at these turns. A flat picture's does not, until it is so oblique that the detector guesses.
TURN_DEPTH = 0.11
UP_DEPTH = 0.07
# It is then much narrower than a head that is turned that far: the distance of the eyes to their height over the mouth,
# against the same of the frontal frame and the cosine of the turn.
NARROWEST = 0.8
# And one that is tilted back is much wider.
WIDEST = 1.12
MOST_FLAT = 3

# The cosine of two templates that are the same person: a false match rate of 1 in 10,000, frontal or turned.
SAME = 0.42

# What a head does at most: degrees, distances between the eyes, and shares of its size (log), in a second; and within
# which bounds that is counted between two frames, since detectors tremble and time can be long.
TURNING = (100.0, 15.0, 35.0)
MOVING = (4.0, 0.6, 2.0)
GROWING = (0.9, 0.12, 0.4)

# Two frames are almost the same where both hold: bits of 64 in which their fingerprints differ, and how far the points
# of the face have moved, in distances between the eyes. Copies that were encoded anew, with new noise, stay below;
# somebody who sits still does so for a moment, and moves a few millimetres within a second.
NEAR_BITS = 2
NEAR_MOVED = 0.035

# Frames in a row that are tolerated without being taken, by what is wrong with them.
MOST_BLIND = 6
MOST_STRANGE = 2
MOST_JUMPS = 3

MOST_SLIPS = 1

# The frames that it ends on, of which the best are recognised together.
FINAL = 3
MOST_FINAL = 8


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame: when it came (seconds), which it is, and the face in it, or why there is none."""

    at: float
    digest: str
    """Of the exact bytes, keyed."""
    fingerprint: int = 0
    """64 bits that near copies share: `vision.fingerprint`."""
    refusal: Reason | None = None
    landmarks: tuple[tuple[float, float], ...] = ()
    """The five points, in pixels."""
    yaw: float = 0.0
    pitch: float = 0.0
    share: float = 0.0
    """Of the picture's height, that the face takes."""
    template: tuple[float, ...] = field(default=(), repr=False)
    quality: float = 0.0
    """Higher is better: which of several frontal frames to prefer."""
    good: bool = False
    """Whether somebody may be remembered by it."""


def observe(pixels: Pixels, digest: str, at: float) -> Observation:
    """What a frame shows. Raises `vision.ModelError`."""
    faces = find_faces(pixels)
    face = quality_gate.judge(faces, pixels)
    bits = fingerprint(pixels)
    if isinstance(face, Refusal):
        return Observation(at, digest, bits, face.reason)
    return Observation(
        at=at,
        digest=digest,
        fingerprint=bits,
        landmarks=tuple((round(float(x), 2), round(float(y), 2)) for x, y in face.landmarks),
        yaw=face.pose.yaw,
        pitch=face.pose.pitch,
        share=side_of(face.box) / pixels.shape[0],
        template=tuple(round(float(number), 5) for number in template(pixels, face)),
        quality=face.quality.sharpness - abs(face.pose.yaw) - abs(face.pose.pitch) / 2,
        good=not isinstance(quality_gate.judge_for_enrolment(faces, pixels), Refusal),
    )


@dataclass(frozen=True, slots=True)
class State:
    """How far a look has come. It holds numbers, and no picture; its templates are secret, so it is kept sealed."""

    started: float
    before: float | None = None
    """When the frame before came."""
    first: tuple[Observation, ...] = ()
    """The first frontal frames, until there are enough."""
    base: Observation | None = None
    """One of these, with which all others are compared."""
    last: Observation | None = None
    """The last frame that was taken, without its template."""
    asks: tuple[Ask, ...] = ()
    done: int = 0
    held: int = 0
    wrong: int = 0
    """Frames in a row that show something else than what was asked for."""
    armed: bool = True
    """Whether the head was straight since the last request: before, it is still on its way back."""
    slips: int = 0
    flat: int = 0
    untaken: int = 0
    still: int = 0
    seen: tuple[Observation, ...] = ()
    """The frames that were taken, without their templates."""
    finals: tuple[Observation, ...] = ()
    passed: bool = False
    failure: Code | None = None

    @property
    def over(self) -> bool:
        return self.passed or self.failure is not None

    @property
    def asking(self) -> Ask:
        """What the person is asked for now."""
        return self.asks[self.done] if self.base and self.done < len(self.asks) else Ask.STRAIGHT

    @property
    def progress(self) -> float:
        """0 to 1."""
        if self.passed:
            return 1.0
        steps = FIRST + (len(self.asks) or MOVEMENTS) * HELD + FINAL
        begun = FIRST if self.base else len(self.first)
        return (begun + self.done * HELD + self.held + len(self.finals)) / steps

    @property
    def best(self) -> tuple[str, ...]:
        """The digests of the frames that a passed look is recognised by, the best first."""
        ranked = sorted(self.finals, key=lambda one: (one.good, one.quality), reverse=True)
        return tuple(one.digest for one in ranked[:FINAL])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        def observations(name: str) -> tuple[Observation, ...]:
            return tuple(observation(one) for one in content[name])

        def observation(one: dict[str, Any]) -> Observation:
            points = tuple((x, y) for x, y in one["landmarks"])
            return Observation(**one | {"landmarks": points, "template": tuple(one["template"])})

        one_each = {name: observation(content[name]) if content[name] else None for name in ("base", "last")}
        several = {name: observations(name) for name in ("first", "seen", "finals")}
        enums = {
            "asks": tuple(Ask(ask) for ask in content["asks"]),
            "failure": Code(content["failure"]) if content["failure"] else None,
        }
        return cls(**content | one_each | several | enums)


chance = secrets.SystemRandom()

Say = Ask | Hint | Reason | Code
Draw = Callable[[bool], tuple[Ask, ...]]


def draw(room: bool = True) -> tuple[Ask, ...]:
    """Three movements that nobody can foresee, a turn among them, and perhaps something else once.

    A movement may come again later: a film of each of them would fit too often if all were different. `room` says
    whether the person can come closer. Drawn until it fits.
    """
    others = [None, Ask.STRAIGHT, *([Ask.CLOSER] if room else [])]
    while True:
        asks = chance.choices(sorted(MOVES), k=MOVEMENTS)
        other = chance.choice(others)
        if other:
            asks.insert(chance.randint(0, MOVEMENTS), other)
        # Twice in a row, the head is there already; and straight says nothing beside the first frame and the last ones.
        again = any(ask == after for ask, after in pairwise(asks))
        if SIDES & {*asks} and not again and Ask.STRAIGHT not in (asks[0], asks[-1]):
            return tuple(asks)


def step(state: State, seen: Observation, draw: Draw = draw) -> tuple[State, Say]:
    """Take one frame into account: the next state, and what to say. A look that is over stays as it is."""
    if state.over:
        return state, state.failure or Hint.DONE
    failure = out_of_time(state, seen)
    if failure:
        return failed(state, failure)
    state = replace(state, before=seen.at)
    if any(seen.digest == one.digest for one in state.seen):
        return failed(state, Code.REPEATED)
    base = state.base
    if base is None:
        return begin(state, seen, draw)
    doubt = doubt_about(state, base, seen)
    if doubt:
        return untaken(state, *doubt)
    state = replace(state, untaken=0)
    if any(nearly(seen, one) for one in state.seen):
        # Nothing new, so it counts for nothing; but nothing is wrong with sitting still for a moment.
        return replace(state, still=state.still + 1), state.asking
    state = replace(state, last=bare(seen), seen=(*state.seen, bare(seen)), still=0)
    if state.done == len(state.asks):
        return finish(state, base, seen)
    return answer(state, base, seen, draw)


def out_of_time(state: State, seen: Observation) -> Code | None:
    if seen.at - state.started > SECONDS:
        return why_not(state)
    if seen.at - (state.before or state.started) > MOST_BETWEEN:
        return Code.TOO_SLOW
    if state.before is not None and seen.at - state.before < LEAST_BETWEEN:
        return Code.TOO_FAST
    return None


def why_not(state: State) -> Code:
    """What was wrong with a look that has not come to its end in time."""
    if state.still > MOST_BLIND:
        return Code.STILL
    if state.base and len(state.seen) > MOST_BLIND and not any(has_depth(state.base, one) for one in state.seen):
        return Code.UNMOVED
    return Code.TOO_SLOW


def failed(state: State, code: Code) -> tuple[State, Say]:
    """Over; what it was compared with is not needed any more."""
    return State(state.started, failure=code), code


def bare(seen: Observation) -> Observation:
    return replace(seen, template=())


# The first frames -----------------------------------------------------------------------------------------------------


def begin(state: State, seen: Observation, draw: Draw) -> tuple[State, Say]:
    """Wait for a frontal face, and say what is in its way; then ask for the first thing."""
    if seen.refusal:
        return state, seen.refusal
    if abs(seen.yaw) > STRAIGHT:
        return state, Ask.STRAIGHT
    state = replace(state, first=(*state.first, seen), last=bare(seen), seen=(*state.seen, bare(seen)))
    if len(state.first) == FIRST:
        base = sorted(state.first, key=lambda one: one.pitch)[FIRST // 2]
        state = replace(state, first=(), base=base, asks=draw(seen.share < ROOM))
    return state, state.asking


# Doubts ---------------------------------------------------------------------------------------------------------------


def doubt_about(state: State, base: Observation, seen: Observation) -> tuple[Code, int, Say] | None:
    """Why a frame cannot be taken: how a look fails by it, after how many in a row, and what to say until then."""
    if seen.refusal == Reason.SEVERAL_FACES:
        return Code.SEVERAL_FACES, MOST_BLIND, seen.refusal
    if seen.refusal == Reason.TURNED_AWAY:
        return Code.LOST, MOST_BLIND, Hint.LESS
    if seen.refusal:
        return Code.LOST, MOST_BLIND, seen.refusal
    if float(np.dot(base.template, seen.template)) < SAME:
        return Code.ANOTHER_PERSON, MOST_STRANGE, state.asking
    if state.last and jumps(state.last, seen):
        return Code.JUMP, MOST_JUMPS, state.asking
    return None


def untaken(state: State, code: Code, most: int, say: Say) -> tuple[State, Say]:
    state = replace(state, untaken=state.untaken + 1)
    return failed(state, code) if state.untaken >= most else (state, say)


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
    """Whether two frames are almost the same picture."""
    if (one.fingerprint ^ other.fingerprint).bit_count() > NEAR_BITS:
        return False
    a, b = points(one), points(other)
    return float(np.abs(a - b).max()) <= NEAR_MOVED * eyes(a)


# What was asked for ---------------------------------------------------------------------------------------------------


# What shows depth. Coming closer does not, and whoever has come closer stays there.
SIDES = {Ask.LEFT, Ask.RIGHT}
MOVES = SIDES | {Ask.UP}


def answer(state: State, base: Observation, seen: Observation, draw: Draw) -> tuple[State, Say]:
    """Whether the person does what they were asked for."""
    state = replace(state, armed=state.armed or is_straight(base, seen))
    poses = shown(base, seen)
    if poses & MOVES and not has_depth(base, seen):
        state = replace(state, flat=state.flat + 1, held=0)
        return failed(state, Code.FLAT) if state.flat >= MOST_FLAT else (state, state.asking)
    if state.asking in poses:
        return hold(replace(state, wrong=0), seen)
    wrong = state.armed and poses & MOVES and (abs(seen.yaw) <= STRAIGHT or abs(seen.yaw) >= TURN)
    state = replace(state, held=0, wrong=state.wrong + 1 if wrong else 0)
    if state.wrong < HELD:
        return state, state.asking
    # Left and right are mixed up, and a chin is up by itself where somebody looked down at first, or leans forward.
    may_slip = state.slips < MOST_SLIPS and (state.asking in SIDES or Ask.UP in poses)
    return slip(state, seen, draw) if may_slip else failed(state, Code.WRONG_POSE)


def hold(state: State, seen: Observation) -> tuple[State, Say]:
    state = replace(state, held=state.held + 1)
    if state.held == HELD:
        # It may take the person a moment to come back from where they are.
        state = replace(state, done=state.done + 1, held=0, armed=state.asking == Ask.STRAIGHT)
    return state, state.asking


def slip(state: State, seen: Observation, draw: Draw) -> tuple[State, Say]:
    """People do mix up left and right. They come back, what is left to ask is drawn anew, and one movement more, or a
    recording could just wait its turn."""
    done = state.asks[: state.done]
    asks = (*done, Ask.STRAIGHT, *draw(seen.share < ROOM and Ask.CLOSER not in done))
    asks += (chance.choice(sorted(MOVES - {asks[-1]})),)
    return replace(state, asks=asks, wrong=0, armed=False, slips=state.slips + 1), Hint.OTHER


def shown(base: Observation, seen: Observation) -> set[Ask]:
    """What can be seen in a frame, of all that somebody may be asked for."""
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


def is_straight(base: Observation, seen: Observation) -> bool:
    return abs(seen.yaw) <= STRAIGHT and abs(seen.pitch - base.pitch) < UP


def finish(state: State, base: Observation, seen: Observation) -> tuple[State, Say]:
    """Collect frontal frames until there are enough good ones, or enough to choose from."""
    if not is_straight(base, seen):
        return state, state.asking
    finals = (*state.finals, bare(seen))
    passed = sum(one.good for one in finals) >= FINAL or len(finals) >= MOST_FINAL
    if not passed:
        return replace(state, finals=finals), state.asking
    # Nothing is compared any more: only which frames they were is still needed.
    return State(state.started, finals=finals, passed=True), Hint.DONE


# Geometry -------------------------------------------------------------------------------------------------------------

NOSE = LANDMARKS.index("nose")
FRAME = [number for number, name in enumerate(LANDMARKS) if name != "nose"]


def points(seen: Observation) -> Points:
    return np.asarray(seen.landmarks, np.float64)


def frame(face: Points) -> Points:
    """The four points that lie in a plane: eyes and mouth."""
    return face[FRAME]


def eyes(face: Points) -> float:
    """The distance of the eyes, in pixels."""
    return float(np.linalg.norm(face[1] - face[0]))


def rise(face: Points) -> float:
    """The height of the eyes over the mouth, in pixels, which a turn does not change."""
    return float(np.linalg.norm((face[3] + face[4] - face[0] - face[1]) / 2))


def growth(before: Points, now: Points) -> float:
    """By how much a face has become larger: the distance of the eyes and their height both say it, and a turn or a
    mouth that opens changes only one of them."""
    return min(eyes(now) / eyes(before), rise(now) / rise(before), key=lambda ratio: abs(math.log(ratio)))


def width(before: Points, now: Points) -> float:
    """How wide a face is for its height, against what it was before: 1 when the head has not turned."""
    return eyes(now) / rise(now) * rise(before) / eyes(before)


def depth(before: Points, now: Points) -> tuple[float, float]:
    """How far the nose has moved against the plane of eyes and mouth: (across, down) as the face stands, in distances
    between the eyes. A flat picture's nose does not, from whatever side one looks at it."""
    plane = homography(frame(before), frame(now))
    x, y, scale = plane @ (*before[NOSE], 1.0)
    moved = complex(*(now[NOSE] - np.array([x, y]) / scale))
    across = complex(*(now[1] - now[0]))
    upright = moved * across.conjugate() / abs(across)
    unit = eyes(before) * rise(now) / rise(before)
    return upright.real / unit, upright.imag / unit


def homography(source: Points, target: Points) -> Points:
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

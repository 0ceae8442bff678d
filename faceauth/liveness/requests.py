"""What a liveness check asks for, what it says, and the random order of its requests."""

import secrets
from enum import StrEnum
from itertools import pairwise, product

chance = secrets.SystemRandom()


class Kind(StrEnum):
    """How much a check asks for. Whoever starts it chooses."""

    FULL = "full"  # several movements: for a device that nobody knows
    SINGLE = "single"  # one movement that cannot be foreseen: for a trusted device
    GLANCE = "glance"  # some live frames and no movement: the weakest, for a trusted device whose owner chose it


class Ask(StrEnum):
    """What somebody can be asked for. Left and right are their own."""

    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    CLOSER = "closer"


class Hint(StrEnum):
    """What else can be said while a check goes on."""

    LESS = "less"  # turned so far that the face is hardly seen
    OTHER = "other"  # something else than what was asked for, which may be a slip
    DONE = "done"


class Code(StrEnum):
    """Why a check ended without success."""

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


SIDES = {Ask.LEFT, Ask.RIGHT}
MOVES = SIDES | {Ask.UP}
"""The movements that show depth. Coming closer does not, and whoever has come closer stays there."""

# Movements of a full check. Of fewer too few sequences can be made, and a recording fits too often: docs/liveness.md
# has the figures. Whoever cannot come closer has one movement less to draw from, and may be asked for one more.
FIVE, SIX = 5, 6
# Frames in which a movement must be seen, drawn for each: whoever is filmed cannot know when to leave it.
HOLDS = {Kind.FULL: (2, 3), Kind.SINGLE: (2,), Kind.GLANCE: (2,)}


def draw(room: bool = True) -> tuple[Ask, ...]:
    """Movements that nobody can foresee, a turn and a raised chin among them; all that fit are equally likely.

    A movement may come again later: a film of each of them would fit too often if all were different. `room` says
    whether the person can come closer.
    """
    return chance.choice(WITH_ROOM if room else WITHOUT_ROOM)


def fits(asks: tuple[Ask, ...]) -> bool:
    # Twice in a row, the head is there already; and whoever is close already cannot come closer again.
    again = any(ask == after for ask, after in pairwise(asks))
    return bool(SIDES & {*asks}) and Ask.UP in asks and asks.count(Ask.CLOSER) <= 1 and not again


WITH_ROOM = [asks for asks in product(sorted(MOVES | {Ask.CLOSER}), repeat=FIVE) if fits(asks)]
WITHOUT_ROOM = [asks for length in (FIVE, SIX) for asks in product(sorted(MOVES), repeat=length) if fits(asks)]


def requests_for(kind: Kind, drawn: tuple[Ask, ...]) -> tuple[Ask, ...]:
    """What of a draw is asked for: of a single movement, one that shows depth."""
    if kind == Kind.FULL:
        return drawn
    return tuple(ask for ask in drawn if ask in MOVES)[: 1 if kind == Kind.SINGLE else 0]


def holds_for(kind: Kind, asks: tuple[Ask, ...]) -> tuple[int, ...]:
    """How many frames of each must be seen."""
    return tuple(chance.choice(HOLDS[kind]) for _ in asks)

"""What the page shows while a liveness check goes on: live values for its drawings, and one concrete hint."""

from dataclasses import dataclass
from enum import StrEnum

from faceauth.liveness.observation import Observation
from faceauth.outcomes import Reason

# Seconds without progress, after which a hint is given.
PATIENCE = 3.0

# Of the picture's height: the face of somebody at arm's length has 0.35 to 0.5.
NEAR_ENOUGH, NOT_TOO_NEAR = 0.25, 0.62
RIGHT_SHARE = 0.42
ASIDE = 0.16  # the share of the picture by which a face may be off its middle
HIGH_OR_LOW = 16.0  # degrees: from further above or below no chin can be raised, or seen to be
DIM = 18.0  # per cent of white: darker faces are recognised, but with more noise
COVERED = 3.0  # per cent of white: the contrast of a lens behind a finger, a shutter or a sticker


class Help(StrEnum):
    """One thing that somebody can do about it."""

    FURTHER = "further"
    CLOSER = "closer"
    BRIGHTER = "brighter"
    DARKER = "darker"
    COVERED = "covered"  # something lies over the lens
    PHONE_HIGHER = "phone_higher"
    PHONE_LOWER = "phone_lower"
    STILL = "still"  # the picture is blurred
    ALONE = "alone"
    CENTRE = "centre"


BY_REASON = {
    Reason.SEVERAL_FACES: Help.ALONE,
    Reason.TOO_SMALL: Help.CLOSER,
    Reason.TOO_DARK: Help.BRIGHTER,
    Reason.TOO_BRIGHT: Help.DARKER,
    Reason.BLURRED: Help.STILL,
}


@dataclass(frozen=True, slots=True)
class Live:
    """Where the head is now. All of it is rounded: it moves a drawing, and tells no more than that needs."""

    yaw: int
    """Degrees to the person's left."""
    pitch: int
    """Degrees up, from where the person looked at first."""
    right: float
    down: float
    """From the picture's middle, in shares of its width and height."""
    distance: float
    """0 at arm's length, 1 where the face is twice as large, -1 where it is half as large."""
    fits: bool
    """Whether distance and place are right for the oval."""


def live(seen: Observation, base_pitch: float = 0.0) -> Live | None:
    """The live values of a frame; None where no face is seen."""
    if not seen.share:
        return None
    ratio = seen.share / RIGHT_SHARE
    right, down = seen.place
    return Live(
        yaw=round(seen.yaw),
        pitch=round(seen.pitch - base_pitch),
        right=round(right, 2),
        down=round(down, 2),
        distance=round(max(-1.0, min(1.0, ratio - 1 if ratio > 1 else 1 - 1 / ratio)), 2),
        fits=not seen.refusal and placing(seen) is None,
    )


def placing(seen: Observation) -> Help | None:
    """What is wrong with where the face is."""
    right, down = seen.place
    if seen.share > NOT_TOO_NEAR:
        return Help.FURTHER
    if seen.share < NEAR_ENOUGH:
        return Help.CLOSER
    # The face is high in the picture where the camera looks too low.
    if abs(down) > ASIDE:
        return Help.PHONE_HIGHER if down < 0 else Help.PHONE_LOWER
    return Help.CENTRE if abs(right) > ASIDE else None


def help_for(seen: Observation, turned: bool = False) -> Help | None:
    """The one thing to do about a frame that brings nothing; None where nothing is wrong with it.

    `turned` says that the head is asked to be turned or raised, so that its pitch says nothing of the camera.
    """
    if seen.refusal == Reason.NO_FACE and seen.contrast < COVERED:
        return Help.COVERED
    if seen.refusal in BY_REASON:
        return BY_REASON[seen.refusal]
    if not seen.share:
        return Help.BRIGHTER if seen.light < DIM else None
    # A head that is seen from below looks up: the camera stands too low.
    if not turned and abs(seen.pitch) > HIGH_OR_LOW:
        return Help.PHONE_HIGHER if seen.pitch > 0 else Help.PHONE_LOWER
    return placing(seen) or (Help.BRIGHTER if seen.light < DIM else None)

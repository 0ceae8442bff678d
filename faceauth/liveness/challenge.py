"""The liveness check: a short conversation with the camera that shows that a living person is there.

A state machine without clock, database or words: `step(state, observation)` gives the next state and what to say. An
observation is one frame, and carries its time. Somebody is asked, at random, for some movements of the head, and each
must be seen to happen: one face, the same one in all frames, moving as a head moves, and with the depth of a head.
docs/liveness.md has what was measured, and where each number comes from.
"""

from collections.abc import Callable
from dataclasses import replace

from faceauth.liveness.geometry import (
    CLOSER,
    ROOM,
    SIZES,
    STRAIGHT,
    TURN,
    almost,
    growth,
    has_depth,
    is_straight,
    jumps,
    nearly,
    points,
    shown,
)
from faceauth.liveness.observation import Observation, bare, observe
from faceauth.liveness.perspective import is_flat, lags_of
from faceauth.liveness.requests import MOVES, SIDES, Ask, Code, Hint, Kind, chance, draw, holds_for, requests_for
from faceauth.liveness.state import FINAL, FIRST, WRONG, State
from faceauth.liveness.track import SAME, Part, one_person
from faceauth.outcomes import Reason

__all__ = [
    "FINAL",
    "FIRST",
    "MOVES",
    "Ask",
    "Code",
    "Draw",
    "Hint",
    "Kind",
    "Observation",
    "Say",
    "State",
    "draw",
    "observe",
    "step",
]

# How many seconds a check may take, how many more somebody can ask for once, and how many may pass between two frames.
SECONDS = 20.0
MORE_SECONDS = 20.0
MOST_BETWEEN = 3.0
# The page waits longer than this; whoever does not is no page.
LEAST_BETWEEN = 0.1

MOST_FLAT = 5

# Frames in a row that are tolerated without being taken, by what is wrong with them.
MOST_BLIND = 6
MOST_STRANGE = 2
MOST_JUMPS = 3

MOST_SLIPS = 1

# The last frames, of which the good ones count, until there are so many that the best of them must do.
MOST_FINAL = 8

Say = Ask | Hint | Reason | Code
Draw = Callable[[bool], tuple[Ask, ...]]


def step(state: State, seen: Observation, draw: Draw = draw) -> tuple[State, Say]:
    """Take one frame into account: the next state, and what to say. A check that is over stays as it is."""
    if state.over:
        return state, state.failure or Hint.DONE
    failure = out_of_time(state, seen)
    if failure:
        return failed(state, failure)
    before, state = state, replace(state, before=seen.at)
    if seen.pixels and any(seen.pixels == one.pixels for one in state.seen):
        return failed(state, Code.REPEATED)
    state, say = begin(state, seen, draw) if state.base is None else go_on(state, state.base, seen, draw)
    if seen.digest in state.candidates:
        state = replace(state, kept=(*state.kept, seen.digest))
    return (state, say) if state.stands_at(before) else (replace(state, moved_on=seen.at), say)


def go_on(state: State, base: Observation, seen: Observation, draw: Draw) -> tuple[State, Say]:
    doubt = doubt_about(state, seen)
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


def extended(state: State) -> State | None:
    """With more time; None where somebody had more already, or it is over."""
    if state.over or state.more:
        return None
    return replace(state, more=MORE_SECONDS)


def out_of_time(state: State, seen: Observation) -> Code | None:
    if seen.at - state.started > SECONDS + state.more:
        return why_not(state)
    if seen.at - (state.before or state.started) > MOST_BETWEEN:
        return Code.TOO_SLOW
    if state.before is not None and seen.at - state.before < LEAST_BETWEEN:
        return Code.TOO_FAST
    return None


def why_not(state: State) -> Code:
    """What was wrong with a check that has not come to its end in time."""
    if state.still > MOST_BLIND:
        return Code.STILL
    if state.base and len(state.seen) > MOST_BLIND and not any(has_depth(state.base, one) for one in state.seen):
        return Code.UNMOVED
    return Code.TOO_SLOW


def failed(state: State, code: Code) -> tuple[State, Say]:
    """Over; what it was compared with is not needed any more."""
    return State(state.started, state.kind, failure=code), code


# The first frames -----------------------------------------------------------------------------------------------------


def begin(state: State, seen: Observation, draw: Draw) -> tuple[State, Say]:
    """Wait for frontal faces of one person, and say what is in their way; then ask for the first thing."""
    if seen.refusal:
        return state, seen.refusal
    if abs(seen.yaw) > STRAIGHT:
        return state, Ask.STRAIGHT
    if any(nearly(seen, one) for one in state.seen):
        return replace(state, still=state.still + 1), Ask.STRAIGHT
    state = replace(state, last=bare(seen), seen=(*state.seen, bare(seen)), still=0)
    if state.first and state.frontal.like(seen.template) < SAME:  # they must agree; whoever is here now begins
        state = replace(state, first=(), frontal=Part())
    state = replace(state, first=(*state.first, replace(seen, template=())), frontal=state.frontal.plus(seen.template))
    if len(state.first) < FIRST[state.kind]:
        return state, Ask.STRAIGHT
    if state.kind == Kind.GLANCE:
        return passed(state)
    # Of one alone the chin may just be up, and could not be raised any more.
    base = sorted(state.first, key=lambda one: one.pitch)[(len(state.first) - 1) // 2]
    asks = requests_for(state.kind, draw(seen.share < ROOM))
    state = replace(state, base=base, asks=asks, holds=holds_for(state.kind, asks))
    return state, state.asking


# Doubts ---------------------------------------------------------------------------------------------------------------


def doubt_about(state: State, seen: Observation) -> tuple[Code, int, Say] | None:
    """Why a frame cannot be taken: how a check fails by it, after how many in a row, and what to say until then."""
    if seen.refusal == Reason.SEVERAL_FACES:
        return Code.SEVERAL_FACES, MOST_BLIND, seen.refusal
    if seen.refusal == Reason.TURNED_AWAY:
        return Code.LOST, MOST_BLIND, Hint.LESS
    if seen.refusal:
        return Code.LOST, MOST_BLIND, seen.refusal
    if state.frontal.like(seen.template) < SAME:
        return Code.ANOTHER_PERSON, MOST_STRANGE, state.asking
    if state.last and jumps(state.last, seen):
        return Code.JUMP, MOST_JUMPS, state.asking
    return None


def untaken(state: State, code: Code, most: int, say: Say) -> tuple[State, Say]:
    state = replace(state, untaken=state.untaken + 1)
    return failed(state, code) if state.untaken >= most else (state, say)


# What was asked for ---------------------------------------------------------------------------------------------------


def answer(state: State, base: Observation, seen: Observation, draw: Draw) -> tuple[State, Say]:
    """Whether the person does what they were asked for."""
    poses = shown(base, seen)
    if poses & MOVES and not has_depth(base, seen):
        state = replace(state, flat=state.flat + 1, held=0)
        return failed(state, Code.FLAT) if state.flat >= MOST_FLAT else (state, state.asking)
    grown = growth(points(base), points(seen)) if Ask.STRAIGHT in poses else 0.0
    state = replace(state, armed=state.armed or Ask.STRAIGHT in poses, largest=max(state.largest, grown))
    # Than ever before: a film that begins close has not come closer. But sizes that are measured tremble too.
    size = min(state.size, SIZES) if state.asking == Ask.CLOSER else state.size
    came_closer = grown >= CLOSER * size
    if state.asking == Ask.CLOSER and came_closer:
        lags = lags_of([one.lines for one in state.first], seen.lines)
        state = replace(state, lags=(*state.lags, *lags))
        if lags and is_flat(state.lags):  # such a frame counts for nothing
            return state, state.asking
    if came_closer if state.asking == Ask.CLOSER else state.asking in poses:
        return hold(replace(state, wrong=0), seen)
    wrong = came_closer or is_wrong(state, seen, poses)
    held = state.held if almost(state.asking, base, seen) else 0  # detectors tremble
    state = replace(state, held=held, moving=state.moving.plus(seen.template), wrong=state.wrong + 1 if wrong else 0)
    if state.wrong < WRONG:
        return state, state.asking
    # Left and right are mixed up, a chin is up by itself where somebody looked down at first, and some lean forward.
    may_slip = state.slips < MOST_SLIPS and (state.asking in SIDES or Ask.UP in poses or came_closer)
    return slip(state, seen, draw) if may_slip else failed(state, Code.WRONG_POSE)


def is_wrong(state: State, seen: Observation, poses: set[Ask]) -> bool:
    """Whether a frame shows another movement, and not only the one before, from which the head is still coming back."""
    if not poses & MOVES or STRAIGHT < abs(seen.yaw) < TURN:
        return False
    return state.armed or state.done == 0 or state.asks[state.done - 1] not in poses


def hold(state: State, seen: Observation) -> tuple[State, Say]:
    *done, part = state.moves if len(state.moves) > state.done else (*state.moves, Part())
    state = replace(state, held=state.held + 1, moves=(*done, part.plus(seen.template)))
    likeness = state.frontal.like(seen.template)
    better = state.moved is None or (seen.good, likeness) > (state.moved.good, state.likeness)
    if state.asking in MOVES and better:
        state = replace(state, moved=bare(seen), likeness=likeness)
    if state.held < state.holds[state.done]:
        return state, state.asking
    # It may take the person a moment to come back from where they are.
    armed = state.asking in (Ask.STRAIGHT, Ask.CLOSER)
    state = replace(state, done=state.done + 1, held=0, armed=armed, size=state.largest)
    if state.done == len(state.asks) and state.kind == Kind.SINGLE:
        return passed(state)
    return state, state.asking


def slip(state: State, seen: Observation, draw: Draw) -> tuple[State, Say]:
    """People do mix up left and right. They come back, what is left to ask is drawn anew, and one movement more, or a
    recording could just wait its turn."""
    done = state.asks[: state.done]
    anew = requests_for(state.kind, draw(seen.share < ROOM and Ask.CLOSER not in done))
    asks = (*done, Ask.STRAIGHT, *anew)
    asks += (chance.choice(sorted(MOVES - {asks[-1]})),)
    holds = (*state.holds[: state.done], *holds_for(state.kind, asks[state.done :]))
    state = replace(state, asks=asks, holds=holds, wrong=0, armed=False, slips=state.slips + 1, size=state.largest)
    return state, Hint.OTHER


# The end --------------------------------------------------------------------------------------------------------------


def finish(state: State, base: Observation, seen: Observation) -> tuple[State, Say]:
    """Collect frontal frames until there are enough good ones, or enough to choose from."""
    if not is_straight(base, seen):
        return state, state.asking
    state = replace(state, finals=(*state.finals, bare(seen)), ending=state.ending.plus(seen.template))
    if sum(one.good for one in state.finals) < FINAL and len(state.finals) < MOST_FINAL:
        return state, state.asking
    return passed(state)


def passed(state: State) -> tuple[State, Say]:
    """Nothing is compared any more: only which frames they were is still needed."""
    moving = (state.moving,) if state.moving.count else ()
    chins = tuple(part for ask, part in zip(state.asks, state.moves, strict=False) if ask == Ask.UP)
    if not one_person(state.frontal, (*state.moves, *moving), state.ending, chins):
        return failed(state, Code.ANOTHER_PERSON)
    frontal = state.finals or tuple(bare(one) for one in state.first)
    kept, moved = state.kept, state.moved
    return State(state.started, state.kind, finals=frontal, moved=moved, kept=kept, passed=True), Hint.DONE

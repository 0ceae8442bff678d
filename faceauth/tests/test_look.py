"""The conversation by itself, with heads that are only five points."""

import json
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from faceauth.liveness import challenge
from faceauth.liveness.challenge import Ask, Code, Hint, Observation, State, step
from faceauth.outcomes import Reason
from faceauth.tests.heads import DIFFERENT_PERSON, FLAT, Film, seen


def asking(*asks: Ask) -> challenge.Draw:
    return lambda room: asks


def chance() -> random.Random:
    return random.Random(1)  # noqa: S311


@pytest.fixture
def film() -> Film:
    """A look that has begun, and asks for a turn to the left."""
    film = Film(asking(Ask.LEFT, Ask.RIGHT))
    assert film.begin() == Ask.LEFT
    return film


# What is asked for ----------------------------------------------------------------------------------------------------


def test_every_draw_has_a_turn_and_nothing_that_would_say_nothing() -> None:
    drawn = Counter(challenge.draw() for _ in range(4000))
    for asks in drawn:
        assert sum(ask in challenge.MOVES for ask in asks) == challenge.MOVEMENTS
        assert {Ask.LEFT, Ask.RIGHT} & {*asks}
        assert all(ask != after for ask, after in pairwise(asks))
        assert Ask.STRAIGHT not in (asks[0], asks[-1])
    assert {ask for asks in drawn for ask in asks} == {*Ask}
    alone = 3 * 2 * 2
    between = 2 * 3 * 3 * 2  # in two places, and the movements beside it may be the same
    at_an_end = 2 * alone
    assert len(drawn) == alone + between + (between + at_an_end)  # nothing else, straight, closer


def test_who_is_close_already_is_not_asked_to_come_closer() -> None:
    assert all(Ask.CLOSER not in challenge.draw(room=False) for _ in range(500))
    rooms: list[bool] = []

    def draw(room: bool) -> tuple[Ask, ...]:
        rooms.append(room)
        return (Ask.LEFT,)

    for share in (0.3, 0.6):
        Film(draw, pose={"share": share}).begin()
    assert rooms == [True, False]


# Who does what is asked gets in ---------------------------------------------------------------------------------------


def test_whoever_does_what_is_asked_passes_whatever_is_drawn() -> None:
    for number in range(100):
        film = Film(chance=random.Random(number))  # noqa: S311
        state = film.obey()
        assert state.passed, (number, state.failure, film.state)
        assert len(state.best) == challenge.FINAL
        assert film.at < challenge.SECONDS


def test_it_ends_on_frontal_frames_the_best_first(film: Film) -> None:
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    film.show(yaw=-14)
    film.show(yaw=0, quality=60.0)
    first = [film.show(quality=quality) for quality in (50.0, 90.0)]
    assert first == [Ask.STRAIGHT, Hint.DONE]
    finals = film.taken[-3:]
    assert film.state.best == (finals[2].digest, finals[0].digest, finals[1].digest)
    assert all(abs(one.yaw) <= challenge.STRAIGHT for one in finals)


def test_frames_that_are_not_good_enough_to_be_remembered_by_are_the_second_choice(film: Film) -> None:
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    film.show(yaw=0, good=False, quality=99.0)
    for _ in range(challenge.MOST_FINAL - 2):
        assert not film.state.passed
        film.show()
    film.show(good=True, quality=10.0)
    assert film.state.passed
    assert film.state.best[0] == film.taken[-1].digest


def test_progress_only_grows(film: Film) -> None:
    before = film.state.progress
    assert 0 < before < 1
    for ask in (Ask.LEFT, Ask.RIGHT, Ask.STRAIGHT):
        film.do(ask)
        assert film.state.progress > before
        before = film.state.progress
    film.obey()
    assert film.state.progress == 1


def test_before_it_begins_it_says_what_is_in_the_way() -> None:
    film = Film(asking(Ask.LEFT))
    assert film.show(refusal=Reason.TOO_DARK) == Reason.TOO_DARK
    assert film.show(refusal=Reason.SEVERAL_FACES) == Reason.SEVERAL_FACES
    assert film.show(refusal=None, yaw=30) == Ask.STRAIGHT
    assert not film.state.first
    assert film.show(yaw=0) == Ask.STRAIGHT
    assert film.state.base is None
    film.show()
    assert film.show() == Ask.LEFT


@pytest.mark.parametrize("place", range(challenge.FIRST))
def test_a_chin_that_is_up_in_one_of_the_first_frames_can_still_be_raised(place: int) -> None:
    film = Film(asking(Ask.UP, Ask.LEFT))
    for number in range(challenge.FIRST):
        film.show(pitch=9 if number == place else 0)
    assert film.state.base is not None
    assert film.state.base.pitch < 5
    film.show(pitch=0)
    film.do(Ask.UP)
    assert film.state.done == 1
    assert film.obey().passed


def test_the_first_frames_are_frames_like_others() -> None:
    """The very same one is no second, and only one of them is kept with its template."""
    film = Film(asking(Ask.LEFT))
    film.show()
    film.play(replace(film.taken[0], at=film.at + 0.33))
    assert failure_of(film) == Code.REPEATED
    assert not film.state.first
    film = Film(asking(Ask.LEFT))
    film.begin()
    assert not film.state.first
    assert len(film.state.seen) == challenge.FIRST


def test_who_stands_there_after_the_first_frames_is_the_same_as_in_the_base() -> None:
    """Two people among the first frames: whoever is not the base is another person."""
    film = Film(asking(Ask.LEFT))
    film.show(pitch=-3)
    film.show(pitch=0)
    film.show(pitch=4, template=DIFFERENT_PERSON)
    assert film.state.base is film.taken[1]
    for _ in range(challenge.MOST_STRANGE):
        film.show(pitch=0)
    assert failure_of(film) == Code.ANOTHER_PERSON


def test_a_few_empty_frames_are_tolerated(film: Film) -> None:
    for _ in range(challenge.MOST_BLIND - 1):
        assert film.show(refusal=Reason.BLURRED) == Reason.BLURRED
    film.show(refusal=None)
    assert film.obey().passed


def test_whoever_turns_too_far_is_told_so(film: Film) -> None:
    assert film.show(refusal=Reason.TURNED_AWAY) == Hint.LESS


def test_sitting_still_for_a_moment_is_no_fault(film: Film) -> None:
    same = film.taken[-1]
    for number in range(5):
        film.play(replace(same, at=film.at + 0.33, digest=f"again {number}"))
    assert film.state.still == 5
    assert film.obey().passed


def test_the_first_wrong_turn_is_forgiven_and_the_rest_is_drawn_anew_with_one_thing_more() -> None:
    drawn = iter([(Ask.LEFT, Ask.UP), (Ask.RIGHT,)])
    film = Film(lambda room: next(drawn))
    film.begin()
    assert film.do(Ask.RIGHT) == Hint.OTHER
    back, first, more = film.state.asks
    assert (back, first) == (Ask.STRAIGHT, Ask.RIGHT)
    assert more in {Ask.LEFT, Ask.UP}
    assert film.show() == Ask.STRAIGHT  # nobody is given what they were seen to do by mistake
    assert film.do(Ask.STRAIGHT) == Ask.RIGHT
    assert film.obey().passed


def test_coming_back_from_a_turn_is_not_a_wrong_turn(film: Film) -> None:
    film.do(Ask.LEFT)
    assert film.state.asking == Ask.RIGHT
    for _ in range(4):  # a slow person
        assert film.show() == Ask.RIGHT
    assert film.state.slips == 0


# Who does not, does not -----------------------------------------------------------------------------------------------


def failure_of(film: Film) -> Code | None:
    assert not film.state.passed
    return film.state.failure


@pytest.mark.parametrize("second", [Ask.RIGHT, Ask.UP])
def test_something_else_than_what_was_asked_for_a_second_time(second: Ask) -> None:
    film = Film(asking(Ask.LEFT, Ask.CLOSER))
    film.begin()
    assert film.do(Ask.UP) == Hint.OTHER
    film.do(Ask.STRAIGHT)
    film.do(second)
    assert failure_of(film) == Code.WRONG_POSE


def test_a_side_when_up_was_asked_for() -> None:
    film = Film(asking(Ask.UP, Ask.LEFT))
    film.begin()
    film.do(Ask.LEFT)
    assert failure_of(film) == Code.WRONG_POSE


def test_another_person(film: Film) -> None:
    film.show(template=DIFFERENT_PERSON)
    assert not film.state.over  # one frame may be a hand before the face
    film.show()
    assert failure_of(film) == Code.ANOTHER_PERSON


def test_another_person_among_the_last_frames(film: Film) -> None:
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    film.show(yaw=0)
    film.show()
    film.show(template=DIFFERENT_PERSON)
    film.show()
    assert failure_of(film) == Code.ANOTHER_PERSON


@pytest.mark.parametrize(
    "jump", [{"x": 520}, {"yaw": 44}, {"pitch": 40}, {"zoom": 1.6}], ids=lambda jump: next(iter(jump))
)
def test_a_jump(jump: dict[str, float], film: Film) -> None:
    film.show(yaw=-10)
    film.show(**jump)
    for _ in range(challenge.MOST_JUMPS):
        film.show(after=0.12)
    assert failure_of(film) == Code.JUMP


def test_the_same_way_walked_in_steps_is_none(film: Film) -> None:
    for x in (380, 440, 500, 520):
        film.show(x=x)
    for zoom in (1.2, 1.4, 1.6):
        film.show(zoom=zoom)
    assert not film.state.over


def flat_frame(at: float, yaw: float, number: int) -> Observation:
    return replace(seen(at, random.Random(number), yaw=50, head=FLAT), yaw=yaw)  # noqa: S311


def test_a_turned_picture(film: Film) -> None:
    """The detector thinks that it is turned, but the nose stays where the plane takes it."""
    for number in range(challenge.MOST_FLAT):
        film.play(flat_frame(film.at + 0.33, 24.0, 100 + number))
    assert failure_of(film) == Code.FLAT


def test_a_nose_that_moves_on_a_face_that_is_much_too_narrow(film: Film) -> None:
    """What the detector makes of a picture that is held very obliquely."""
    before = film.state.base
    assert before is not None
    narrow = challenge.points(before)
    narrow[:, 0] = (narrow[:, 0] - 320) * 0.5 + 320
    narrow[challenge.NOSE, 0] += 12
    for number in range(challenge.MOST_FLAT):
        points = tuple((x + number, y) for x, y in narrow)
        film.play(replace(seen(film.at + 0.33, random.Random(100 + number)), landmarks=points, yaw=24.0))  # noqa: S311
    assert failure_of(film) == Code.FLAT


def test_a_picture_that_is_only_moved(film: Film) -> None:
    for number in range(100):
        film.show(head=FLAT, x=320 + 8 * (number % 9), zoom=1 + 0.02 * (number % 5))
        if film.state.over:
            break
    assert failure_of(film) == Code.UNMOVED


def test_the_very_same_frame(film: Film) -> None:
    film.play(replace(film.taken[0], at=film.at + 0.33))
    assert failure_of(film) == Code.REPEATED


def test_copies_of_a_frame(film: Film) -> None:
    first = film.taken[0]
    for number in range(100):
        film.play(replace(first, at=film.at + 0.33, digest=str(number), fingerprint=first.fingerprint ^ 0b11))
        if film.state.over:
            break
    assert failure_of(film) == Code.STILL


def test_several_faces(film: Film) -> None:
    for _ in range(challenge.MOST_BLIND):
        film.show(refusal=Reason.SEVERAL_FACES)
    assert failure_of(film) == Code.SEVERAL_FACES


def test_nobody_any_more(film: Film) -> None:
    for _ in range(challenge.MOST_BLIND):
        film.show(refusal=Reason.NO_FACE)
    assert failure_of(film) == Code.LOST


def test_twenty_seconds_in_all(film: Film) -> None:
    film.at = challenge.SECONDS - 0.2
    film.state = replace(film.state, before=film.at)
    film.show()
    assert failure_of(film) == Code.TOO_SLOW


def test_a_pause(film: Film) -> None:
    film.show(after=challenge.MOST_BETWEEN + 0.1)
    assert failure_of(film) == Code.TOO_SLOW


def test_frames_faster_than_the_page_sends_them(film: Film) -> None:
    film.show(after=challenge.LEAST_BETWEEN / 2)
    assert failure_of(film) == Code.TOO_FAST


def test_what_is_over_stays_over(film: Film) -> None:
    film.show(after=challenge.LEAST_BETWEEN / 2)
    ended = film.state
    film.show()
    assert film.state is ended
    passed = Film().obey()
    assert step(passed, seen(1.0, chance())) == (passed, Hint.DONE)


# What is kept ---------------------------------------------------------------------------------------------------------


def test_the_state_survives_json(film: Film) -> None:
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    film.show(yaw=0)
    for state in (film.state, State(0.0), film.obey()):
        assert State.from_json(json.loads(json.dumps(state.as_json()))) == state


def test_when_it_is_over_no_template_is_left(film: Film) -> None:
    assert film.state.base is not None
    for over in (film.obey(), replace(film.state)):
        if over.over:
            assert over.base is None
            assert not any(one.template for one in (*over.finals, *over.seen))


def test_templates_are_not_shown(film: Film) -> None:
    assert "template" not in repr(film.state)


# Geometry -------------------------------------------------------------------------------------------------------------


def test_depth_is_of_a_head_and_not_of_a_picture() -> None:
    base = seen(0, chance())
    for yaw in (-30, -22, 22, 30):
        assert challenge.has_depth(base, seen(1, chance(), yaw=yaw))
        assert not challenge.has_depth(base, replace(seen(1, chance(), yaw=2 * yaw, head=FLAT), yaw=float(yaw)))
    assert challenge.has_depth(base, seen(1, chance(), pitch=16))
    assert not challenge.has_depth(base, seen(1, chance()))


@pytest.mark.parametrize("yaw", [15, 30, 45, 60])
def test_a_flat_pictures_nose_stays_where_its_plane_takes_it(yaw: float) -> None:
    base, turned = (challenge.points(seen(0, chance(), head=FLAT, yaw=angle)) for angle in (0, yaw))
    assert challenge.depth(base, turned) == pytest.approx((0, 0), abs=1e-6)


def test_the_depth_of_a_turn_is_how_far_the_nose_stands_out() -> None:
    import math

    base, turned = (challenge.points(seen(0, chance(), yaw=angle)) for angle in (0, 25))
    across, down = challenge.depth(base, turned)
    assert across == pytest.approx(35 / 63 * math.sin(math.radians(25)), abs=0.001)
    assert down == pytest.approx(0, abs=0.001)

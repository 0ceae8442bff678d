"""The conversation by itself, with heads that are only five points."""

import json
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from faceauth.liveness import challenge
from faceauth.liveness import geometry as geometry
from faceauth.liveness.challenge import Ask, Code, Hint, Kind, Observation, State, step
from faceauth.liveness.geometry import STRAIGHT, TURN
from faceauth.liveness.requests import requests_for
from faceauth.outcomes import Reason
from faceauth.tests.heads import DIFFERENT_PERSON, FLAT, SOMEBODY, Film, seen


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


def test_every_draw_has_a_turn_and_a_raised_chin() -> None:
    drawn = Counter(challenge.draw() for _ in range(6000))
    for asks in drawn:
        assert len(asks) == 5
        assert {Ask.LEFT, Ask.RIGHT} & {*asks}
        assert Ask.UP in asks
        assert asks.count(Ask.CLOSER) <= 1
        assert all(ask != after for ask, after in pairwise(asks))
    assert {ask for asks in drawn for ask in asks} == {*Ask} - {Ask.STRAIGHT}
    assert len(drawn) == 46 + 140  # without coming closer, and with it


def test_a_single_movement_is_one_that_shows_depth() -> None:
    drawn = Counter(requests_for(Kind.SINGLE, challenge.draw()) for _ in range(2000))
    assert {*drawn} == {(Ask.LEFT,), (Ask.RIGHT,), (Ask.UP,)}
    assert min(drawn.values()) > 300
    assert requests_for(Kind.GLANCE, challenge.draw()) == ()


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
        assert len(state.best) == 3
        assert {*state.best} <= {*state.kept}
        assert film.at < challenge.SECONDS


def test_it_ends_on_one_frame_of_a_movement_and_the_frontal_ones_the_best_first(film: Film) -> None:
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    moved = film.state.moved
    assert moved is not None
    assert abs(moved.yaw) >= TURN
    film.show(yaw=-14)
    assert film.show(yaw=0, quality=60.0) == Ask.STRAIGHT
    assert film.show(quality=90.0) == Hint.DONE
    finals = film.taken[-2:]
    assert film.state.best == (moved.digest, finals[1].digest, finals[0].digest)
    assert {*film.state.best} <= {*film.state.kept}
    assert all(abs(one.yaw) <= STRAIGHT for one in finals)


def test_frames_that_are_not_good_enough_to_be_remembered_by_are_the_second_choice(film: Film) -> None:
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    film.show(yaw=0, good=False, quality=99.0)
    for _ in range(challenge.MOST_FINAL - 2):
        assert not film.state.passed
        film.show()
    film.show(good=True, quality=10.0)
    assert film.state.passed
    assert film.state.best[1] == film.taken[-1].digest


def test_progress_says_nothing_of_what_is_still_to_come() -> None:
    """It begins anew with each request, so that nobody can tell how many there are."""
    shares = []
    for asks in ((Ask.LEFT, Ask.UP), (Ask.LEFT, Ask.UP, Ask.RIGHT, Ask.UP)):
        film = Film(asking(*asks))
        film.begin()
        film.state = replace(film.state, holds=(2,) * len(asks))
        shares.append([(film.show(**pose), film.state.progress) for pose in ({"yaw": 13}, {"yaw": 26}, {"yaw": 26})])
    assert shares[0] == shares[1]
    assert [progress for _, progress in shares[0]] == [0, 0.5, 0]


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


@pytest.mark.parametrize("place", range(challenge.FIRST[Kind.FULL]))
def test_a_chin_that_is_up_in_one_of_the_first_frames_can_still_be_raised(place: int) -> None:
    film = Film(asking(Ask.UP, Ask.LEFT))
    for number in range(challenge.FIRST[Kind.FULL]):
        film.show(pitch=9 if number == place else 0)
    assert film.state.base is not None
    assert film.state.base.pitch < 5
    film.show(pitch=0)
    film.do(Ask.UP)
    assert film.state.done == 1
    assert film.obey().passed


def test_the_first_frames_are_frames_like_others() -> None:
    """The very same one is no second, and none of them is kept with its template, but only the mean of all."""
    film = Film(asking(Ask.LEFT))
    film.show()
    film.play(replace(film.taken[0], at=film.at + 0.33))
    assert failure_of(film) == Code.REPEATED
    assert not film.state.first
    film = Film(asking(Ask.LEFT))
    film.begin()
    assert len(film.state.seen) == challenge.FIRST[Kind.FULL] == film.state.frontal.count
    assert not any(one.template for one in (*film.state.first, *film.state.seen))


def test_the_first_frames_are_of_one_person() -> None:
    """Whoever is there now begins: two people among the first frames are not one base."""
    film = Film(asking(Ask.LEFT))
    film.show()
    film.show()
    assert film.show(template=DIFFERENT_PERSON) == Ask.STRAIGHT
    assert len(film.state.first) == 1
    assert film.show() == Ask.STRAIGHT
    assert film.show() == Ask.LEFT


def test_copies_are_no_first_frames() -> None:
    film = Film(asking(Ask.LEFT))
    film.show()
    for number in range(5):
        copy = replace(film.taken[0], at=film.at + 0.33, digest=str(number), pixels=str(number))
        assert film.play(copy) == Ask.STRAIGHT
    assert len(film.state.first) == 1


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
        film.play(replace(same, at=film.at + 0.33, digest=f"again {number}", pixels=f"again {number}"))
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


def test_a_tremor_of_the_detector_does_not_undo_what_was_seen() -> None:
    film = Film(asking(Ask.UP, Ask.LEFT))
    film.begin()
    film.state = replace(film.state, holds=(2, 2))
    for pitch in (6.0, 14.0, 9.0):
        film.show(pitch=pitch)
    assert film.state.held == 1
    assert film.show(pitch=14.0) == Ask.LEFT


def test_whoever_comes_back_too_early_begins_the_movement_anew(film: Film) -> None:
    film.state = replace(film.state, holds=(2, 2))
    for yaw in (13, 26, 13):
        film.show(yaw=yaw)
    assert film.state.held == 0


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
    film.show(yaw=0, template=DIFFERENT_PERSON)
    film.show()
    assert failure_of(film) == Code.ANOTHER_PERSON


def blend(share: float) -> tuple[float, ...]:
    """A template between two people's: a picture that both are recognised by."""
    a, b = 1 - share, share
    length = (a * a + b * b) ** 0.5
    return (a / length, b / length, *[0.0] * 126)


def test_a_morph_first_a_living_head_and_a_photo_at_last() -> None:
    """Each is like the morph, and the living head is not like the photo."""
    film = Film(asking(Ask.LEFT, Ask.RIGHT), pose={"template": blend(0.5)})
    film.begin()
    film.pose["template"] = SOMEBODY
    film.do(Ask.LEFT)
    film.do(Ask.RIGHT)
    film.show(yaw=0, template=DIFFERENT_PERSON)
    film.show()
    assert failure_of(film) == Code.ANOTHER_PERSON


def test_somebody_else_in_one_movement() -> None:
    film = Film(asking(Ask.LEFT, Ask.UP, Ask.RIGHT), pose={"template": blend(0.5)})
    film.begin()
    for ask, template in ((Ask.LEFT, DIFFERENT_PERSON), (Ask.UP, SOMEBODY), (Ask.RIGHT, DIFFERENT_PERSON)):
        film.pose["template"] = template
        film.do(ask)
    film.show(yaw=0)
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
    narrow = geometry.points(before)
    narrow[:, 0] = (narrow[:, 0] - 320) * 0.5 + 320
    narrow[geometry.NOSE, 0] += 12
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
        lighter = tuple(grey + 5 + 0.9 * (-1) ** place for place, grey in enumerate(first.fields))
        film.play(replace(first, at=film.at + 0.33, digest=str(number), pixels=str(number), fields=lighter))
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


# Shorter ones, and more time ------------------------------------------------------------------------------------------


def shorter(kind: Kind, *asks: Ask) -> Film:
    film = Film(asking(*asks), state=State(started=0.0, kind=kind))
    film.begin()
    return film


@pytest.mark.parametrize("ask", [Ask.LEFT, Ask.RIGHT, Ask.UP])
def test_a_single_movement(ask: Ask) -> None:
    """It ends with the movement: the person is recognised by the first frames and one of it."""
    film = shorter(Kind.SINGLE, Ask.CLOSER, ask)
    assert film.say == ask
    assert film.do(ask) == Hint.DONE
    moved, first, second = film.state.best
    assert {first, second} == {one.digest for one in film.taken[:2]}
    assert moved in {one.digest for one in film.taken[2:]}
    assert film.at < 2


def test_somebody_else_in_a_single_movement() -> None:
    film = shorter(Kind.SINGLE, Ask.LEFT)
    film.pose["template"] = DIFFERENT_PERSON
    film.do(Ask.LEFT)
    assert failure_of(film) == Code.ANOTHER_PERSON


def test_a_picture_in_a_single_movement() -> None:
    film = shorter(Kind.SINGLE, Ask.LEFT)
    for number in range(challenge.MOST_FLAT):
        film.play(flat_frame(film.at + 0.33, 24.0, 100 + number))
    assert failure_of(film) == Code.FLAT


def test_a_glance_is_three_live_frames() -> None:
    film = shorter(Kind.GLANCE)
    assert film.say == Hint.DONE
    assert {*film.state.best} == {one.digest for one in film.taken}
    assert film.at <= 1.5


def test_copies_are_no_glance() -> None:
    film = Film(state=State(started=0.0, kind=Kind.GLANCE))
    film.show()
    for number in range(100):
        copy = replace(film.taken[0], at=film.at + 0.33, digest=str(number), pixels=str(number))
        film.play(copy)
        if film.state.over:
            break
    assert failure_of(film) == Code.STILL


def test_more_time_is_given_once(film: Film) -> None:
    longer = challenge.extended(film.state)
    assert longer is not None
    assert challenge.extended(longer) is None
    for state, over in ((film.state, True), (longer, False)):
        late = Film(state=replace(state, before=challenge.SECONDS), at=challenge.SECONDS, chance=random.Random(2))  # noqa: S311
        late.show()
        assert late.state.over == over
    assert challenge.extended(Film().obey()) is None


def test_closer_is_closer_than_ever_before() -> None:
    film = Film(asking(Ask.LEFT, Ask.CLOSER, Ask.UP))
    film.begin()
    film.show(zoom=1.1)
    film.do(Ask.LEFT)
    film.show(yaw=0)
    for zoom in (1.2, 1.28, 1.28, 1.28):
        assert film.show(zoom=zoom) == Ask.CLOSER
    film.show(zoom=1.45)
    film.show()
    assert film.show() == Ask.UP


def test_closer_without_being_asked_is_something_else() -> None:
    film = Film(asking(Ask.LEFT, Ask.UP))
    film.begin()
    film.show(zoom=1.15)
    film.show(zoom=1.3)
    assert film.show() == Hint.OTHER


def test_coming_back_from_a_turn_excuses_no_other_movement() -> None:
    film = Film(asking(Ask.LEFT, Ask.UP, Ask.LEFT))
    film.begin()
    film.do(Ask.LEFT)
    film.show(yaw=-8, after=0.5)
    assert film.state.slips == 0
    film.show(yaw=-26)
    film.show()
    assert failure_of(film) == Code.WRONG_POSE


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
        assert geometry.has_depth(base, seen(1, chance(), yaw=yaw))
        assert not geometry.has_depth(base, replace(seen(1, chance(), yaw=2 * yaw, head=FLAT), yaw=float(yaw)))
    assert geometry.has_depth(base, seen(1, chance(), pitch=16))
    assert not geometry.has_depth(base, seen(1, chance()))


@pytest.mark.parametrize("yaw", [15, 30, 45, 60])
def test_a_flat_pictures_nose_stays_where_its_plane_takes_it(yaw: float) -> None:
    base, turned = (geometry.points(seen(0, chance(), head=FLAT, yaw=angle)) for angle in (0, yaw))
    assert geometry.depth(base, turned) == pytest.approx((0, 0), abs=1e-6)


def test_the_depth_of_a_turn_is_how_far_the_nose_stands_out() -> None:
    import math

    base, turned = (geometry.points(seen(0, chance(), yaw=angle)) for angle in (0, 25))
    across, down = geometry.depth(base, turned)
    assert across == pytest.approx(35 / 63 * math.sin(math.radians(25)), abs=0.001)
    assert down == pytest.approx(0, abs=0.001)

"""Whose templates are one person's, part by part."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from faceauth.liveness.track import SAME, Part, alike, one_person, together

ONE, ANOTHER = 0, 1


def template(*, of: int = ONE, share: float = 1.0, away: float = 0.0, noise: int = 0) -> tuple[float, ...]:
    """A face: `share` of one person and the rest of another, and `away` from what it is when it looks straight."""
    vector = np.zeros(128)
    vector[of], vector[1 - of] = share, 1 - share
    vector /= np.linalg.norm(vector)
    other = np.zeros(128)
    other[2 + noise % 126] = 1.0
    return tuple(float(number) for number in np.sqrt(1 - away**2) * vector + away * other)


def part(count: int = 3, start: int = 0, **face: float) -> Part:
    """Frames that differ a little from each other."""
    made = Part()
    for number in range(count):
        given = {"away": 0.3} | face
        made = made.plus(template(noise=start + number, **given))  # type: ignore[arg-type]
    return made


def test_a_part_is_a_few_hundred_bytes_and_shows_no_template() -> None:
    kept = part(20)
    assert len(json.dumps(asdict(kept))) < 400
    assert "packed" not in repr(kept)


def test_the_mean_of_the_cosines() -> None:
    faces = [template(away=0.1 * number, noise=number) for number in range(6)]
    one, other = Part(), Part()
    for face in faces[:3]:
        one = one.plus(face)
    for face in faces[3:]:
        other = other.plus(face)
    expected = np.mean([np.dot(a, b) for a in faces[:3] for b in faces[3:]])
    assert alike(one, other) == pytest.approx(expected, abs=1e-3)
    within = np.mean([np.dot(a, b) for a in faces[:3] for b in faces[:3] if a is not b])
    assert one.agreement == pytest.approx(within, abs=2e-3)
    assert alike(together((one, other)), one) == pytest.approx(
        np.mean([np.dot(a, b) for a in faces for b in faces[:3]]), abs=1e-3
    )
    assert Part().like(faces[0]) == 0
    assert one.like(faces[0]) > SAME


def test_one_person() -> None:
    turned = tuple(part(2, start=10 * number, away=0.6) for number in range(1, 5))
    assert one_person(part(), turned, part(2, start=60))
    assert one_person(part(2), turned[:1], Part())  # a single movement
    assert one_person(part(), (), Part())  # a glance


@pytest.mark.parametrize("finals", [2, 0], ids=["with last frames", "without"])
def test_another_head_in_the_movements(finals: int) -> None:
    others = (part(2, start=10, of=ANOTHER), part(2, start=20, of=ANOTHER))
    assert not one_person(part(), others, part(finals, start=60))


def test_another_head_in_one_movement() -> None:
    moves = (part(2, start=10), part(2, start=20), part(2, start=30, of=ANOTHER))
    assert not one_person(part(), moves, part(2, start=60))


def test_a_morph_first_and_the_photo_at_last() -> None:
    """The morph is like both, and the movements lean to one of them."""
    attacker = tuple(part(2, start=10 * number, away=0.5) for number in range(1, 4))
    for share in (0.4, 0.5, 0.6, 0.7):
        assert not one_person(part(share=share), attacker, part(2, start=60, of=ANOTHER))
        assert not one_person(part(share=share), attacker, part(2, start=60, share=0.35))


def test_a_chin_that_is_drawn_from_one_photo() -> None:
    """All frontal frames are one picture, and the raised chin is almost another face."""
    turns = (part(2, start=10, away=0.5), part(2, start=20, away=0.5))
    still, again = part(away=0.1), part(2, start=60, away=0.1)
    near, far = (part(2, start=30, away=away) for away in (0.55, 0.7))
    assert one_person(still, (*turns, near), again, (near,))
    assert one_person(still, (*turns, far), again)  # a turn may change as much
    assert not one_person(still, (*turns, far), again, (far,))


def test_a_chin_of_another_day_may_be_less_alike() -> None:
    turns = (part(2, start=10, away=0.6), part(2, start=20, away=0.6))
    chin = part(2, start=30, away=0.7)
    assert one_person(part(away=0.45), (*turns, chin), part(2, start=60, away=0.45), (chin,))

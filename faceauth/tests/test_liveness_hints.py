"""What the page shows meanwhile: where the head is, and one thing to do."""

from typing import Any

import pytest

from faceauth.liveness.hints import Help, help_for, live
from faceauth.liveness.observation import Observation
from faceauth.outcomes import Reason


def seen(**more: Any) -> Observation:
    return Observation(**{"at": 0.0, "digest": "", "share": 0.4, **more})


@pytest.mark.parametrize(
    ("frame", "help"),
    [
        ({}, None),
        ({"share": 0.15}, Help.CLOSER),
        ({"share": 0.7}, Help.FURTHER),
        ({"place": (0.0, -0.3)}, Help.PHONE_HIGHER),
        ({"place": (0.0, 0.3)}, Help.PHONE_LOWER),
        ({"place": (0.3, 0.0)}, Help.CENTRE),
        ({"pitch": 20.0}, Help.PHONE_HIGHER),
        ({"pitch": -20.0}, Help.PHONE_LOWER),
        ({"light": 9.0}, Help.BRIGHTER),
        ({"refusal": Reason.TOO_DARK}, Help.BRIGHTER),
        ({"refusal": Reason.TOO_BRIGHT}, Help.DARKER),
        ({"refusal": Reason.BLURRED}, Help.STILL),
        ({"refusal": Reason.SEVERAL_FACES}, Help.ALONE),
        ({"refusal": Reason.TOO_SMALL, "share": 0.05}, Help.CLOSER),
        ({"refusal": Reason.NO_FACE, "share": 0.0, "contrast": 0.4, "light": 1.0}, Help.COVERED),
        ({"refusal": Reason.NO_FACE, "share": 0.0, "contrast": 30.0}, None),
        ({"refusal": Reason.NO_FACE, "share": 0.0, "contrast": 12.0, "light": 12.0}, Help.BRIGHTER),
    ],
    ids=str,
)
def test_one_thing_to_do(frame: dict[str, Any], help: Help | None) -> None:
    assert help_for(seen(**frame)) == help


def test_a_chin_that_was_asked_to_be_up_is_no_fault() -> None:
    assert help_for(seen(pitch=20.0), turned=True) is None


def test_where_the_head_is() -> None:
    assert live(seen(refusal=Reason.NO_FACE, share=0.0)) is None
    here = live(seen(yaw=12.4, pitch=8.0, place=(0.034, -0.02), share=0.42), base_pitch=3.0)
    assert here is not None
    assert (here.yaw, here.pitch, here.right, here.down) == (12, 5, 0.03, -0.02)
    assert (here.distance, here.fits) == (0.0, True)


@pytest.mark.parametrize(("share", "distance", "fits"), [(0.84, 1.0, False), (0.21, -1.0, False), (0.1, -1.0, False)])
def test_how_far_it_is_from_the_right_distance(share: float, distance: float, fits: bool) -> None:
    here = live(seen(share=share))
    assert here is not None
    assert (here.distance, here.fits) == (distance, fits)

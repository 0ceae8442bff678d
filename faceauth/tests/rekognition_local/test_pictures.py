"""The quality filter: each reason alone, at the limit that the filter names."""

from typing import Any

import numpy as np
import pytest

from faceauth.local.pictures import FILTERS, MEDIUM, shortcomings
from faceauth.vision.faces import Box, Face
from faceauth.vision.measures import Pose, Quality

SMALL = np.zeros((480, 640, 3), np.uint8)


def face(side: float = 300, **changes: Any) -> Face:
    values = {"confidence": 99.0, "brightness": 50.0, "sharpness": 90.0, "yaw": 0.0, "pitch": 0.0} | changes
    return Face(
        box=Box(10, 10, side, side * 1.2),
        landmarks=np.zeros((5, 2), np.float32),
        confidence=values["confidence"],
        pose=Pose(yaw=values["yaw"], pitch=values["pitch"], roll=0),
        quality=Quality(brightness=values["brightness"], sharpness=values["sharpness"]),
        crop=np.zeros((112, 112, 3), np.uint8),
    )


@pytest.mark.parametrize("name", ["AUTO", "LOW", "MEDIUM", "HIGH"])
@pytest.mark.parametrize(
    ("measure", "reason", "worse"),
    [
        ("yaw", "EXTREME_POSE", 1),
        ("pitch", "EXTREME_POSE", 1),
        ("brightness", "LOW_BRIGHTNESS", -1),
        ("sharpness", "LOW_SHARPNESS", -1),
        ("confidence", "LOW_CONFIDENCE", -1),
        ("side", "SMALL_BOUNDING_BOX", -1),
    ],
)
def test_each_reason_at_its_limit(name: str, measure: str, reason: str, worse: int) -> None:
    limit = getattr(FILTERS[name], measure)
    assert shortcomings(face(**{measure: limit}), SMALL, name) == []
    assert shortcomings(face(**{measure: limit + 0.5 * worse}), SMALL, name) == [reason]
    if worse > 0:  # an angle to the other side
        assert shortcomings(face(**{measure: -limit - 0.5}), SMALL, name) == [reason]


def test_without_a_filter_every_face_passes() -> None:
    assert shortcomings(face(side=5, confidence=0, brightness=0, sharpness=0, yaw=90), SMALL, "NONE") == []


@pytest.mark.parametrize(("shape", "scale"), [((1080, 1920), 1), ((2160, 1920), 2), ((1080, 5760), 3), ((100, 100), 1)])
def test_in_a_larger_picture_a_face_must_be_larger(shape: tuple[int, int], scale: int) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    assert shortcomings(face(side=MEDIUM.side * scale), pixels, "AUTO") == []
    assert shortcomings(face(side=MEDIUM.side * scale - 1), pixels, "AUTO") == ["SMALL_BOUNDING_BOX"]


def test_auto_is_medium() -> None:
    assert FILTERS["AUTO"] == FILTERS["MEDIUM"]

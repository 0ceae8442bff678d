"""What a frame must be to be looked at, and when two frames are the same picture."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceauth.liveness import frames as frames
from faceauth.outcomes import Reason, Refusal

KEY = b"a key of nobody"


def picture(width: int = 320, height: int = 240, kind: str = "JPEG", **options: Any) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"\xff\xc0 a trap"}, {"optimize": True}])
def test_a_small_jpeg_is_looked_at(options: dict[str, Any]) -> None:
    assert frames.refuse(picture(**options)) is None
    assert frames.size_of(picture(**options)) == (320, 240)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"", Reason.NOT_AN_IMAGE),
        (b"text", Reason.NOT_AN_IMAGE),
        (b"\xff\xd8\xff", Reason.NOT_AN_IMAGE),
        (picture()[:12], Reason.NOT_AN_IMAGE),
        (picture(kind="PNG"), Reason.UNSUPPORTED_FORMAT),
        (picture(kind="WEBP"), Reason.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x18ftypheic", Reason.UNSUPPORTED_FORMAT),
    ],
    ids=["nothing", "text", "start", "cut", "png", "webp", "heic"],
)
def test_all_else_is_refused_with_a_reason(given: bytes, reason: Reason) -> None:
    assert frames.refuse(given) == Refusal(reason)
    assert frames.decoded(given) == Refusal(reason)


def test_a_large_one_is_refused_by_its_header_before_it_is_decoded() -> None:
    jpeg = picture()
    at = jpeg.index(b"\xff\xc0") + 5
    claims = jpeg[:at] + struct.pack(">HH", 1081, 1943) + jpeg[at + 4 :]
    assert frames.refuse(claims) == Refusal(Reason.TOO_LARGE)
    fits = jpeg[:at] + struct.pack(">HH", 1080, 1920) + jpeg[at + 4 :]
    assert frames.refuse(fits) is None


def digest_of(jpeg: bytes) -> str:
    return frames.digest_of_pixels(np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")), KEY)


def test_the_same_pixels_are_the_same_picture_however_they_are_encoded() -> None:
    plain = picture()
    for other in (picture(optimize=True), picture(progressive=True), picture(comment=b"another"), plain + b"more"):
        assert other != plain
        assert frames.digest(other, KEY) != frames.digest(plain, KEY)
        assert digest_of(other) == digest_of(plain)


def test_the_next_frame_of_a_camera_is_another_one() -> None:
    chance = np.random.default_rng(1)
    scene = np.full((480, 640, 3), 120.0)
    shots = [np.clip(scene + chance.normal(0, 2, scene.shape), 0, 255).astype(np.uint8) for _ in range(20)]
    assert len({frames.digest_of_pixels(shot, KEY) for shot in shots}) == 20


def test_without_the_key_nobody_can_try_which_it_was() -> None:
    assert frames.digest(b"x", KEY) != frames.digest(b"x", b"another")
    assert len(frames.digest(b"x", KEY)) == 64

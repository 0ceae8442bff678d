"""One frame of a liveness check as numbers: the face in it, or why there is none."""

from dataclasses import dataclass, field, replace

import numpy as np

from faceauth.liveness import frames
from faceauth.liveness.perspective import lines_of
from faceauth.outcomes import Reason, Refusal
from faceauth.vision import quality_gate
from faceauth.vision.alignment import Pixels, aligned
from faceauth.vision.faces import find_faces, side_of

LINES_YAW = 12.0  # degrees; a face that is turned further is not compared


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame: when it came (seconds), which it is, and the face in it, or why there is none."""

    at: float
    digest: str
    """Of the exact bytes, keyed."""
    fields: tuple[float, ...] = ()
    """Grey values that copies share: `frames.fields`."""
    refusal: Reason | None = None
    landmarks: tuple[tuple[float, float], ...] = ()
    """The five points, in pixels."""
    yaw: float = 0.0
    pitch: float = 0.0
    share: float = 0.0
    """Of the picture's height, that the face takes."""
    place: tuple[float, float] = (0.0, 0.0)
    """Of the face's middle, from the picture's: right and down, in shares of its width and height (-0.5 to 0.5)."""
    light: float = 50.0
    """Of the whole picture, in per cent of white."""
    contrast: float = 50.0
    """The spread of its grey values, in per cent of white: next to nothing behind a cover."""
    template: tuple[float, ...] = field(default=(), repr=False)
    lines: str = field(default="", repr=False)
    """Across the face, of frames that are not turned: `perspective.lines_of`."""
    quality: float = 0.0
    """Higher is better: which of several frontal frames to prefer."""
    good: bool = False
    """Whether somebody may be enrolled by it."""
    pixels: str = ""
    """A keyed digest of what was decoded, which another encoding of the same pixels shares."""


def observe(pixels: Pixels, digest: str, at: float, decoded: str = "") -> Observation:
    """What a frame shows. Raises `vision.ModelError`."""
    faces = find_faces(pixels)
    face = quality_gate.judge(faces, pixels)
    small = pixels[::8, ::8].mean(axis=2) / 2.55
    blank = Observation(
        at,
        digest,
        frames.fields(pixels),
        light=round(float(small.mean()), 1),
        contrast=round(float(small.std()), 1),
        pixels=decoded,
    )
    if faces:
        box, (height, width) = faces[0].box, pixels.shape[:2]
        middle = ((box.left + box.width / 2) / width - 0.5, (box.top + box.height / 2) / height - 0.5)
        share = side_of(box) / height
        blank = replace(blank, place=(round(middle[0], 3), round(middle[1], 3)), share=share)
    if isinstance(face, Refusal):
        return replace(blank, refusal=face.reason)
    return replace(
        blank,
        landmarks=tuple((round(float(x), 2), round(float(y), 2)) for x, y in face.landmarks),
        yaw=face.pose.yaw,
        pitch=face.pose.pitch,
        lines=lines_of(aligned(pixels, face.landmarks)) if abs(face.pose.yaw) <= LINES_YAW else "",
        template=tuple(float(number) for number in np.round(face.direction, 5)),
        quality=face.quality.sharpness - abs(face.pose.yaw) - abs(face.pose.pitch) / 2,
        good=not isinstance(quality_gate.judge_for_enrolment(faces, pixels), Refusal),
    )


def bare(seen: Observation) -> Observation:
    """Without its template and its lines."""
    return replace(seen, template=(), lines="")

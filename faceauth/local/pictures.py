"""The picture of a request, the faces in it, and how answers describe them."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from faceauth.local.errors import Code, Refused, invalid_parameter
from faceauth.local.options import options
from faceauth.local.s3 import read_object
from faceauth.local.service_model import Parameters
from faceauth.vision import photos
from faceauth.vision.faces import LANDMARKS, Face, find_faces
from faceauth.vision.photos import Pixels
from privatekit.images import BadPicture, Busy, TooLarge

MAX_FACES = 100  # of a picture; the largest
MAX_SIDE = 10_000  # pixels


def picture_bytes(image: Parameters) -> bytes:
    """The bytes of an Image parameter. Raises `Refused`."""
    if len(image) != 1:
        raise invalid_parameter("Requested image should either contain bytes or s3 object.")
    return read_object(image["S3Object"]) if "S3Object" in image else image["Bytes"]


def read_picture(image: Parameters) -> Pixels:
    """Decode an Image parameter. Raises `Refused`."""
    return decode(picture_bytes(image))


def decode(picture: bytes) -> Pixels:
    """Raises `Refused` with the codes of Rekognition."""
    try:
        pixels = photos.decode_as_rekognition(picture)
    except photos.PictureTooSmall as error:
        raise invalid_parameter("Request has invalid parameters: a picture has at least 80 pixels a side.") from error
    except TooLarge as error:
        raise Refused(Code.IMAGE_TOO_LARGE, "Request has an image with too many pixels.") from error
    except Busy as error:
        raise Refused(Code.THROTTLING, "There is no memory for another picture at this moment.") from error
    except BadPicture as error:
        raise Refused(Code.INVALID_IMAGE_FORMAT, "Request has invalid image format.") from error
    height, width = pixels.shape[:2]
    if max(width, height) > MAX_SIDE:
        message = f"Input image dimensions {width} x {height} exceed maximum dimension size of {MAX_SIDE} pixels"
        raise Refused(Code.IMAGE_TOO_LARGE, message)
    return pixels


def faces_in(pixels: Pixels) -> list[Face]:
    """The faces in a picture, the largest first."""
    return find_faces(pixels)[:MAX_FACES]


def no_faces() -> Refused:
    return invalid_parameter("There are no faces in the image. Should be at least 1.")


def check_attributes(attributes: Sequence[str]) -> None:
    """With `strict_attributes`, refuse those that this service cannot measure, such as emotions, ages and beards.

    Without it they are left out of the answer: nothing is invented.
    """
    unknown = [name for name in attributes if name != "DEFAULT"]
    if unknown and options().strict_attributes:
        raise invalid_parameter(
            f"This service has no facial attributes beyond DEFAULT, so not {', '.join(unknown):.200}."
        )


# Quality --------------------------------------------------------------------------------------------------------------


class Minimum(NamedTuple):
    """What a face needs to pass a quality filter: 0 to 100 each, and at most these angles in degrees."""

    confidence: float
    brightness: float
    sharpness: float
    yaw: float
    pitch: float
    side: float
    """Pixels in a picture of 1920 x 1080 or less, in proportion in a larger one."""


# Of 500 press photographs of LFW, MEDIUM keeps out one face and HIGH forty-five. A portrait that is blurred beyond
# recognition has a sharpness of 31 or less.
LOW = Minimum(confidence=60, brightness=5, sharpness=20, yaw=70, pitch=50, side=24)
MEDIUM = Minimum(confidence=70, brightness=8, sharpness=35, yaw=55, pitch=40, side=40)
HIGH = Minimum(confidence=85, brightness=25, sharpness=67, yaw=35, pitch=25, side=64)
FILTERS = {"AUTO": MEDIUM, "LOW": LOW, "MEDIUM": MEDIUM, "HIGH": HIGH}


def shortcomings(face: Face, pixels: Pixels, quality_filter: str) -> list[str]:
    """Rekognition's reasons why `quality_filter` (NONE, AUTO, LOW, MEDIUM or HIGH) rejects a face, if it does."""
    if quality_filter == "NONE":
        return []
    least = FILTERS[quality_filter]
    height, width = pixels.shape[:2]
    scale = max(1.0, width / 1920, height / 1080)
    failed = {
        "EXTREME_POSE": abs(face.pose.yaw) > least.yaw or abs(face.pose.pitch) > least.pitch,
        "LOW_BRIGHTNESS": face.quality.brightness < least.brightness,
        "LOW_SHARPNESS": face.quality.sharpness < least.sharpness,
        "LOW_CONFIDENCE": face.confidence < least.confidence,
        "SMALL_BOUNDING_BOX": min(face.box.width, face.box.height) < least.side * scale,
    }
    return [reason for reason, so in failed.items() if so]


def good_faces(pixels: Pixels, quality_filter: str) -> list[Face]:
    """The faces that pass the filter, the largest first."""
    return [face for face in faces_in(pixels) if not shortcomings(face, pixels, quality_filter)]


# YuNet's score in per cent, and the share of faces among 6,448 faces and 89 finds that were none, in each range of
# scores, made to rise (docs/measurements/recognition.md). From 92 on it is 99.98; the ends are drawn out.
SCORES = (60.0, 62.5, 67.5, 72.5, 77.5, 81.25, 85.0, 88.75, 91.0, 92.0, 94.0, 100.0)
CONFIDENCES = (40.0, 45.8, 60.6, 64.7, 77.0, 84.8, 94.9, 98.5, 99.1, 99.9, 99.98, 99.99)


def confidence_of(score: float) -> float:
    """A detector's score, 0 to 100, on AWS's scale, on which clear portraits have 99.9."""
    score = min(max(score, SCORES[0]), SCORES[-1])
    n = min(bisect_right(SCORES, score), len(SCORES) - 1)
    share = (score - SCORES[n - 1]) / (SCORES[n] - SCORES[n - 1])
    return CONFIDENCES[n - 1] + share * (CONFIDENCES[n] - CONFIDENCES[n - 1])


# In AWS's shapes ------------------------------------------------------------------------------------------------------


def bounding_box(face: Face, pixels: Pixels) -> dict[str, float]:
    height, width = pixels.shape[:2]
    return {
        "Width": face.box.width / width,
        "Height": face.box.height / height,
        "Left": face.box.left / width,
        "Top": face.box.top / height,
    }


def face_detail(face: Face, pixels: Pixels) -> dict[str, Any]:
    """A FaceDetail with the DEFAULT attributes; a ComparedFace has the same."""
    height, width = pixels.shape[:2]
    return {
        "BoundingBox": bounding_box(face, pixels),
        "Landmarks": [
            {"Type": name, "X": float(x) / width, "Y": float(y) / height}
            for name, (x, y) in zip(LANDMARKS, face.landmarks, strict=True)
        ],
        "Pose": {"Roll": face.pose.roll, "Yaw": face.pose.yaw, "Pitch": face.pose.pitch},
        "Quality": {"Brightness": face.quality.brightness, "Sharpness": face.quality.sharpness},
        "Confidence": confidence_of(face.confidence),
    }

"""Pictures as requests carry them, and the faces in them as answers tell of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faceauth import images
from faceauth.images import Pixels
from faceauth.local.errors import (
    AccessDenied,
    ImageTooLarge,
    InvalidImageFormat,
    InvalidParameter,
    InvalidS3Object,
)
from faceauth.local.service_model import Parameters
from faceauth.vision import LANDMARKS, Face, find_faces

MOST_FACES = 100  # of a picture; the largest


def read_picture(image: Parameters) -> Pixels:
    """The picture of an Image parameter."""
    if len(image) != 1:
        raise InvalidParameter("Requested image should either contain bytes or s3 object.")
    if "S3Object" in image:
        raise InvalidS3Object(
            "Unable to get object metadata from S3: this service has no S3. Send the picture itself, as Bytes."
        )
    try:
        return images.decode_as_rekognition(image["Bytes"])
    except images.PictureTooSmall as error:
        raise InvalidParameter("Request has invalid parameters: a picture has at least 80 pixels a side.") from error
    except images.PictureTooLarge as error:
        raise ImageTooLarge("Request has an image with too many pixels.") from error
    except images.BadPicture as error:
        raise InvalidImageFormat("Request has invalid image format.") from error


def faces_in(pixels: Pixels) -> list[Face]:
    """The faces in a picture, the largest first."""
    return find_faces(pixels)[:MOST_FACES]


def no_faces() -> InvalidParameter:
    return InvalidParameter("There are no faces in the image. Should be at least 1.")


def check_attributes(attributes: Sequence[str]) -> None:
    """Refuse what nobody here can see: emotions, ages, beards."""
    unknown = [name for name in attributes if name != "DEFAULT"]
    if unknown:
        raise AccessDenied(f"This service sees no facial attributes beyond DEFAULT, so not {', '.join(unknown):.200}.")


# Quality --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """What a face must reach not to be filtered out: 0 to 100 each, the angles in degrees."""

    confidence: float
    darkest: float
    sharpness: float
    yaw: float
    pitch: float
    side: float
    """Pixels in a picture of 1920 x 1080 or less, in proportion in a larger one."""


# Of 500 photographs of LFW, taken by the press, MEDIUM keeps out one face and HIGH forty-five. A portrait that is
# blurred beyond recognition has a sharpness of 31 or less.
LOW = Bar(confidence=60, darkest=5, sharpness=20, yaw=70, pitch=50, side=24)
MEDIUM = Bar(confidence=70, darkest=8, sharpness=35, yaw=55, pitch=40, side=40)
HIGH = Bar(confidence=85, darkest=25, sharpness=67, yaw=35, pitch=25, side=64)
BARS = {"AUTO": MEDIUM, "LOW": LOW, "MEDIUM": MEDIUM, "HIGH": HIGH}


def shortcomings(face: Face, pixels: Pixels, quality_filter: str) -> list[str]:
    """Why `quality_filter` (NONE, AUTO, LOW, MEDIUM or HIGH) keeps a face out: Rekognition's reasons, or none."""
    if quality_filter == "NONE":
        return []
    bar = BARS[quality_filter]
    height, width = pixels.shape[:2]
    scale = max(1.0, width / 1920, height / 1080)
    failed = {
        "EXTREME_POSE": abs(face.pose.yaw) > bar.yaw or abs(face.pose.pitch) > bar.pitch,
        "LOW_BRIGHTNESS": face.quality.brightness < bar.darkest,
        "LOW_SHARPNESS": face.quality.sharpness < bar.sharpness,
        "LOW_CONFIDENCE": face.confidence < bar.confidence,
        "SMALL_BOUNDING_BOX": min(face.box.width, face.box.height) < bar.side * scale,
    }
    return [reason for reason, so in failed.items() if so]


def good_faces(pixels: Pixels, quality_filter: str) -> list[Face]:
    """The faces that the filter lets through, the largest first."""
    return [face for face in faces_in(pixels) if not shortcomings(face, pixels, quality_filter)]


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
        "Confidence": face.confidence,
    }

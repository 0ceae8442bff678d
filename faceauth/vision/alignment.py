"""Cut parts of a picture, turned and scaled: above all a face as SFace was taught to expect it."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture: (height, width, 3), RGB, upright."""
Points = NDArray[np.float64]  # (n, 2): x, y
CROP = 112

# Where SFace was taught to expect the five points in its 112 x 112 picture (OpenCV's FaceRecognizerSF::alignCrop).
PLACES = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)


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


def aligned(pixels: Pixels, landmarks: NDArray[np.float32]) -> Pixels:
    """The face moved, turned and scaled so that its points lie on PLACES: (112, 112, 3)."""
    turned, shift = similarity_transform(landmarks.astype(np.float64), PLACES)
    return cut(pixels, turned, shift, CROP)

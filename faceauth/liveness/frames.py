"""Frames of a liveness check as they arrive: JPEG and small, or not looked at; and which picture each of them is."""

import hashlib
import hmac

import numpy as np

from faceauth.outcomes import Reason, Refusal
from faceauth.vision import alignment, measures, photos

# A camera of 1080 lines has this many. A decoder that is handed more works for whoever wants it to.
MOST_PIXELS = 2_100_000

JPEG = b"\xff\xd8\xff"
# Pictures of other kinds, by how they begin; the bytes before "ftyp" are a length.
OTHERS = (b"\x89PNG", b"RIFF", b"GIF8", b"BM", b"II*\0", b"MM\0*")

# Markers (ITU-T T.81, table B.1) that carry no length, and those that say how large the picture is.
BARE = {0x01, *range(0xD0, 0xD9)}
SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}

# Grey values of a frame by which it is known again.
COLUMNS, ROWS = 64, 48
# And those by which it is compared with others.
FIELDS = 9, 8


def refuse(jpeg: bytes) -> Refusal | None:
    """Why a frame is not even decoded, from its header alone; None where nothing is wrong with it."""
    if not jpeg.startswith(JPEG):
        other = jpeg.startswith(OTHERS) or jpeg[4:8] == b"ftyp"
        return Refusal(Reason.UNSUPPORTED_FORMAT if other else Reason.NOT_AN_IMAGE)
    size = size_of(jpeg)
    if size is None:
        return Refusal(Reason.NOT_AN_IMAGE)
    return Refusal(Reason.TOO_LARGE) if size[0] * size[1] > MOST_PIXELS else None


def size_of(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG, from its first frame header (T.81, B.2.2); None where there is none."""
    at = 2
    while at + 4 <= len(jpeg):
        if jpeg[at] != 0xFF:
            return None
        marker = jpeg[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker in BARE:
            at += 2
            continue
        if marker in SIZES:
            header = jpeg[at + 5 : at + 9]
            return (int.from_bytes(header[2:]), int.from_bytes(header[:2])) if len(header) == 4 else None
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return None


def decoded(jpeg: bytes) -> photos.Photo | Refusal:
    """The picture of a frame, or why there is none."""
    return refuse(jpeg) or photos.read_photo(jpeg)


def digest(jpeg: bytes, key: bytes) -> str:
    """HMAC-SHA256 of the exact bytes, 64 hexadecimal digits: without the key nobody can try which frame it was."""
    return hmac.new(key, jpeg, hashlib.sha256).hexdigest()


def digest_of_pixels(pixels: alignment.Pixels, key: bytes) -> str:
    """The same of the picture, brought down to 64 x 48 grey values.

    Other metadata, bytes after the end, or the same pixels in another encoding change nothing. A camera's noise does:
    it differs from frame to frame in some of these values.
    """
    return digest(np.round(measures.means(pixels, COLUMNS, ROWS)).astype(np.uint8).tobytes(), key)


def fields(pixels: alignment.Pixels) -> tuple[float, ...]:
    """The mean grey values of 9 x 8 fields of a picture, 0 to 255. Nobody can be seen in them."""
    return tuple(round(float(mean), 1) for mean in measures.means(pixels[::2, ::2], *FIELDS).ravel())

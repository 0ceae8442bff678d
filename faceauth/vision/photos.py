"""Bytes into pictures: checked, upright, stripped of metadata, at most 700 px high.

Nothing here writes to disk, and no error quotes what it was given.
"""

import hashlib
import io
import weakref
from types import TracebackType
from typing import NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceauth.outcomes import Reason, Refusal
from privatekit import images
from privatekit.images import BadPicture, Busy, TooLarge

Pixels = NDArray[np.uint8]
"""A decoded picture: (height, width, 3), RGB."""

MAX_BYTES = 15_000_000
MAX_HEIGHT = 700  # a face in a portrait is then well above the 112 px that a template is made from
MAX_WIDTH = 4 * MAX_HEIGHT  # a panorama stays a small picture too
MIN_SIDE = 80  # Rekognition's least
SEARCHED = 6  # bytes for each pixel while faces are searched: the picture, and a copy that is stretched
JPEG_QUALITY = 92  # a 700 px portrait then has about 100 kB, a fiftieth of what Rekognition takes

# AVIF, GIF and the rest have their own decoders: each is one more thing to attack and none is what a camera writes.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
UNSUPPORTED_SIGNATURES = (
    b"GIF8",
    b"%PDF",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"8BPS",
    b"\0\0\1\0",
    b"<svg",
    b"<?xml",
    b"<!DOC",
)


class Photo:
    """One picture on its way through a sign-in. It never shows its content, is never pickled, and can be closed.

    `jpeg` is the clean JPEG, `pixels` the same picture decoded. After `close()` both are gone: what Django hands to
    the receivers of `user_login_failed` is then an empty shell.

    While it is open, the recogniser of this process that is given the same JPEG is given the same pixels, and with them
    the faces that were found there (`vision.find_faces`): nothing is decoded and searched twice.
    """

    __slots__ = ("__weakref__", "_jpeg", "_pixels")

    def __init__(self, jpeg: bytes, pixels: Pixels) -> None:
        self._jpeg: bytes | None = jpeg
        self._pixels: Pixels | None = pixels
        open_photos[hashlib.sha256(jpeg).digest()] = self

    @property
    def jpeg(self) -> bytes:
        if self._jpeg is None:
            raise ValueError("This photo is closed.")
        return self._jpeg

    @property
    def pixels(self) -> Pixels:
        if self._pixels is None:
            raise ValueError("This photo is closed.")
        return self._pixels

    def copy(self) -> "Photo":
        """A second handle on the same picture, for somebody who will close it."""
        return Photo(self.jpeg, self.pixels)

    def close(self) -> None:
        self._jpeg = self._pixels = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Photo>" if self._jpeg is not None else "<Photo: closed>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A photo is not pickled: it goes into no cache, session or queue.")


open_photos: "weakref.WeakValueDictionary[bytes, Photo]" = weakref.WeakValueDictionary()
"""By the digest of their JPEG; whoever has the picture has its digest, and nobody else."""


def pixels_of_open(jpeg: bytes) -> Pixels | None:
    photo = open_photos.get(hashlib.sha256(jpeg).digest())
    return photo._pixels if photo else None


def read_photo(data: bytes) -> Photo | Refusal:
    """Make a `Photo` of what a person sent, or say why not.

    Accepts JPEG, PNG, WebP and HEIC of at most 15 MB, 50 megapixels, and the memory that `privatekit.images` allows.
    All EXIF orientations are applied; transparency becomes white; 16-bit, grey, palette and CMYK pictures become RGB.
    Raises `privatekit.images.Busy`.
    """
    if len(data) > MAX_BYTES:
        return Refusal(Reason.TOO_LARGE)
    try:
        upright = images.small_rgb(data, FORMATS, (MAX_WIDTH, MAX_HEIGHT), min_side=MIN_SIDE)
    except TooLarge:
        return Refusal(Reason.TOO_LARGE)
    except Busy:
        raise
    except BadPicture:
        return Refusal(Reason.UNSUPPORTED_FORMAT if looks_like_another_format(data) else Reason.NOT_AN_IMAGE)
    if upright is None:
        return Refusal(Reason.TOO_SMALL)
    return reopen_photo(images.jpeg(upright, JPEG_QUALITY))


def looks_like_another_format(data: bytes) -> bool:
    """Whether this is a picture or document of a kind that is known, but not read here."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(UNSUPPORTED_SIGNATURES) or data[4:12] in (b"ftypavif", b"ftypavis")


def reopen_photo(jpeg: bytes) -> Photo:
    """The photo that `read_photo` made, from its own JPEG: as after a trip through the browser under our seal."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return Photo(jpeg, np.asarray(image))  # RGB: `read_photo` writes nothing else


class NotJpegOrPng(BadPicture):
    """Not a JPEG or PNG, or a broken one."""


class PictureTooSmall(BadPicture):
    """Less than 80 px on a side."""


def decode_as_rekognition(data: bytes) -> Pixels:
    """Decode a picture as Rekognition does: JPEG and PNG alone, EXIF orientation for JPEG only.

    As long as the pixels are used, they and the copy of them that a search may need keep their memory reserved.

    Raises `NotJpegOrPng`, `PictureTooSmall`, or `privatekit.images.TooLarge` and `Busy`.
    """
    known = pixels_of_open(data)
    if known is not None:
        return known
    try:
        with images.decoded(data, ("JPEG", "PNG"), kept=SEARCHED) as image:
            if min(image.size) < MIN_SIDE:
                raise PictureTooSmall
            pixels = images.array(image, 1 if image.format == "PNG" else images.orientation(image))
    except (TooLarge, Busy, PictureTooSmall):
        raise
    except BadPicture as error:
        raise NotJpegOrPng from error
    room, size = images.ROOM, SEARCHED * pixels.shape[0] * pixels.shape[1]
    weakref.finalize(pixels, room.give_back, size).atexit = False
    return pixels

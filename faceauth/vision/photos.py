"""Bytes into pictures: checked, upright, stripped of metadata, at most 700 px high.

The only module that knows Pillow. Nothing here writes to disk, and no error quotes what it was given.
"""

import hashlib
import io
import struct
from types import TracebackType
from typing import NoReturn, Self
from weakref import WeakValueDictionary

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from faceauth.outcomes import Reason, Refusal

Pixels = NDArray[np.uint8]
"""A decoded picture: (height, width, 3), RGB."""

MAX_BYTES = 15_000_000
MAX_PIXELS = 50_000_000  # above a 48-megapixel telephone, far below what a forged header can claim
MAX_HEIGHT = 700  # a face in a portrait is then well above the 112 px that a template is made from
MAX_WIDTH = 4 * MAX_HEIGHT  # a panorama stays a small picture too
MIN_SIDE = 80  # Rekognition's least
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

# What Pillow and its plug-ins raise for a broken file, found by fuzzing in tests/test_images.py.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error, IndexError)

pillow_heif.register_heif_opener()


class Photo:
    """One picture on its way through the door. It never shows its content, is never pickled, and can be closed.

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


open_photos: "WeakValueDictionary[bytes, Photo]" = WeakValueDictionary()
"""By the digest of their JPEG; whoever has the picture has its digest, and nobody else."""


def pixels_of_open(jpeg: bytes) -> Pixels | None:
    photo = open_photos.get(hashlib.sha256(jpeg).digest())
    return photo._pixels if photo else None


def read_photo(data: bytes) -> Photo | Refusal:
    """Make a `Photo` of what a person sent, or say why not.

    Accepts JPEG, PNG, WebP and HEIC of at most 15 MB and 50 megapixels. All EXIF orientations are applied;
    transparency becomes white; 16-bit, grey, palette and CMYK pictures become ordinary RGB.
    """
    if len(data) > MAX_BYTES:
        return Refusal(Reason.TOO_LARGE)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return Refusal(Reason.TOO_LARGE)
            upright = bring_upright(shrink(image))
            if min(upright.size) < MIN_SIDE:
                return Refusal(Reason.TOO_SMALL)
    except Image.DecompressionBombError:
        return Refusal(Reason.TOO_LARGE)
    except BROKEN:
        return Refusal(Reason.UNSUPPORTED_FORMAT if looks_like_another_format(data) else Reason.NOT_AN_IMAGE)
    return reopen_photo(encode_jpeg(upright))


def looks_like_another_format(data: bytes) -> bool:
    """Whether this is a picture or document of a kind that is known, but not read here."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(UNSUPPORTED_SIGNATURES) or data[4:12] in (b"ftypavif", b"ftypavis")


def shrink(image: Image.Image) -> Image.Image:
    """The picture in RGB, small enough that it is at most 700 px high once it is upright."""
    lies_down = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5  # EXIF 2.32: 5 to 8 swap width and height
    limit_w, limit_h = (MAX_HEIGHT, MAX_WIDTH) if lies_down else (MAX_WIDTH, MAX_HEIGHT)
    scale = min(1.0, limit_w / image.width, limit_h / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image.draft(None, size)  # a JPEG is then decoded at a half, a quarter or an eighth: most of a big photo's time
    rgb = flatten(image)
    return rgb if rgb.size == size else rgb.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def flatten(image: Image.Image) -> Image.Image:
    """RGB from any mode a picture may have."""
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel: Pillow's own conversion would clip, not scale
        deep = np.asarray(image, dtype=np.float64)
        return Image.fromarray(np.clip(deep / 257.0, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def bring_upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation."""
    return ImageOps.exif_transpose(image)


def encode_jpeg(image: Image.Image) -> bytes:
    """A JPEG with nothing in it but the picture: no EXIF, place, comment, thumbnail or colour profile."""
    image.info.clear()  # Pillow would copy a JPEG comment from here
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def reopen_photo(jpeg: bytes) -> Photo:
    """The photo that `read_photo` made, from its own JPEG: as after a trip through the browser under our seal."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return Photo(jpeg, np.asarray(image.convert("RGB")))


class BadPicture(Exception):
    """A picture that Rekognition would not take."""


class NotJpegOrPng(BadPicture):
    """Not a JPEG or PNG, or a broken one."""


class PictureTooSmall(BadPicture):
    """Less than 80 px on a side."""


class PictureTooLarge(BadPicture):
    """More pixels than this machine decodes."""


def decode_as_rekognition(data: bytes) -> Pixels:
    """Decode a picture as Rekognition does: JPEG and PNG alone, EXIF orientation for JPEG only.

    Raises `NotJpegOrPng`, `PictureTooSmall` or `PictureTooLarge`.
    """
    known = pixels_of_open(data)
    if known is not None:
        return known
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureTooLarge
            if min(image.size) < MIN_SIDE:
                raise PictureTooSmall
            upright = flatten(image)
            if image.format != "PNG":
                upright = bring_upright(upright)
    except Image.DecompressionBombError as error:
        raise PictureTooLarge from error
    except BROKEN as error:
        raise NotJpegOrPng from error
    return np.asarray(upright)

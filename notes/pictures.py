"""Pictures on notes: upright, without metadata, and small ones to show in a list. Only this module knows Pillow.

Where, when and with what a photo was taken goes: EXIF, XMP, IPTC, comments, embedded previews. The colour profile
stays, without which the colours would be wrong. Only the first frame of an animation is kept.
"""

import io
import struct
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageOps

MAX_PIXELS = 50_000_000  # above a 48-megapixel telephone, far below what a forged header can claim
THUMBNAIL = 480  # px on the longer side: two of them beside each other on a telephone, at twice the density
QUALITY = 90

# The formats that are decoded here; anything else is a file, which is kept as it came and never shown.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    struct.error,
    IndexError,
    Image.DecompressionBombError,
)

pillow_heif.register_heif_opener()


class BadPicture(Exception):
    """Something that says it is a picture and cannot be read as one, or is far too large: it may hold metadata."""


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    content_type: str
    thumbnail: bytes
    """WebP."""


def looks_like_picture(data: bytes) -> bool:
    riff = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    heif = data[4:12] in (b"ftypheic", b"ftypheix", b"ftypheif", b"ftypmif1", b"ftyphevc", b"ftypmsf1")
    return data.startswith(SIGNATURES) or riff or heif


def clean_picture(data: bytes) -> Picture | None:
    """The picture without metadata; HEIC, which browsers do not show, as JPEG. None: this is no picture.

    Raises `BadPicture`.
    """
    if not looks_like_picture(data):
        return None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadPicture
            image.load()
            return Picture(*encode(image), thumbnail_of(image))
    except BROKEN as error:
        raise BadPicture from error


def encode(image: Image.Image) -> tuple[bytes, str]:
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    kind = "JPEG" if image.format == "HEIF" else str(image.format)
    if kind == "JPEG" and upright.mode not in ("L", "RGB", "CMYK"):
        upright = upright.convert("RGB")
    upright.info = {key: value for key, value in upright.info.items() if key == "transparency"}
    buffer = io.BytesIO()
    upright.save(buffer, kind, quality=QUALITY, **({"icc_profile": profile} if profile else {}))
    return buffer.getvalue(), f"image/{kind.lower()}"


def thumbnail_of(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    small = ImageOps.exif_transpose(small)
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small.info = {}
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()

"""Pictures on notes: upright, without metadata, and small ones to show in a list. Only this module knows Pillow.

Where, when and with what a photo was taken goes: EXIF, XMP, IPTC, comments, embedded previews. The colour profile
stays, without which the colours would be wrong; so do all frames of an animation. A JPEG that has nothing to lose stays
as it is: each time it is drawn anew it becomes a little worse, and a notebook goes out and comes in more than once.

TIFF is a file like any other, which is kept as it came, and the page says so: what a camera or a scanner writes in it
(raw data, many pages, sixteen bits to a colour) would not survive.
"""

import io
import struct
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, ImageSequence

from notes import gif
from notes.jpeg import END, is_bare

# In all frames together: above a 48-megapixel telephone, far below what a forged header can claim.
MAX_PIXELS = 50_000_000
THUMBNAIL = 480  # px on the longer side: two of them beside each other on a telephone, at twice the density
QUALITY = 90
FAST = 9  # of AVIF's 0 to 10: a telephone's picture in a second or two instead of ten, a few percent larger

# The formats that are decoded here; anything else is a file, which is kept as it came and never shown.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"hevc", b"msf1", b"avif", b"avis")
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
    heif = data[4:8] == b"ftyp" and data[8:12] in BRANDS
    return data.startswith(SIGNATURES) or riff or heif


def clean_picture(data: bytes) -> Picture | None:
    """The picture without metadata; HEIC, which browsers do not show, as JPEG. None: this is no picture.

    Raises `BadPicture`.
    """
    if not looks_like_picture(data):
        return None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height * frames(image) > MAX_PIXELS:
                raise BadPicture
            image.load()
            thumbnail = thumbnail_of(image)
            if image.format == "GIF":
                return Picture(gif.clean(data), "image/gif", thumbnail)
            if image.format == "JPEG" and is_bare(data, image.info.get("icc_profile", b"")) and is_full(data):
                return Picture(data, "image/jpeg", thumbnail)
            return Picture(*encode(image), thumbnail)
    except BROKEN as error:
        raise BadPicture from error


def is_full(data: bytes) -> bool:
    """Whether a bare JPEG's scan is needed to its end. Where it is not, something else may be behind the picture."""
    without_its_last_byte = data[: -len(END) - 1]
    try:
        with Image.open(io.BytesIO(without_its_last_byte), formats=("JPEG",)) as image:
            image.load()
    except OSError:
        return True
    return False


def frames(image: Image.Image) -> int:
    """How many are drawn anew: none of a GIF, and of HEIC, and of a JPEG that holds several pictures, the first."""
    return 1 if image.format in ("GIF", "HEIF", "MPO") else getattr(image, "n_frames", 1)


def encode(image: Image.Image) -> tuple[bytes, str]:
    options: dict[str, Any] = {"quality": QUALITY}
    if profile := image.info.get("icc_profile"):
        options["icc_profile"] = profile
    kind = "JPEG" if image.format in ("HEIF", "MPO") else str(image.format)
    if kind == "AVIF":
        options["speed"] = FAST
    if kind != "JPEG" and frames(image) > 1:
        # A frame is loaded, in `bare`, before it is asked how long it is seen.
        drawn = [(bare(frame), int(frame.info.get("duration", 100))) for frame in ImageSequence.Iterator(image)]
        (first, *others), times = [frame for frame, _ in drawn], [time for _, time in drawn]
        options |= {"save_all": True, "append_images": others, "duration": times, "loop": image.info.get("loop", 0)}
    else:
        first = bare(image)
        if kind == "JPEG" and first.mode not in ("L", "RGB", "CMYK"):
            first = first.convert("RGB")
    buffer = io.BytesIO()
    first.save(buffer, kind, **options)
    return buffer.getvalue(), f"image/{kind.lower()}"


def bare(frame: Image.Image) -> Image.Image:
    """Upright, and with nothing about it."""
    upright = ImageOps.exif_transpose(frame)
    upright.info = {key: value for key, value in upright.info.items() if key == "transparency"}
    return upright


def thumbnail_of(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    small = ImageOps.exif_transpose(small)
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small.info = {}
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()

"""Pictures on notes: upright, without metadata, and small ones to show in a list.

Metadata is removed: EXIF, XMP, IPTC, comments, embedded previews. The colour profile stays, without which the colours
would be wrong; so do all frames of an animation. A JPEG without metadata stays as it is: each time it is encoded
anew it becomes a little worse, and a notebook is exported and imported more than once.

TIFF is a file like any other, which is kept as it came, and the page says so: what a camera or a scanner writes in it
(raw data, many pages, sixteen bits to a colour) would not survive.
"""

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageSequence

from notes import gif
from notes.jpeg import END, is_bare
from privatekit import aside, images
from privatekit.images import frames, upright

THUMBNAIL = 480  # px on the longer side: two of them beside each other on a telephone, at twice the density
QUALITY = 90
MAX_PROFILE = 4_000_000  # bytes of a colour profile; those of printers have two million, and encoders copy them often
FAST = 9  # of AVIF's 0 to 10: a telephone's picture in a second or two instead of ten, a few percent larger

# The formats that are decoded here; anything else is a file, which is kept as it came and never shown.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"hevc", b"msf1", b"avif", b"avis")
ENCODING = {"AVIF": 28, "WEBP": 24, "GIF": 0, "moving PNG": 8, "moving WEBP": 8, "moving AVIF": 28}
"""Bytes for each pixel of an upright copy, its encoder and what the decoder keeps, where that is more than the copy."""


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

    Raises `BadPicture` for what cannot be read or is far too large: it may hold metadata.
    """
    if not looks_like_picture(data):
        return None
    try:
        return cleaned(data)
    except images.Large:
        kind, (content, thumbnail) = aside.run("notes.pictures:clean_parts", data)
        return Picture(content, kind[0], thumbnail)


def clean_parts(data: bytes) -> tuple[list[str], list[bytes]]:
    """What `clean_picture` gives, for another process."""
    picture = cleaned(data)
    return [picture.content_type], [picture.content, picture.thumbnail]


def cleaned(data: bytes) -> Picture:
    with images.decoded(data, FORMATS, working=ENCODING) as image:
        thumbnail = thumbnail_of(image)
        if image.format == "GIF":
            return Picture(gif.clean(data), "image/gif", thumbnail)
        if image.format == "JPEG" and is_bare(data, image.info.get("icc_profile", b"")) and is_full(data):
            return Picture(data, "image/jpeg", thumbnail)
        return Picture(*encode(image), thumbnail)


def is_full(data: bytes) -> bool:
    """Whether a bare JPEG's scan is needed to its end. Where it is not, something else may be behind the picture."""
    without_its_last_byte = data[: -len(END) - 1]
    try:
        with Image.open(io.BytesIO(without_its_last_byte), formats=("JPEG",)) as image:
            image.load()
    except OSError:
        return True
    return False


def encode(image: Image.Image) -> tuple[bytes, str]:
    """The picture, or all frames of an animation, and the type of what it has become."""
    options: dict[str, Any] = {"quality": QUALITY}
    profile = image.info.get("icc_profile")
    if profile and len(profile) <= MAX_PROFILE:
        options["icc_profile"] = profile
    kind = "JPEG" if image.format in ("HEIF", "MPO") else str(image.format)
    if kind == "AVIF":
        options["speed"] = FAST
    if kind != "JPEG" and frames(image) > 1:
        # A frame is loaded, in `upright`, before it is asked how long it is seen.
        drawn = [(upright(frame), int(frame.info.get("duration", 100))) for frame in ImageSequence.Iterator(image)]
        (first, *others), times = [frame for frame, _ in drawn], [time for _, time in drawn]
        options |= {"save_all": True, "append_images": others, "duration": times, "loop": image.info.get("loop", 0)}
    else:
        first = upright(image)
        if kind == "JPEG" and first.mode not in ("L", "RGB", "CMYK"):
            first = first.convert("RGB")
    buffer = io.BytesIO()
    first.save(buffer, kind, **options)
    return buffer.getvalue(), f"image/{kind.lower()}"


def thumbnail_of(image: Image.Image) -> bytes:
    small = images.fitted(image, THUMBNAIL, THUMBNAIL)
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small = images.turned(small, images.orientation(image))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()

"""Whatever comes in as a picture, in a process with little memory: no crash, and nothing over its budget."""

import os
import random
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from faceauth.liveness import frames
from faceauth.vision import photos
from notes import pictures
from privatekit import images
from privatekit.images import BadPicture, Busy
from privatekit.tests.bombs import several
from privatekit.tests.limited import run_limited
from privatekit.tests.pictures import encoded, exif_of, png, portrait

BUDGET = 30_000_000
ROOM = 160 * 1024**2  # bytes of address space beyond what the libraries take; decoders reserve more than they touch
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "24"))  # of each picture


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk before its pixels."""
    data = encoded(portrait(90, 90), "PNG")
    return data[:33] + chunk(kind, content) + data[33:]


def segments(marker: int, content: bytes, count: int) -> bytes:
    """A JPEG with so many segments of this kind."""
    data = encoded(portrait(90, 90))
    return data[:2] + (bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content) * count + data[2:]


BLOWN_UP = zlib.compress(bytes(300_000_000), 9)
"""300 kB, of which each reader that does not count makes 300 MB."""


def seeds() -> dict[str, bytes]:
    exif, picture, text = Image.Exif(), portrait(90, 90), PngInfo()
    exif[ExifTags.Base.Orientation] = 6
    text.add_text("Comment", "a" * 200, zip=True)
    text.add_itxt("XML:com.adobe.xmp", '<rdf tiff:Orientation="6"/>', zip=True)
    return {
        "JPEG": encoded(picture, exif=exif, icc_profile=b"p" * 300, comment=b"c"),
        "progressive": encoded(picture, progressive=True, exif=exif_of(struct.pack("<HI4s", 2, 2, b"6\0\0\0"))),
        "bare": encoded(picture),
        "CMYK": encoded(picture.convert("CMYK")),
        "MPO": several("MPO", 3, (90, 90)),
        "PNG": encoded(picture, "PNG", exif=exif, pnginfo=text, icc_profile=b"p" * 300),
        "deep PNG": encoded(Image.new("I;16", (90, 90)), "PNG"),
        "palette": encoded(picture.convert("P"), "PNG", transparency=0),
        "APNG": several("PNG", 4, (90, 90)),
        "WebP": encoded(picture, "WEBP", exif=exif, icc_profile=b"p" * 300),
        "moving WebP": several("WEBP", 4, (90, 90)),
        "HEIC": encoded(picture, "HEIF", exif=exif),
        "AVIF": encoded(picture, "AVIF", exif=exif),
        "GIF": several("GIF", 4, (90, 90), comment=b"c"),
        "TIFF": several("TIFF", 2, (90, 90)),
        "JPEG 2000": encoded(picture, "JPEG2000"),
        "ICO": encoded(picture, "ICO"),
        "BMP": encoded(picture, "BMP"),
        "an ICC profile that unpacks": with_chunk(b"iCCP", b"p\0\0" + BLOWN_UP),
        "text that unpacks": with_chunk(b"zTXt", b"Comment\0\0" + BLOWN_UP),
        "international text that unpacks": with_chunk(b"iTXt", b"a\0\1\0\0\0" + BLOWN_UP),
        "XMP that unpacks": with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BLOWN_UP),
        "EXIF that unpacks": with_chunk(b"zTXt", b"Raw profile type exif\0\0" + BLOWN_UP),
        "pixels that unpack": png(90, 90, data=BLOWN_UP),
        "pixels that do not come": png(7000, 7000),
        "a billion frames": with_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        "many segments": segments(0xE1, b"Exif\0\0II*\0" + b"\xff" * 60_000, 100),
        "many profiles": segments(0xE2, b"ICC_PROFILE\0\1\xff" + b"p" * 60_000, 255),
        "a table of many pictures": segments(0xE2, b"MPF\0II*\0\x08\0\0\0\1\0\1\xb0\4\0\1\0\0\0\xff\xff\xff\x7f", 1),
    }


def frame(data: bytes) -> object:
    return frames.decoded(data)


def small(data: bytes) -> object:
    return images.small_rgb(data, pictures.FORMATS, (2800, 700))


WAYS: tuple[Callable[[bytes], object], ...] = (
    small, frame, photos.read_photo, photos.decode_as_rekognition, pictures.clean_picture,
)  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """The picture, and others that have some bytes changed, or lack their end."""
    yield data
    for _ in range(EXAMPLES):
        other = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            # Headers decide how much memory is taken: most changes are there.
            place = chance.randrange(min(len(other), chance.choice((60, 400, len(other)))))
            other[place] = chance.choice((0, 255, 127, chance.randrange(256)))
        yield bytes(other if chance.random() < 0.8 else other[: chance.randrange(len(other))])


def fuzz() -> None:
    """In the other process."""
    warnings.simplefilter("ignore")  # Pillow's, of metadata that it does not understand
    images.BUDGET = BUDGET  # nothing is handed to yet another process
    images.ROOM.shrink(BUDGET)
    for name, data in seeds().items():
        for example in damaged(data, random.Random(name)):  # noqa: S311 - nothing secret
            for way in WAYS:
                try:
                    way(example)
                except Busy as error:
                    raise AssertionError(f"{name}: it took more than was reserved for it.") from error
                except BadPicture:
                    pass
                assert images.ROOM.free == BUDGET, name


@pytest.mark.slow
def test_nothing_that_comes_as_a_picture_crashes_or_takes_more_than_its_budget() -> None:
    run_limited("secretly.tests.test_pictures_fuzz", "fuzz", ROOM)

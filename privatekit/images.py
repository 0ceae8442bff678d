"""Pictures from outside, decoded without taking the machine down.

What a file claims in its header decides, before anything is decoded, how many bytes of memory it would take. All
pictures that one process decodes at the same time share one budget, and wait for each other within it.

The figures were measured with Pillow 13 and pillow-heif 1.8, on pictures of 24 megapixels, as the growth of the
process (VmHWM) for each pixel.
"""

import io
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image

from privatekit import memory as wall

MAX_PIXELS = 50_000_000  # above a 48-megapixel telephone, far below what a forged header can claim
BUDGET = 400_000_000
"""Bytes for all pictures that a process decodes at once."""
IN_WORKER = 200_000_000
"""The same for a worker of the site; what needs more is decoded in a process of its own: see `privatekit.aside`."""
WAIT = 30.0  # seconds for others to finish: the slowest picture within the budget takes about two
PIXEL = 4  # bytes in Pillow's memory, of RGB as of RGBA

PNG, WEBP, GIF, HEIF, AVIF = 5, 20, 3, 8, 16
"""Bytes for each pixel while it is decoded. AVIF: of 12 bits and full colour, which is the most it can have."""
DEEP_HEIF = 16  # more than 8 bits, or with transparency
BASELINE = 5
PROGRESSIVE = 12  # the decoder keeps all coefficients: two bytes for each of up to four components

TURNS = {5: Image.Transpose.TRANSPOSE, 7: Image.Transpose.TRANSVERSE, 6: Image.Transpose.ROTATE_270} | {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (EXIF 2.32, 4.6.4)."""
LYING: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: np.rot90,
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, 3),
}
"""An upright picture as the camera stored it, of each orientation."""
STRIP = 1_000_000  # pixels that are converted at a time

# What Pillow and its plug-ins raise for a broken file, found by fuzzing.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error, IndexError, KeyError, TypeError)

pillow_heif.register_heif_opener()
pillow_heif.options.THUMBNAILS = False  # they would be decoded beside the picture


class BadPicture(Exception):
    """It says that it is a picture, and cannot be read as one."""


class TooLarge(BadPicture):
    """More pixels, or more memory to decode, than is allowed."""


class Large(TooLarge):
    """It may be decoded, but not in this process: see `privatekit.aside`."""


class Busy(BadPicture):
    """Other pictures have taken all the memory for too long."""


class Room:
    """The memory that pictures share."""

    def __init__(self, size: int) -> None:
        self.free = self.size = size
        self.changed = threading.Condition()

    @contextmanager
    def reserve(self, size: int, kept: int = 0) -> Iterator[None]:
        """`kept`: bytes that stay reserved when the block ends well, until somebody calls `give_back`.

        Raises `TooLarge` for what never fits, `Large` for what fits elsewhere, `Busy` where it took too long.
        """
        if size > self.size:
            raise Large if size <= BUDGET else TooLarge
        with self.changed:
            if not self.changed.wait_for(lambda: self.free >= size, WAIT):
                raise Busy
            self.free -= size
        rest = 0
        try:
            yield
            rest = kept
        finally:
            self.give_back(size - rest)

    def give_back(self, size: int) -> None:
        with self.changed:
            self.free += size
            self.changed.notify_all()

    def shrink(self, size: int) -> None:
        """Have so many bytes from now on. Only before anything is decoded."""
        self.free = self.size = size


ROOM = Room(BUDGET)


def is_short() -> bool:
    """Whether this process has lost memory: nothing is being decoded, and yet little is left below its wall."""
    left = wall.left()
    return left is not None and left < IN_WORKER // 2 and ROOM.free == ROOM.size


@contextmanager
def decoded(
    data: bytes,
    formats: tuple[str, ...],
    *,
    fit: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
    working: Mapping[str, int] | None = None,
    kept: int = 0,
) -> Iterator[Image.Image]:
    """A picture of one of these formats, decoded; its memory is reserved as long as it is used.

    `fit`: what it is needed for is at most so wide and high, once it is upright. A JPEG is then decoded at a half, a
    quarter or an eighth where that is enough.
    `working`: bytes for each pixel that the caller needs beside the picture, by its format; else room for one copy.
    `kept`: bytes for each pixel that stay reserved after the block, until the caller calls `ROOM.give_back`.

    Raises `BadPicture`, also for what the caller finds broken (ValueError and the like) while it is used.
    """
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            pixels = image.width * image.height * frames(image)
            if pixels > max_pixels:
                raise TooLarge
            needed = memory(image, data)
            if fit and image.format in ("JPEG", "MPO"):
                image.draft(None, fitting(image.size, *(fit[::-1] if lies_down(image) else fit)))
                pixels = image.width * image.height
                needed = (needed if needs_coefficients(image, data) else 0) + pixels * BASELINE
            moving = "moving " if frames(image) > 1 else ""
            beside = (working or {}).get(f"{moving}{image.format}", PIXEL)
            with ROOM.reserve(max(needed, pixels * (PIXEL + beside)), image.width * image.height * kept):
                image.load()
                yield image
    except Image.DecompressionBombError as error:
        raise TooLarge from error
    except MemoryError as error:
        raise Busy from error
    except BROKEN as error:
        raise BadPicture from error


def memory(image: Image.Image, data: bytes) -> int:
    """How many bytes it takes to decode the picture, by its header."""
    each = {"PNG": PNG, "WEBP": WEBP, "GIF": GIF, "AVIF": AVIF}.get(image.format or "", PROGRESSIVE)
    if image.format == "HEIF":
        each = HEIF if image.info.get("bit_depth") == 8 and image.mode == "RGB" else DEEP_HEIF
    elif image.format in ("JPEG", "MPO") and not needs_coefficients(image, data):
        each = BASELINE
    return image.width * image.height * (each + PIXEL * (frames(image) - 1))


def frames(image: Image.Image) -> int:
    """How many pictures are decoded: of GIF, HEIF, and JPEG that holds several, the first alone."""
    return 1 if image.format in ("GIF", "HEIF", "MPO") else getattr(image, "n_frames", 1)


def needs_coefficients(image: Image.Image, data: bytes) -> bool:
    """Whether a JPEG comes in several scans, so that the decoder has to keep all coefficients (ITU-T T.81, Annex B)."""
    at, components = 2, -1
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker in (0xC0, 0xC1) and at + 9 < len(data):
            components = data[at + 9]
        elif marker == 0xDA:
            return at + 4 >= len(data) or data[at + 4] != components
        at += 1 if marker == 0xFF else 2 + length
    return True


# Upright, small, plain ------------------------------------------------------------------------------------------------


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none, or none that can be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def lies_down(image: Image.Image) -> bool:
    return orientation(image) >= 5


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """What an EXIF orientation means, applied; without anything beside the pixels but transparency."""
    transparency = image.info.get("transparency")
    turn = TURNS.get(orientation)
    result = image.copy() if turn is None else image.transpose(turn)
    result.info = {} if transparency is None else {"transparency": transparency}
    return result


def upright(image: Image.Image) -> Image.Image:
    """The picture with its EXIF orientation applied, and without anything beside the pixels but transparency."""
    return turned(image, orientation(image))


def fitting(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The size in proportion that is at most so wide and so high, and not larger than it was."""
    scale = min(1.0, width / size[0], height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """At most so wide and so high; the same one where it is."""
    size = fitting(image.size, width, height)
    if size == image.size:
        return image
    if image.mode.startswith(("I", "F")):
        image = eight_bits(image)
    if image.mode in ("1", "P", "PA"):
        # A palette's colours cannot be averaged. With pixels left out, the copy that has colours is small.
        rough = (min(image.width, 4 * size[0]), min(image.height, 4 * size[1]))
        image = image.resize(rough, Image.Resampling.NEAREST)
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def rgb(image: Image.Image) -> Image.Image:
    """RGB from any mode that a picture may have; transparency becomes white."""
    if image.mode.startswith(("I", "F")):
        image = eight_bits(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def array(image: Image.Image, orientation: int = 1) -> NDArray[np.uint8]:
    """The picture in RGB, with an EXIF orientation applied: (height, width, 3). It cannot be written to.

    It takes three bytes for each pixel beside the picture: every copy is of a strip.
    """
    width, height = image.size
    result = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    stored = LYING[orientation](result)
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        stored[top : top + rows] = np.asarray(rgb(image.crop((0, top, width, min(top + rows, height)))))
    result.setflags(write=False)
    return result


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 8 bits from grey of 16, which Pillow itself would clip instead of scale."""
    values = np.asarray(image)
    if values.dtype.itemsize == 2:
        high = values.view(np.uint8)[:, 1::2] if values.dtype.byteorder != ">" else values.view(np.uint8)[:, ::2]
        return Image.fromarray(np.ascontiguousarray(high))
    return Image.fromarray((np.clip(values, 0, 65_535).astype(np.uint16) >> 8).astype(np.uint8))


def small_rgb(
    data: bytes,
    formats: tuple[str, ...],
    fit: tuple[int, int],
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = 1,
) -> Image.Image | None:
    """The picture upright in RGB, at most so wide and high, with nothing beside its pixels.

    None: one of its sides is then shorter than `min_side`. Raises `BadPicture`.
    """
    try:
        with decoded(data, formats, fit=fit, max_pixels=max_pixels) as image:
            width, height = fit[::-1] if lies_down(image) else fit
            small = rgb(fitted(image, width, height))  # always another picture
            turn = TURNS.get(orientation(image))
            small = small if turn is None else small.transpose(turn)
            small.info = {}
            return small if min(small.size) >= min_side else None
    except Large:
        from privatekit import aside  # which imports this module

        asked = {"formats": formats, "fit": fit, "max_pixels": max_pixels, "min_side": min_side}
        size, parts = aside.run("privatekit.images:small_parts", data, **asked)
        return Image.frombytes("RGB", (size[0], size[1]), parts[0]) if parts else None


def small_parts(data: bytes, formats: list[str], fit: list[int], **more: int) -> tuple[list[int], list[bytes]]:
    """What `small_rgb` gives, for another process."""
    small = small_rgb(data, tuple(formats), (fit[0], fit[1]), **more)
    return (list(small.size), [small.tobytes()]) if small else ([], [])


def jpeg(image: Image.Image, quality: int = 92, max_bytes: int = 5_000_000) -> bytes:
    """A JPEG of the RGB picture's pixels and nothing else, of at most so many bytes (Rekognition takes 5 MB).

    Raises `TooLarge` where it does not fit even at a low quality.
    """
    bare = image.copy() if image.info else image
    bare.info = {}  # Pillow would copy a comment from here
    for tried in (quality, 80, 60, 40):
        buffer = io.BytesIO()
        bare.save(buffer, "JPEG", quality=min(tried, quality))
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
    raise TooLarge

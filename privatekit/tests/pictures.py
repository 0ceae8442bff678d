"""Pictures for the tests, harmless and not."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

from privatekit import images

ALL = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")


FIT = (2800, 700)


def portrait(width: int = 300, height: int = 400) -> Image.Image:
    """Red above, blue below, so that one can tell which way is up, and green on the left edge."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, height // 2, width, height))
    image.paste((30, 200, 30), (0, 0, width // 6, height))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **extra: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **extra)
    return buffer.getvalue()


def small(data: bytes, **more: Any) -> Image.Image:
    result = images.small_rgb(data, ALL, FIT, **more)
    assert result is not None
    return result


def png(width: int, height: int, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG with this header. Of a picture that decodes, `data` is the compressed rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def empty_rows(width: int, height: int, bytes_per_pixel: int) -> bytes:
    packer, row = zlib.compressobj(9), b"\0" * (1 + width * bytes_per_pixel)
    return b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])


def exif_of(orientation: bytes) -> bytes:
    """An EXIF block whose one entry, the orientation, is of a type and value that no camera writes."""
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<H", 0x0112) + orientation + b"\0\0\0\0" + b"\0" * 32


LYING = exif_of(struct.pack("<HIHH", 3, 1, 6, 0))

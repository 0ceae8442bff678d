"""The worst picture of each format: small to send, and as large to decode as the format allows."""

from collections.abc import Callable

from PIL import Image

from privatekit.tests.pictures import LYING, empty_rows, encoded, png

FAST_HEIC = {"quality": 1, "enc_params": {"preset": "ultrafast"}}


def several(kind: str, count: int, size: tuple[int, int], **extra: object) -> bytes:
    first, *others = [Image.new("RGB", size, (n, 0, 0)) for n in range(count)]
    return encoded(first, kind, save_all=True, append_images=others, **extra)


WORST: dict[str, Callable[[], bytes]] = {
    "a JPEG of a telephone, lying down": lambda: encoded(Image.new("RGB", (8064, 6048)), exif=LYING),
    "a JPEG of a frame's size": lambda: encoded(Image.new("RGB", (1900, 1100))),
    "a progressive JPEG": lambda: encoded(Image.new("RGB", (6600, 5000)), progressive=True, subsampling=0),
    "a progressive JPEG of a frame's size": lambda: encoded(Image.new("RGB", (1900, 1100)), progressive=True),
    "a progressive CMYK JPEG": lambda: encoded(Image.new("CMYK", (6600, 5000)), progressive=True),
    "a JPEG of many pictures": lambda: several("MPO", 4, (4000, 3000)),
    "a PNG of 16 bits and four colours": lambda: png(7070, 7070, 16, 6, empty_rows(7070, 7070, 8)),
    "a PNG of 16 bits that fits": lambda: png(5000, 4000, 16, 6, empty_rows(5000, 4000, 8)),
    "a PNG of 16 bits of grey": lambda: png(7070, 7070, 16, 0, empty_rows(7070, 7070, 2)),
    "a PNG of one bit": lambda: png(7070, 7070, 1, 0, empty_rows(884, 7070, 1)),
    "a moving PNG": lambda: several("PNG", 12, (2000, 2000)),
    "a WebP": lambda: encoded(Image.new("RGBA", (4600, 3000), "#1238"), "WEBP", method=0),
    "a WebP that only a sign-in takes": lambda: encoded(Image.new("RGBA", (5000, 4000), "#1238"), "WEBP", method=0),
    "a WebP beyond the budget": lambda: encoded(Image.new("RGB", (16383, 3050)), "WEBP", method=0, quality=1),
    "a lossless WebP": lambda: encoded(Image.new("RGBA", (4600, 3000), "#1238"), "WEBP", lossless=True, method=0),
    "a moving WebP": lambda: several("WEBP", 12, (2000, 2000), method=0),
    "a HEIC": lambda: encoded(Image.new("RGB", (8000, 6000)), "HEIF", **FAST_HEIC),
    "a HEIC with transparency": lambda: encoded(Image.new("RGBA", (5600, 4400)), "HEIF", **FAST_HEIC),
    "an AVIF": lambda: encoded(Image.new("RGBA", (4032, 3024)), "AVIF", speed=10, quality=1),
    "an AVIF beyond the budget": lambda: encoded(Image.new("RGB", (7000, 7000)), "AVIF", speed=10, quality=1),
    "a moving AVIF": lambda: several("AVIF", 6, (2000, 1500), speed=10),
    "a GIF": lambda: encoded(Image.new("P", (7070, 7070)), "GIF"),
    "a moving GIF": lambda: several("GIF", 12, (3000, 3000)),
    "a TIFF": lambda: encoded(Image.new("RGB", (7070, 7070)), "TIFF", compression="tiff_deflate"),
    "a TIFF of many pages": lambda: several("TIFF", 20, (3000, 3000), compression="tiff_deflate"),
}
"""By name; each is made when it is asked for."""

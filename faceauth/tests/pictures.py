"""Pictures for the tests: made here, or found on this machine. None is ever committed."""

import importlib.util
import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

FACES = settings.BASE_DIR.parent / "shared" / "faces"

needs_faces = pytest.mark.skipif(not FACES.is_dir(), reason=f"The wider set of faces is not at {FACES}.")


def package_file(package: str, path: str) -> bytes:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed, whose wheel carries the portrait {path}.")
    return (Path(spec.origin).parent / path).read_bytes()


def hopper() -> bytes:
    """Grace Hopper, JPEG, 512 x 600; public domain, in matplotlib's wheel."""
    return package_file("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def collins() -> bytes:
    """Eileen Collins, PNG, 512 x 512; public domain, in scikit-image's wheel."""
    return package_file("skimage", "data/astronaut.png")


def face_file(path: str) -> bytes:
    """A picture of the wider set; the test is skipped where it is absent."""
    file = FACES / path
    if not file.is_file():
        pytest.skip(f"The wider set of faces is not at {FACES}.")
    return file.read_bytes()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def another(data: bytes) -> bytes:
    """A second picture of the same person: mirrored, a little darker, turned and cut otherwise."""
    image = ImageOps.mirror(opened(data)).rotate(4, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90))
    image = ImageEnhance.Brightness(image).enhance(0.85)
    width, height = image.size
    return encoded(image.crop((width // 20, height // 30, width - width // 15, height - height // 12)))


def side_by_side(left: bytes, right: bytes) -> bytes:
    pictures = [ImageOps.contain(opened(data), (480, 480)) for data in (left, right)]
    wide = Image.new("RGB", (sum(picture.width for picture in pictures), 480))
    wide.paste(pictures[0], (0, 0))
    wide.paste(pictures[1], (pictures[0].width, 0))
    return encoded(wide)


def far_away(data: bytes, side: int = 150) -> bytes:
    """The person small in a large, empty picture."""
    room = Image.new("RGB", (1280, 700), (120, 120, 125))
    room.paste(opened(data).resize((side, side)), (600, 300))
    return encoded(room)


def unclear(data: bytes) -> bytes:
    """Good enough to be recognised by, and too blurred to be remembered by."""
    return encoded(opened(data).filter(ImageFilter.GaussianBlur(2.6)))


def dim(data: bytes) -> bytes:
    """The same, too dark."""
    return encoded(ImageEnhance.Brightness(opened(data)).enhance(0.2))


def darkened(data: bytes) -> bytes:
    return encoded(ImageEnhance.Brightness(opened(data)).enhance(0.06), quality=95)


def brightened(data: bytes) -> bytes:
    return encoded(opened(data).point(lambda value: min(255, value * 2 + 150)))


def blurred(data: bytes) -> bytes:
    return encoded(opened(data).filter(ImageFilter.GaussianBlur(9)))


def on_its_side(data: bytes) -> bytes:
    """The head lies on its shoulder: about 50 degrees of roll."""
    return encoded(opened(data).rotate(50, Image.Resampling.BICUBIC, expand=True, fillcolor=(110, 110, 110)))


def landscape() -> bytes:
    """A picture with nobody in it."""
    return encoded(Image.linear_gradient("L").resize((640, 480)).convert("RGB"))


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims to be enormous."""
    tiny = encoded(Image.new("L", (100, 100)), "PNG")
    return _with_png_size(tiny, width, height)


def _with_png_size(png: bytes, width: int, height: int) -> bytes:
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]

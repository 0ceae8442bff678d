"""Pictures are judged by their header and decoded within a budget, and broken metadata is no error."""

import contextlib
import io
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from privatekit import images
from privatekit.images import BadPicture, Busy, Room, TooLarge

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


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).mean())


def png(width: int, height: int, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG with this header. Of a picture that decodes, `data` is the compressed rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def empty_rows(width: int, height: int, bytes_per_pixel: int) -> bytes:
    packer, row = zlib.compressobj(9), b"\0" * (1 + width * bytes_per_pixel)
    return b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])


# What it becomes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF"])
def test_every_format_is_read(kind: str) -> None:
    assert difference(small(encoded(portrait(), kind)), portrait()) < 8


def test_only_allowed_formats_are_read() -> None:
    for kind in ("PNG", "GIF", "WEBP", "BMP", "TIFF"):
        with pytest.raises(BadPicture):
            images.small_rgb(encoded(portrait(), kind), ("JPEG",), FIT)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_every_orientation_is_turned_upright(value: int, kind: str) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera held that way would have stored
    stored = portrait(900, 1200)
    if value > 1:
        stored = stored.transpose(Image.Transpose(undo[value]))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    result = small(encoded(stored, kind, exif=exif))
    assert result.size == (525, 700)
    assert difference(result, portrait(525, 700)) < 8
    assert result.info == {}


def exif_of(orientation: bytes) -> bytes:
    """An EXIF block whose one entry, the orientation, is of a type and value that no camera writes."""
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<H", 0x0112) + orientation + b"\0\0\0\0" + b"\0" * 32


LYING = exif_of(struct.pack("<HIHH", 3, 1, 6, 0))
BROKEN_EXIF = {
    "text": exif_of(struct.pack("<HI4s", 2, 2, b"6\0\0\0")),
    "long text": exif_of(struct.pack("<HII", 2, 200, 26)),
    "bytes": exif_of(struct.pack("<HI4s", 7, 4, b"\6\6\6\6")),
    "a rational": exif_of(struct.pack("<HII", 5, 1, 26)),
    "a rational of nothing": exif_of(struct.pack("<HII", 10, 1, 30)),
    "a float": exif_of(struct.pack("<HIf", 11, 1, float("nan"))),
    "out of range": exif_of(struct.pack("<HIHH", 3, 1, 9, 0)),
    "nought": exif_of(struct.pack("<HIHH", 3, 1, 0, 0)),
    "an unknown type": exif_of(struct.pack("<HII", 99, 1, 6)),
    "beyond the end": exif_of(struct.pack("<HII", 2, 2**31, 2**31)),
    "no header": b"Exif\0\0" + b"\xff" * 20,
    "nothing": b"Exif\0\0",
    "half a header": b"Exif\0\0II*",
    "a circle": b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "a directory of 65535": b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\1" * 40,
}


@pytest.mark.parametrize("block", BROKEN_EXIF.values(), ids=BROKEN_EXIF)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_that_makes_no_sense_is_no_metadata(kind: str, block: bytes) -> None:
    data = encoded(portrait(), kind, exif=block if kind == "JPEG" else block[6:])
    result = small(data)
    assert result.size == (300, 400)
    assert difference(result, portrait()) < 8
    with images.decoded(data, ALL) as image:
        assert images.upright(image).size == (300, 400)


@pytest.mark.parametrize(
    ("xmp", "upright"),
    [
        (b'<x:xmpmeta><rdf tiff:Orientation="x"/></x:xmpmeta>', (300, 400)),
        (b'<x:xmpmeta><rdf tiff:Orientation="6"/></x:xmpmeta>', (400, 300)),
    ],
)
def test_an_orientation_in_xmp(xmp: bytes, upright: tuple[int, int]) -> None:
    assert small(encoded(portrait(), xmp=xmp)).size == upright


def test_metadata_is_gone() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Telltale camera"
    data = encoded(portrait(), exif=exif, comment=b"written by the owner", icc_profile=b"profile" * 20)
    cleaned = images.jpeg(small(data))
    assert b"Telltale" in data
    for trace in (b"Telltale", b"written by", b"Exif", b"profile"):
        assert trace not in cleaned


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("size", [(300, 400), (1500, 2000)])
def test_every_mode_becomes_the_same_picture(mode: str, size: tuple[int, int]) -> None:
    grey = Image.linear_gradient("L").resize(size)
    if mode == "I;16":
        source = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
    elif mode == "PA":
        source = grey.convert("P").convert("PA").convert("RGBA")
    else:
        source = grey.convert(mode)
    result = small(encoded(source, "JPEG" if mode == "CMYK" else "PNG"))
    assert result.mode == "RGB"
    assert abs(float(np.asarray(result).mean()) - float(np.asarray(grey).mean())) < 3
    assert result.height == min(700, size[1])


def test_transparent_becomes_white() -> None:
    for size in ((100, 100), (3000, 1500)):
        assert np.asarray(small(encoded(Image.new("RGBA", size, (0, 0, 0, 0)), "PNG"))).min() == 255
        assert np.asarray(small(encoded(Image.new("P", size, 0), "PNG", transparency=0))).min() == 255


@pytest.mark.parametrize(
    ("size", "expected"), [((4000, 3000), (933, 700)), ((9000, 300), (2800, 93)), ((80, 80), (80, 80))]
)
def test_at_most_as_large_as_asked_for(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert small(encoded(Image.new("RGB", size))).size == expected


def test_a_side_that_is_too_short_is_no_picture_and_no_error() -> None:
    assert images.small_rgb(encoded(portrait(79, 300)), ALL, FIT, min_side=80) is None
    assert images.small_rgb(encoded(portrait(80, 300)), ALL, FIT, min_side=80) is not None
    assert images.small_rgb(encoded(Image.new("RGB", (9000, 100))), ALL, FIT, min_side=80) is None


def test_a_jpeg_keeps_to_its_size() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (500, 500, 3), dtype=np.uint8))
    best, less = images.jpeg(noise), images.jpeg(noise, max_bytes=120_000)
    assert len(less) <= 120_000 < len(best)
    with pytest.raises(TooLarge):
        images.jpeg(noise, max_bytes=10_000)


# What it may cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        png(30_000, 30_000),
        png(10_000, 5_001),
        png(2**31 - 1, 1),
        png(10_000, 8_500, 16),
        encoded(Image.new("L", (5_000, 5_000)), "WEBP", method=0),
        encoded(Image.new("RGB", (7_000, 7_000)), progressive=True),
        encoded(Image.new("RGB", (6_000, 4_500)), "AVIF", speed=10),
    ],
    ids=["pixels", "one row too many", "a line", "deep", "WebP", "progressive", "AVIF"],
)
def test_too_much_is_refused_by_its_header(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("It was decoded."))
    with pytest.raises(TooLarge):
        small(data)


def test_fewer_pixels_may_be_asked_for() -> None:
    data = encoded(Image.new("RGB", (2000, 1000)))
    assert small(data, max_pixels=2_000_000)
    with pytest.raises(TooLarge):
        small(data, max_pixels=1_999_999)


def test_a_photo_of_a_telephone_is_taken_whole_and_turned() -> None:
    data = encoded(Image.new("RGB", (8064, 6048)), quality=30)
    with images.decoded(data, ("JPEG",)) as image:
        assert image.size == (8064, 6048)


def test_a_large_jpeg_is_decoded_small_where_that_is_enough() -> None:
    data = encoded(Image.new("RGB", (8000, 6000)), quality=30)
    with images.decoded(data, ("JPEG",), fit=FIT) as image:
        assert image.size == (1000, 750)
    taken: list[int] = []
    room = images.ROOM
    with images.decoded(data, ("JPEG",), fit=FIT):
        taken.append(room.size - room.free)
    assert taken[0] < 10_000_000
    assert room.free == room.size


def test_scans_of_a_jpeg_are_seen_in_its_header() -> None:
    baseline, progressive = encoded(portrait()), encoded(portrait(), progressive=True)
    at = baseline.index(b"\xff\xda")
    one_colour = baseline[:at] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + baseline[at + 14 :]
    with Image.open(io.BytesIO(baseline)) as image:
        assert not images.needs_coefficients(image, baseline)
        assert not images.needs_coefficients(image, b"\xff\xd8\xff" + baseline[2:])  # a fill byte
        for data in (progressive, one_colour, baseline[:100], baseline[:at], b"\xff\xd8", b""):
            assert images.needs_coefficients(image, data)


def test_frames_are_counted() -> None:
    first, *others = [Image.new("RGB", (100, 100), (i, 0, 0)) for i in range(0, 250, 10)]
    data = encoded(first, "WEBP", save_all=True, append_images=others)
    with pytest.raises(TooLarge):
        small(data, max_pixels=len(others) * 10_000)
    assert small(data, max_pixels=(1 + len(others)) * 10_000)


def test_pictures_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(100)
    inside, together, lock = 0, 0, threading.Lock()

    def use(size: int) -> None:
        nonlocal inside, together
        with room.reserve(size):
            with lock:
                inside += size
                together = max(together, inside)
            threading.Event().wait(0.02)
            with lock:
                inside -= size

    threads = [threading.Thread(target=use, args=(size,)) for size in (60, 60, 40, 30, 100, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together <= 100
    assert room.free == 100
    with pytest.raises(TooLarge), room.reserve(101):
        pass
    monkeypatch.setattr(images, "WAIT", 0.01)
    with room.reserve(60), pytest.raises(Busy), room.reserve(60):
        pass
    assert room.free == 100


def test_room_is_given_back_whatever_happens() -> None:
    before = images.ROOM.free
    for data in (encoded(portrait())[:1500], b"", png(100, 100, data=b"broken")):
        with pytest.raises(BadPicture):
            small(data)
    with pytest.raises(ZeroDivisionError), images.decoded(encoded(portrait()), ALL):
        raise ZeroDivisionError
    assert images.ROOM.free == before


@settings(max_examples=120, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "HEIF", "GIF"]))
def test_no_damage_raises_anything_else(data: st.DataObject, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    source = bytearray(encoded(portrait(90, 90), kind, **({} if kind == "GIF" else {"exif": exif})))
    for _ in range(data.draw(st.integers(1, 12))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    for damaged in (bytes(source), bytes(source[: data.draw(st.integers(0, len(source)))])):
        with contextlib.suppress(BadPicture):
            images.small_rgb(damaged, ALL, FIT)


# A worker stays small -------------------------------------------------------------------------------------------------

WORKER = """
import sys, threading, django
django.setup()
import secretly.wsgi  # everything that a worker loads
from notes.pictures import clean_picture
from privatekit import images
from privatekit.images import BadPicture

def small(data):
    return images.small_rgb(data, ("JPEG", "PNG", "WEBP", "HEIF"), (2800, 700))

def send(way, data):
    try:
        way(data)
    except BadPicture:
        pass

data = open(sys.argv[1], "rb").read()
threads = [threading.Thread(target=send, args=(way, data)) for way in (small, clean_picture, small, clean_picture)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""

WORST: dict[str, Callable[[], bytes]] = {
    "a JPEG of a telephone, lying down": lambda: encoded(Image.new("RGB", (8064, 6048)), exif=LYING),
    "a progressive JPEG": lambda: encoded(Image.new("RGB", (6600, 5000)), progressive=True, subsampling=0),
    "a progressive CMYK JPEG": lambda: encoded(Image.new("CMYK", (6600, 5000)), progressive=True),
    "a PNG of 16 bits and four colours": lambda: png(7070, 7070, 16, 6, empty_rows(7070, 7070, 8)),
    "a PNG of 16 bits of grey": lambda: png(7070, 7070, 16, 0, empty_rows(7070, 7070, 2)),
    "a WebP": lambda: encoded(Image.new("RGBA", (4600, 3000), "#1238"), "WEBP", method=0),
    "a WebP that only a sign-in takes": lambda: encoded(Image.new("RGBA", (5000, 4000), "#1238"), "WEBP", method=0),
    "a WebP beyond the budget": lambda: encoded(Image.new("RGB", (16383, 3050)), "WEBP", method=0, quality=1),
    "a HEIC": lambda: encoded(Image.new("RGB", (8000, 6000)), "HEIF", quality=1, enc_params={"preset": "ultrafast"}),
    "an AVIF": lambda: encoded(Image.new("RGBA", (4032, 3024)), "AVIF", speed=10, quality=1),
    "an AVIF beyond the budget": lambda: encoded(Image.new("RGB", (7000, 7000)), "AVIF", speed=10, quality=1),
    "a GIF": lambda: encoded(Image.new("P", (7070, 7070)), "GIF"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux says how much memory a process has taken at most.")
@pytest.mark.parametrize("worst", WORST)
def test_a_worker_stays_below_600_mb(worst: str, tmp_path: Path) -> None:
    """Four at once of the worst picture of each format, at the sign-in's size and as an attachment."""
    import os

    bomb = tmp_path / "bomb"
    bomb.write_bytes(WORST[worst]())
    environ = os.environ | {"SECRETLY_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", WORKER, str(bomb)],
        env=environ | {"MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600_000

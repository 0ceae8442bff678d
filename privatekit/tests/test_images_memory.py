"""Pictures are judged by their header and decoded within a budget, so that a worker stays small."""

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from privatekit import images
from privatekit.images import BadPicture, Busy, Room, TooLarge
from privatekit.tests.pictures import ALL, FIT, LYING, empty_rows, encoded, png, portrait, small


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

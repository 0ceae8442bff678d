"""Pictures are judged by their header and decoded within a budget, so that a worker stays small."""

import io
import subprocess
import sys
import threading

import pytest
from PIL import Image

from privatekit import aside, images
from privatekit.images import BadPicture, Busy, Room, TooLarge
from privatekit.tests.pictures import ALL, FIT, encoded, png, portrait, small


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


def test_what_is_too_large_for_this_process_is_decoded_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same result."""
    data = encoded(portrait(3000, 4000), "PNG")
    expected = small(data)
    monkeypatch.setattr(images, "ROOM", Room(20_000_000))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("It was decoded here."))
    assert small(data).tobytes() == expected.tobytes()
    assert images.small_rgb(data, ALL, (2800, 60), min_side=80) is None


@pytest.mark.parametrize("data", [encoded(portrait(3000, 4000))[:5000], png(4000, 3000, data=b"broken")])
def test_what_is_broken_there_is_broken_here(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "ROOM", Room(1_000_000))
    with pytest.raises(BadPicture):
        small(data)


def test_a_decoder_that_takes_too_much_ends_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall, with a budget that knows nothing: each process says that the picture is too large."""
    assert aside.run("privatekit.tests.test_images_memory:greedy", b"", size=10**7) == ([10**7], [])
    with pytest.raises(TooLarge):
        aside.run("privatekit.tests.test_images_memory:greedy", b"", size=10**9)
    with pytest.raises(BadPicture):
        aside.run("os:abort", b"")
    assert aside.run("privatekit.tests.test_images_memory:greedy", b"", size=10) == ([10], [])


def greedy(data: bytes, size: int) -> tuple[list[int], list[bytes]]:
    return [len(bytearray(size))], []


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has such a limit.")
def test_a_wall_turns_too_much_into_an_error() -> None:
    program = """
from privatekit import images, memory
from privatekit.tests.pictures import encoded
from PIL import Image
data = encoded(Image.new("RGB", (6000, 4000)))
memory.allow(40_000_000)
try:
    images.small_rgb(data, ("JPEG",), (6000, 4000))
except images.Busy:
    print("busy")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["busy"]

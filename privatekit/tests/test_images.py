"""Pictures become upright, plain and small, and broken metadata is no error."""

import struct

import numpy as np
import pytest
from PIL import ExifTags, Image

from privatekit import images
from privatekit.images import BadPicture, TooLarge
from privatekit.tests.pictures import ALL, FIT, encoded, exif_of, portrait, small


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).mean())


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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_array_is_the_upright_picture(orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "STRIP", 1000)
    grey = Image.linear_gradient("L").resize((90, 60))
    deep = Image.fromarray(np.arange(5400, dtype=np.uint16).reshape(60, 90) * 12)
    for image in (
        portrait(60, 90),
        grey,
        grey.convert("LA"),
        grey.convert("P"),
        portrait(60, 90).convert("CMYK"),
        deep,
    ):
        pixels = images.array(image, orientation)
        assert np.array_equal(pixels, np.asarray(images.turned(images.rgb(image), orientation)))
        assert not pixels.flags.writeable


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

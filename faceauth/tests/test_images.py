import io
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from faceauth.outcomes import Reason, Refusal
from faceauth.recognition.search import recognise
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.pictures import encoded, opened
from faceauth.vision import alignment, faces, photos
from faceauth.vision.photos import Photo, decode_as_rekognition, read_photo, reopen_photo
from privatekit.images import BadPicture, TooLarge


def portrait(width: int = 300, height: int = 400) -> Image.Image:
    """Red above, blue below, so that one can tell which way is up, and green on the left edge."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, height // 2, width, height))
    image.paste((30, 200, 30), (0, 0, width // 6, height))
    return image


def photo(data: bytes) -> Photo:
    result = read_photo(data)
    assert isinstance(result, Photo), result
    return result


def reason(data: bytes) -> Reason:
    result = read_photo(data)
    assert isinstance(result, Refusal), result
    return result.reason


# What is accepted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_accepted_format_becomes_a_jpeg(kind: str) -> None:
    result = photo(encoded(portrait(), kind))
    assert Image.open(io.BytesIO(result.jpeg)).format == "JPEG"
    assert result.pixels.shape == (400, 300, 3)
    assert np.abs(result.pixels.astype(int) - np.asarray(portrait())).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_every_exif_orientation_is_turned_upright(orientation: int, kind: str) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera held that way would have stored
    stored = portrait(900, 1200)
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    result = photo(encoded(stored, kind, exif=exif))
    assert result.pixels.shape == (700, 525, 3)
    expected = np.asarray(portrait(525, 700), dtype=int)
    assert np.abs(result.pixels - expected).mean() < 8
    assert Image.open(io.BytesIO(result.jpeg)).getexif().get(ExifTags.Base.Orientation) is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_the_same_picture(mode: str) -> None:
    grey = pictures.opened(pictures.hopper()).convert("L")
    if mode == "I;16":
        source = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
    elif mode == "PA":
        source = grey.convert("P").convert("PA")
    else:
        source = grey.convert(mode)
    kind = {"CMYK": "JPEG", "PA": "WEBP"}.get(mode, "PNG")
    result = photo(encoded(source.convert("RGBA") if mode == "PA" else source, kind))
    assert result.pixels.shape[2] == 3
    assert abs(float(result.pixels.mean()) - float(np.asarray(grey).mean())) < 3


def test_transparent_becomes_white() -> None:
    assert photo(encoded(Image.new("RGBA", (100, 100), (0, 0, 0, 0)), "PNG")).pixels.min() == 255
    palette = Image.new("P", (100, 100), 0)
    assert photo(encoded(palette, "PNG", transparency=0)).pixels.min() == 255


@pytest.mark.parametrize(
    ("size", "expected"), [((4000, 3000), (933, 700)), ((9000, 300), (2800, 93)), ((80, 80), (80, 80))]
)
def test_at_most_700_px_high(size: tuple[int, int], expected: tuple[int, int]) -> None:
    result = photo(encoded(Image.new("RGB", size)))
    assert (result.pixels.shape[1], result.pixels.shape[0]) == expected


def test_metadata_is_gone() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Telltale camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (33.0, 18.0, 0.0)
    source = encoded(
        portrait(), exif=exif, comment=b"written by the owner", icc_profile=b"profile" * 20, dpi=(300, 300)
    )
    assert b"Telltale" in source
    assert b"written by" in source
    cleaned = photo(source).jpeg
    for trace in (b"Telltale", b"written by", b"Exif", b"profile", b"ICC_PROFILE"):
        assert trace not in cleaned


def test_reopened_photo_is_the_same() -> None:
    first = photo(pictures.hopper())
    again = reopen_photo(first.jpeg)
    assert again.jpeg == first.jpeg
    assert np.abs(again.pixels.astype(int) - first.pixels).mean() < 3


# What is refused ------------------------------------------------------------------------------------------------------

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Reason.NOT_AN_IMAGE),
        (b"Dear diary, this is a text file called me.jpg", Reason.NOT_AN_IMAGE),
        (encoded(portrait())[:1500], Reason.NOT_AN_IMAGE),
        (encoded(portrait(), "PNG")[:-600], Reason.NOT_AN_IMAGE),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, Reason.NOT_AN_IMAGE),
        (encoded(portrait(), "GIF"), Reason.UNSUPPORTED_FORMAT),
        (encoded(portrait(), "BMP"), Reason.UNSUPPORTED_FORMAT),
        (encoded(portrait(), "TIFF"), Reason.UNSUPPORTED_FORMAT),
        (encoded(portrait(), "AVIF"), Reason.UNSUPPORTED_FORMAT),
        (encoded(portrait(), "PDF"), Reason.UNSUPPORTED_FORMAT),
        (encoded(portrait(), "JPEG2000"), Reason.UNSUPPORTED_FORMAT),
        (encoded(portrait(), "EPS"), Reason.UNSUPPORTED_FORMAT),
        (SVG, Reason.UNSUPPORTED_FORMAT),
        (b"\n <svg/>", Reason.UNSUPPORTED_FORMAT),
        (pictures.claims(30_000, 30_000), Reason.TOO_LARGE),
        (pictures.claims(10_000, 5_001), Reason.TOO_LARGE),
        (encoded(portrait()) + b"\0" * photos.MAX_BYTES, Reason.TOO_LARGE),
        (encoded(Image.new("RGB", (79, 500))), Reason.TOO_SMALL),
        (encoded(Image.new("RGB", (9000, 100))), Reason.TOO_SMALL),
    ],
)
def test_refused(data: bytes, expected: Reason) -> None:
    assert reason(data) == expected


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "HEIF"]))
def test_no_damage_to_a_file_raises(data: st.DataObject, kind: str) -> None:
    source = bytearray(encoded(portrait(90, 90), kind))
    for _ in range(data.draw(st.integers(1, 12))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(source)))
    for damaged in (bytes(source), bytes(source[:cut])):
        assert isinstance(read_photo(damaged), Photo | Refusal)


# The photo itself -----------------------------------------------------------------------------------------------------


def test_photo_shows_nothing_and_is_not_pickled() -> None:
    result = photo(encoded(portrait()))
    assert repr(result) == "<Photo>"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(result)


def test_closed_photo_is_empty_but_its_copy_is_not() -> None:
    result = photo(encoded(portrait()))
    copy = result.copy()
    with result:
        pass
    assert repr(result) == "<Photo: closed>"
    with pytest.raises(ValueError, match="closed"):
        _ = result.jpeg
    with pytest.raises(ValueError, match="closed"):
        _ = result.pixels
    assert copy.jpeg


# As Rekognition -------------------------------------------------------------------------------------------------------


def test_rekognition_turns_jpeg_but_not_png() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = portrait(400, 300)
    assert decode_as_rekognition(encoded(lying, "JPEG", exif=exif)).shape == (400, 300, 3)
    assert decode_as_rekognition(encoded(lying, "PNG", exif=exif)).shape == (300, 400, 3)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", photos.NotJpegOrPng),
        (encoded(portrait(), "WEBP"), photos.NotJpegOrPng),
        (encoded(portrait())[:1500], photos.NotJpegOrPng),
        (encoded(portrait(79, 200)), photos.PictureTooSmall),
        (pictures.claims(30_000, 30_000), TooLarge),
        (pictures.claims(10_000, 5_001), TooLarge),
    ],
)
def test_rekognition_refuses(data: bytes, error: type[BadPicture]) -> None:
    with pytest.raises(error):
        decode_as_rekognition(data)


def test_rekognition_takes_a_portrait() -> None:
    assert np.array_equal(decode_as_rekognition(pictures.collins()), np.asarray(opened(pictures.collins())))


# Decoded and searched once -------------------------------------------------------------------------------------------


def test_an_open_photo_is_not_decoded_again_for_the_recogniser() -> None:
    shown = photo(pictures.hopper())
    jpeg = shown.jpeg
    assert decode_as_rekognition(jpeg) is shown.pixels
    assert decode_as_rekognition(bytes(bytearray(jpeg))) is shown.pixels  # the same content, not the same object
    before = np.array(shown.pixels)
    shown.close()
    again = decode_as_rekognition(jpeg)
    assert np.array_equal(again, before)  # whoever decodes it sees the same
    assert np.array_equal(reopen_photo(jpeg).pixels, before)


def test_nothing_is_kept_of_a_photo_that_is_gone() -> None:
    shown = photo(pictures.hopper())
    faces.find_faces(shown.pixels)
    address, kept = id(shown.pixels), weakref.ref(shown.pixels)
    assert address in faces.found
    shown.close()
    assert kept() is None
    assert address not in faces.found
    del shown
    assert not photos.open_photos


def test_a_picture_that_can_change_is_searched_each_time() -> None:
    shown = photo(pictures.hopper())
    pixels = np.array(shown.pixels)
    assert len(faces.find_faces(pixels)) == 1
    pixels[:] = 0
    assert faces.find_faces(pixels) == []
    one, other = faces.find_faces(shown.pixels), faces.find_faces(shown.pixels)
    assert one[0] is other[0]
    one.clear()  # the caller's own list
    assert faces.find_faces(shown.pixels) == other


def test_a_sign_in_searches_a_picture_once_and_makes_one_template(
    hopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def noted(name: str) -> None:
        work = getattr(faces, name)

        def note(given: alignment.Pixels) -> Any:
            made.append(name)
            return work(given)

        monkeypatch.setattr(faces, name, note)

    noted("search")
    noted("embed")
    assert recognise(read(pictures.another(pictures.hopper()))).user == hopper
    assert made == ["search", "embed"]


@pytest.mark.parametrize("name", ["orientation_text.jpg", "no_tiff_header.jpg"])
def test_metadata_of_any_kind_is_no_error(name: str) -> None:
    """EXIF with text for an orientation, and EXIF without its header: a picture without metadata, upright as it is."""
    photo = photos.read_photo((Path(__file__).parent / "cases" / name).read_bytes())
    assert isinstance(photo, photos.Photo)

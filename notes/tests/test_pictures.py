"""Pictures lose their metadata and nothing else, and take no more memory than is allowed."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image
from pytest_django.fixtures import Settings

from notes import attachments, pictures
from notes.attachments import Fault
from notes.models import Attachment, Note
from notes.tests.files import at, exif, moving, photo, segment, send, with_metadata
from privatekit import images
from privatekit.images import BadPicture


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def test_a_photo_loses_what_it_tells_and_stands_upright(own: Client, owner: User, note: Note) -> None:
    data = with_metadata()
    assert all(word in data for word in (b"CameraMaker", b"SecretComment", b"SecretXmp"))
    send(own, note, ("me.jpg", data))
    [attachment] = Attachment.objects.of(owner)
    for content in (own.get(at(attachment)).content, own.get(at(attachment, "thumbnail")).content):
        assert not any(word in content for word in (b"CameraMaker", b"Secret", b"Exif", b"xmp"))
        image = Image.open(io.BytesIO(content))
        assert dict(image.getexif()) == {}
        assert image.height > image.width


def test_a_bare_jpeg_stays_as_it_is() -> None:
    for data in (photo(), photo(quality=60, icc_profile=b"profile " * 20_000), photo(optimize=True, subsampling=0)):
        picture = pictures.clean_picture(data)
        assert picture
        assert picture.content == data


def test_a_jpeg_is_encoded_anew_once() -> None:
    picture = pictures.clean_picture(with_metadata())
    assert picture
    again = pictures.clean_picture(picture.content)
    assert again
    assert again.content == picture.content


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xE1, exif("Secret")),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0Secret"),
        segment(0xED, b"Photoshop 3.0\0Secret"),
        segment(0xFE, b"Secret"),
        segment(0xE0, b"JFXX\0\x10Secret"),
        segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1Secret"),
        segment(0xE0, b"JFIF\0Secret!\0\0"),  # a second one
        segment(0xE2, b"FPXR\0Secret"),
        segment(0xE2, b"ICC_PROFILE\0\1\2Secret"),  # half a profile, which nobody reads
        segment(0xE5, b"Secret"),
        segment(0xEE, b"Adobe\0\0\0\0\0\0\1Secret"),
        segment(0xEF, b"Secret"),
        b"\xff" * 20 + segment(0xFE, b"Secret"),
    ],
)
@pytest.mark.parametrize("before", [b"\xff\xe0", b"\xff\xdb", b"\xff\xda"], ids=["first", "between", "last"])
def test_nothing_is_hidden_in_the_head_of_a_jpeg(extra: bytes, before: bytes) -> None:
    head, mark, tail = photo().partition(before)
    picture = pictures.clean_picture(head + extra + mark + tail)
    assert picture
    assert b"Secret" not in picture.content


@pytest.mark.parametrize(
    "hide",
    [
        lambda data: data + b"Secret",
        lambda data: data + photo(comment=b"Secret"),
        lambda data: data[:-2] + segment(0xFE, b"Secret") + data[-2:],
        lambda data: data[:-2] + b"\xff\xd0Secret" + data[-2:],
        lambda data: data[:-2] + b"SecretSecret" + data[-2:],
        lambda data: data[:-2] + b"\xff\xd9Secret" + data[-2:],
    ],
    ids=["after", "a second picture", "a comment", "a restart", "in the scan", "two ends"],
)
def test_nothing_is_hidden_behind_a_jpeg(hide: Callable[[bytes], bytes]) -> None:
    picture = pictures.clean_picture(hide(photo()))
    assert picture
    assert b"Secret" not in picture.content


def test_a_jpeg_that_may_have_more_scans_is_encoded_anew() -> None:
    """The decoder waits for the others, and cannot tell where the first one ends."""
    data = photo()
    at = data.index(b"\xff\xda")
    one_colour = data[:at] + segment(0xDA, b"\1\1\0\0\x3f\0") + data[at + 14 : -2] + b"SecretSecret" + data[-2:]
    picture = pictures.clean_picture(one_colour)
    assert picture
    assert b"Secret" not in picture.content


def test_a_progressive_jpeg_is_encoded_anew() -> None:
    data = photo(progressive=True)
    picture = pictures.clean_picture(data)
    assert picture
    assert picture.content != data


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_keeps_moving(kind: str) -> None:
    picture = pictures.clean_picture(moving(kind))
    assert picture
    assert picture.content_type == f"image/{kind.lower()}"
    with Image.open(io.BytesIO(picture.content)) as image:
        colours, times = [], []
        for frame in range(3):
            image.seek(frame)
            colours.append([value > 128 for value in image.convert("RGB").getpixel((30, 20))])  # type: ignore[union-attr]
            times.append(image.info.get("duration"))
    assert colours == [[True, False, False], [False, True, False], [False, False, True]]
    assert times == [100, 700, 100]


def test_a_gif_loses_what_it_tells_and_not_one_pixel() -> None:
    data = moving("GIF", comment=b"SecretComment")
    head, rest = data[:-1], b"\x21\xff\x0bXMP DataXMP\x09SecretXmp\x00\x3bSecretTail"
    picture = pictures.clean_picture(head + rest)
    assert picture
    assert b"SecretComment" in data
    assert b"Secret" not in picture.content
    assert picture.content.endswith(b"\x3b")
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(picture.content)) as after:
        for frame in range(3):
            before.seek(frame)
            after.seek(frame)
            assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
        assert after.info["loop"] == 2
        assert "comment" not in after.info


@pytest.mark.parametrize("cut", [14, 60, 120, -1])
def test_a_truncated_gif_is_refused(owner: User, note: Note, cut: int) -> None:
    assert attachments.attach(owner, note.pk, "a.gif", ContentFile(moving("GIF")[:cut])) == Fault.BAD_PICTURE


def test_an_avif_loses_what_it_tells() -> None:
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    data = photo("AVIF", exif=exif.tobytes(), xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>")
    picture = pictures.clean_picture(data)
    assert picture
    assert b"CameraMaker" in data
    assert b"SecretXmp" in data
    assert not any(word in picture.content for word in (b"CameraMaker", b"SecretXmp", b"Exif"))


def test_a_tiff_stays_as_it_is_and_the_page_says_so(own: Client, owner: User, note: Note) -> None:
    data = photo("TIFF", description="Negative 12")
    send(own, note, ("scan.tiff", data))
    answer = own.get(at(Attachment.objects.of(owner).get()))
    assert answer.content == data
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "TIFF and every other file stays as it is." in own.get(f"/notes/{note.pk}/").content.decode()


@pytest.mark.parametrize(
    "image", [Image.new("P", (9, 9)), Image.new("RGBA", (9, 9)), Image.new("I;16", (9, 9)), Image.new("1", (9, 9))]
)
def test_pictures_of_every_depth(image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    picture = pictures.clean_picture(buffer.getvalue())
    assert picture
    assert picture.content_type == "image/png"


@pytest.mark.parametrize(("kind", "size"), [("WEBP", (5000, 5000)), ("AVIF", (4000, 4000)), ("JPEG", (7100, 7100))])
def test_a_picture_that_would_take_too_much_memory_is_refused(kind: str, size: tuple[int, int]) -> None:
    flat = io.BytesIO()
    Image.new("RGB", size).save(flat, kind, quality=10, method=0, speed=10)
    with pytest.raises(BadPicture):
        pictures.clean_picture(flat.getvalue())


def test_what_is_too_large_for_this_process_is_decoded_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((3000, 2000)).save(buffer, "PNG")
    expected = pictures.clean_picture(buffer.getvalue())
    monkeypatch.setattr(images, "ROOM", images.Room(20_000_000))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("It was decoded here."))
    assert pictures.clean_picture(buffer.getvalue()) == expected

"""Photos and files on notes: sealed, stripped of what they tell, and for their owner alone."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from PIL import Image
from pytest_django.fixtures import Settings

from notes import attachments, editing, pictures, storage, trash
from notes.attachments import MAX_BYTES, Fault, tidy, type_of
from notes.models import Attachment, Note
from notes.tests.conftest import signed_in
from notes.tests.test_encryption import everything_in_the_database
from notes.uploads import uploads
from privatekit import images
from privatekit.images import BadPicture
from privatekit.uploads import Limits


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def photo(kind: str = "JPEG", size: tuple[int, int] = (600, 400), **extra: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, kind, **extra)
    return buffer.getvalue()


def with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825)[1] = "N"  # a place
    return photo(exif=exif.tobytes(), comment=b"SecretComment", xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>")


def attach_to(owner: User, note: Note, name: str = "plan.txt", content: bytes = b"Meet at five.") -> Attachment:
    result = attachments.attach(owner, note.pk, name, ContentFile(content))
    assert isinstance(result, Attachment), result
    return result


def at(attachment: Attachment, page: str = "attachment") -> str:
    return reverse(f"notes:{page}", args=[attachment.pk])


def send(client: Client, note: Note, *files: tuple[str, bytes], **more: Any) -> Any:
    data = {"file": [SimpleUploadedFile(name, content) for name, content in files]}
    return client.post(reverse("notes:attach", args=[note.pk]), data, **more)


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


# Coming in ------------------------------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_was(own: Client, owner: User, note: Note) -> None:
    assert send(own, note, ("plan.txt", b"Meet at five.")).status_code == 302
    [attachment] = Attachment.objects.of(owner)
    answer = own.get(at(attachment))
    assert answer.content == b"Meet at five."
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="plan.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "plan.txt" in own.get(f"/notes/{note.pk}/").content.decode()
    assert "plan.txt" in own.get("/").content.decode()


def test_a_file_that_is_no_picture_has_no_thumbnail(own: Client, owner: User, note: Note) -> None:
    assert own.get(at(attach_to(owner, note), "thumbnail")).status_code == 404


@pytest.mark.parametrize(("user", "kept"), [("owner", 1000), ("nobody", 0)])
def test_only_of_people_who_are_signed_in_files_are_kept_in_memory(owner: User, user: str, kept: int) -> None:
    """The form's token is checked after the files were read, so anybody can send some."""
    seen: list[int] = []

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        seen.extend(len(file.read()) for file in request.FILES.getlist("file"))
        return HttpResponse()

    request = RequestFactory().post("/", {"file": SimpleUploadedFile("a.txt", b"x" * 1000)})
    request.user = owner if user == "owner" else AnonymousUser()
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    uploads(Limits(each=1000, together=1000, spooled=1000))(view)(request)
    assert seen == [kept]


def test_several_at_once(own: Client, owner: User, note: Note) -> None:
    send(own, note, ("a.txt", b"a"), ("b.txt", b"b"))
    assert [attachment.name for attachment in Attachment.objects.of(owner)] == ["a.txt", "b.txt"]


def test_a_picture_is_shown_and_has_a_thumbnail(own: Client, owner: User, note: Note) -> None:
    send(own, note, ("me.jpg", photo()))
    [attachment] = Attachment.objects.of(owner)
    answer = own.get(at(attachment))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == 'inline; filename="me.jpg"'
    small = own.get(at(attachment, "thumbnail"))
    assert small.headers["Content-Type"] == "image/webp"
    assert max(Image.open(io.BytesIO(small.content)).size) == pictures.THUMBNAIL
    assert f'src="{at(attachment, "thumbnail")}"' in own.get("/").content.decode()


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


def exif(maker: str) -> bytes:
    made = Image.Exif()
    made[0x010F] = maker
    return made.tobytes()


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2) + content


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


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        ("HEIF", "IMG_1.HEIC", "IMG_1.jpg"),
        ("HEIF", "a.b.heif", "a.b.jpg"),
        ("MPO", "a.mpo", "a.jpg"),
        ("JPEG", "a.jpeg", "a.jpeg"),
        ("PNG", "a.heic", "a.heic"),
    ],
)
def test_a_picture_of_another_kind_has_another_ending(owner: User, note: Note, kind: str, name: str, kept: str) -> None:
    assert attach_to(owner, note, name, photo(kind)).name == kept


def moving(kind: str, **extra: Any) -> bytes:
    """Three frames, red, green and blue; the second is seen for longer."""
    buffer = io.BytesIO()
    first, *others = [Image.new("RGB", (60, 40), colour) for colour in ("#f00", "#0f0", "#00f")]
    first.save(buffer, kind, save_all=True, append_images=others, duration=[100, 700, 100], loop=2, **extra)
    return buffer.getvalue()


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
    ("kind", "name", "content_type"),
    [
        ("PNG", "a.png", "image/png"),
        ("AVIF", "a.avif", "image/avif"),
        ("GIF", "a.gif", "image/gif"),
        ("MPO", "a.jpg", "image/jpeg"),
        ("WEBP", "a.webp", "image/webp"),
        ("HEIF", "a.heic", "image/jpeg"),
        ("JPEG", "a.html", "image/jpeg"),
    ],
)
def test_the_type_is_what_it_is_and_not_what_it_is_called(
    own: Client, owner: User, note: Note, kind: str, name: str, content_type: str
) -> None:
    send(own, note, (name, photo(kind)))
    answer = own.get(at(Attachment.objects.of(owner).get()))
    assert answer.headers["Content-Type"] == content_type
    assert Image.MIME[Image.open(io.BytesIO(answer.content)).format or ""] == content_type


@pytest.mark.parametrize(
    "image", [Image.new("P", (9, 9)), Image.new("RGBA", (9, 9)), Image.new("I;16", (9, 9)), Image.new("1", (9, 9))]
)
def test_pictures_of_every_depth(image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    picture = pictures.clean_picture(buffer.getvalue())
    assert picture
    assert picture.content_type == "image/png"


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        ("a.html", b"<script>alert(1)</script>", "text/html"),
        ("a.png", b"<script>alert(1)</script>", "image/png"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.svgz", b"x", "application/octet-stream"),
        ("noending", b"x", "application/octet-stream"),
        ('a"; x="\r\n.txt', b"x", "text/plain"),
    ],
)
def test_what_could_act_is_downloaded_and_never_shown(
    own: Client, owner: User, note: Note, name: str, content: bytes, content_type: str
) -> None:
    attachment = attach_to(owner, note, name, content)
    answer = own.get(at(attachment))
    assert answer.content == content
    assert answer.headers["Content-Type"] == content_type
    if content_type != "image/png":
        assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_calls_itself_a_picture_is_not_shown(own: Client, owner: User, note: Note) -> None:
    answer = own.get(at(attach_to(owner, note, "a.png", b"<script>")))
    assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("big.bin", b"x" * (MAX_BYTES + 1), "a file may have 20 MB"),
        ("empty.txt", b"", "it is empty"),
        ("torn.jpg", photo()[:600], "cannot read this picture"),
        ("bomb.png", b"\x89PNG\r\n\x1a\n" + b"x" * 100, "cannot read this picture"),
    ],
)
def test_refusals(own: Client, note: Note, media: Path, name: str, content: bytes, words: str) -> None:
    answer = send(own, note, (name, content))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert name in page
    assert not Attachment.objects.exists()
    assert not stored(media)
    answer = send(own, note, (name, content), headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert words in answer.json()["message"]


@pytest.mark.parametrize(("kind", "size"), [("WEBP", (5000, 5000)), ("AVIF", (4000, 4000)), ("JPEG", (7100, 7100))])
def test_a_picture_that_would_take_too_much_memory_is_refused(kind: str, size: tuple[int, int]) -> None:
    flat = io.BytesIO()
    Image.new("RGB", size).save(flat, kind, quality=10, method=0, speed=10)
    with pytest.raises(BadPicture):
        pictures.clean_picture(flat.getvalue())


@pytest.mark.parametrize("case", ["orientation as text", "no TIFF header"])
def test_a_photo_with_broken_metadata_is_a_photo_without_any(own: Client, owner: User, note: Note, case: str) -> None:
    broken = b"Exif\0\0" + b"\xff" * 20
    if case == "orientation as text":
        broken = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\2\0\2\0\0\x006\0\0\0\0\0\0\0"
    send(own, note, ("me.jpg", photo(exif=broken)))
    answer = own.get(at(Attachment.objects.of(owner).get()))
    assert b"Exif" not in answer.content
    assert Image.open(io.BytesIO(answer.content)).size == (600, 400)


def test_a_picture_that_grows_out_of_all_measure_is_refused(
    owner: User, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MAX_ENCODED", 1000)
    assert attachments.attach(owner, note.pk, "a.png", ContentFile(photo("PNG"))) is Fault.TOO_LARGE


def test_while_other_pictures_take_all_memory_one_is_asked_to_try_later(
    owner: User, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "WAIT", 0.01)
    with images.ROOM.reserve(images.BUDGET):
        assert attachments.attach(owner, note.pk, "me.jpg", ContentFile(photo())) is Fault.STORAGE_DOWN
    assert isinstance(attachments.attach(owner, note.pk, "me.jpg", ContentFile(photo())), Attachment)


def test_twenty_megabytes_are_taken(own: Client, owner: User, note: Note) -> None:
    send(own, note, ("big.bin", b"x" * MAX_BYTES))
    assert Attachment.objects.of(owner).get().size == MAX_BYTES


def test_files_stay_in_memory_and_only_so_much_of_them(
    own: Client, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    def never(*args: Any, **kwargs: Any) -> None:
        pytest.fail("A file was written to the temporary folder.")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", never)
    answer = send(own, note, *[(f"{i}.bin", b"x" * MAX_BYTES) for i in range(4)])
    page = answer.content.decode()
    assert answer.status_code == 422
    assert Attachment.objects.count() == 3
    assert "3.bin was not attached: a file may have 20 MB" in page


def test_the_name_of_a_refused_file_is_on_the_page_alone(own: Client, note: Note) -> None:
    answer = send(own, note, ("kettle-plan.pdf", b""), ("tea.txt", b"tea"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "kettle-plan.pdf was not attached" in page
    assert "tea.txt" in page  # which was
    assert f'name="back" value="{reverse("notes:note", args=[note.pk])}"' in page
    assert "kettle-plan" not in str([session.get_decoded() for session in Session.objects.all()])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("a\0b\n\u202etxt.exe", "abtxt.exe"),
        ("...", "file"),
        ("", "file"),
        ("é" * 300 + ".jpeg", "é" * 188 + ".jpeg"),
        ("x" * 300, "x" * 200),
        ("\u0646\u0627\u0645\u0647\u200c\u0647\u0627.txt", "\u0646\u0627\u0645\u0647\u200c\u0647\u0627.txt"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg", "\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg"),
        ("\u200d", "file"),
    ],
)
def test_names(name: str, kept: str) -> None:
    assert tidy(name) == kept


def test_types() -> None:
    assert type_of("a.tar.gz") == "application/octet-stream"
    assert type_of("a.JPG") == "image/jpeg"


# At rest --------------------------------------------------------------------------------------------------------------


def test_neither_database_nor_storage_shows_content_or_name(owner: User, note: Note, media: Path) -> None:
    attach_to(owner, note, "kettle-plan.txt", b"Meet at the kettle at five. " * 20)
    attach_to(owner, note, "kettle.jpg", photo())
    files = stored(media)
    assert len(files) == 3
    assert b"kettle" not in everything_in_the_database()
    for path in files:
        content = path.read_bytes()
        assert b"kettle" not in content
        assert b"JFIF" not in content
        assert re.fullmatch(r"[0-9a-f]{32}", path.name)
        assert path.stat().st_mode & 0o077 == 0


def test_files_that_are_swapped_do_not_open(own: Client, owner: User, note: Note) -> None:
    one, other = attach_to(owner, note, content=b"one"), attach_to(owner, note, content=b"other")
    Attachment.objects.filter(pk=one.pk).update(content_path=other.content_path)
    assert own.get(at(one)).status_code == 503


def test_a_file_is_not_removed_at_one_tap(own: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note, "me.jpg", photo())
    page = own.post(at(attachment, "detach"))
    assert "Remove this file?" in page.content.decode()
    assert Attachment.objects.exists()
    assert own.post(at(attachment, "detach"), {"sure": "1"})["Location"] == reverse("notes:note", args=[note.pk])
    assert not Attachment.objects.exists()


# For whom -------------------------------------------------------------------------------------------------------------


def test_a_stranger_s_and_a_guessed_address_are_the_same(strange: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note, "me.jpg", photo())
    for page in ("attachment", "thumbnail"):
        there, never = strange.get(at(attachment, page)), strange.get(reverse(f"notes:{page}", args=[uuid4()]))
        assert there.status_code == never.status_code == 404
        assert there.content == never.content
    for sure in ({}, {"sure": "1"}):
        assert strange.post(at(attachment, "detach"), sure).status_code == 404
    assert send(strange, note, ("a.txt", b"a")).status_code == 404
    assert Attachment.objects.count() == 1


def test_without_a_session_one_is_sent_to_the_sign_in(client: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note)
    assert client.get(at(attachment))["Location"].startswith("/login/")
    assert send(client, note, ("a.txt", b"a" * 100_000))["Location"].startswith("/login/")


def test_a_form_without_a_token_attaches_nothing(owner: User, note: Note) -> None:
    assert send(signed_in(owner, enforce_csrf_checks=True), note, ("a.txt", b"a")).status_code == 403
    assert not Attachment.objects.exists()


def test_with_a_token_it_does(owner: User, note: Note) -> None:
    client = signed_in(owner, enforce_csrf_checks=True)
    page = client.get(f"/notes/{note.pk}/").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    data = {"file": SimpleUploadedFile("a.txt", b"a"), "csrfmiddlewaretoken": token, "writer": str(owner.pk)}
    assert client.post(reverse("notes:attach", args=[note.pk]), data).status_code == 302
    assert Attachment.objects.exists()


def test_attachments_of_a_note_in_the_trash_are_not_found(own: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note)
    editing.delete(owner, note.pk, 1)
    assert own.get(at(attachment)).status_code == 404
    trash.restore(owner, note.pk)
    assert own.get(at(attachment)).status_code == 200


# Going ----------------------------------------------------------------------------------------------------------------


def delete_for_good(owner: User, note: Note) -> None:
    editing.delete(owner, note.pk, 1)
    trash.empty(owner)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "delete",
    [
        lambda owner, note, attachment: owner.delete(),
        lambda owner, note, attachment: note.delete(),
        lambda owner, note, attachment: attachment.delete(),
        lambda owner, note, attachment: signed_in(owner).post(at(attachment, "detach"), {"sure": "1"}),
        lambda owner, note, attachment: delete_for_good(owner, note),
    ],
)
def test_with_the_row_go_the_files(
    owner: User, note: Note, media: Path, delete: Callable[[User, Note, Attachment], Any]
) -> None:
    attachment = attach_to(owner, note, "me.jpg", photo())
    assert len(stored(media)) == 2
    delete(owner, note, attachment)
    assert not Attachment.objects.exists()
    assert not stored(media)


@pytest.mark.django_db(transaction=True)
def test_the_files_stay_when_the_deletion_is_taken_back(owner: User, note: Note, media: Path) -> None:
    from django.db import transaction

    attach_to(owner, note)
    with transaction.atomic():
        note.delete()
        transaction.set_rollback(True)
    assert len(stored(media)) == 1


# The storage is down --------------------------------------------------------------------------------------------------


@pytest.fixture
def down(media: Path) -> Iterator[None]:
    """There is a file where the folder should be: as good as a disk that takes nothing."""
    media.write_text("")
    yield
    media.unlink()


def test_a_failed_attachment_is_named_and_the_note_is_safe(own: Client, owner: User, note: Note, down: None) -> None:
    page = send(own, note, ("a.txt", b"a")).content.decode()
    assert "a.txt was not attached: I cannot reach my shelf. The note is safe." in page
    assert not Attachment.objects.exists()
    assert "kettle" in Note.objects.of(owner).get().text


def test_a_file_that_cannot_be_fetched_is_503(own: Client, owner: User, note: Note, media: Path) -> None:
    attachment = attach_to(owner, note)
    [path] = stored(media)
    path.unlink()
    assert own.get(at(attachment)).status_code == 503


def test_half_an_attachment_is_taken_back(
    owner: User, note: Note, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls = storage.store, []

    def only_one(sealed: bytes) -> str:
        calls.append(1)
        if len(calls) > 1:
            raise storage.StorageDown
        return store(sealed)

    monkeypatch.setattr(storage, "store", only_one)
    assert attachments.attach(owner, note.pk, "me.jpg", ContentFile(photo())) is Fault.STORAGE_DOWN
    assert not stored(media)


def test_without_a_row_there_are_no_files(
    owner: User, note: Note, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Attachment, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attachments.attach(owner, note.pk, "me.jpg", ContentFile(photo()))
    assert not stored(media)


# A bucket -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made = boto3.resource("s3", endpoint_url=s3, region_name="us-east-1").Bucket("secretly-tests")
    made.create()
    settings.STORAGES = settings.STORAGES | {"default": from_environment(s3)}
    yield made
    made.objects.delete()
    made.delete()


def from_environment(endpoint: str) -> Any:
    """What secretly/settings.py makes of a bucket in the environment."""
    import json
    import os
    import subprocess
    import sys

    script = (
        "import json; from secretly.settings import STORAGES; default = STORAGES['default'];"
        " default['OPTIONS'].pop('client_config'); print(json.dumps(default))"
    )
    environ = os.environ | {"AWS_STORAGE_BUCKET_NAME": "secretly-tests", "AWS_S3_ENDPOINT_URL": endpoint}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(done.stdout)


def test_in_a_bucket(
    own: Client, owner: User, note: Note, bucket: Any, django_capture_on_commit_callbacks: Any
) -> None:
    send(own, note, ("kettle.txt", b"Meet at the kettle."), ("me.jpg", photo()))
    objects = list(bucket.objects.all())
    assert len(objects) == 3
    for item in objects:
        assert re.fullmatch(r"attachments/[0-9a-f]{2}/[0-9a-f]{32}", item.key)
        assert b"kettle" not in item.get()["Body"].read()
        assert {grant["Grantee"].get("URI") for grant in item.Acl().grants} == {None}  # nobody but the bucket's owner
    assert own.get(at(Attachment.objects.of(owner).first())).content == b"Meet at the kettle."  # type: ignore[arg-type]
    with django_capture_on_commit_callbacks(execute=True):
        note.delete()
    assert not list(bucket.objects.all())


def test_a_bucket_that_is_not_there_is_a_storage_that_is_down(own: Client, note: Note, bucket: Any) -> None:
    bucket.delete()
    answer = send(own, note, ("a.txt", b"a"), headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert "I cannot reach my shelf" in answer.json()["message"]
    bucket.create()


def test_a_bucket_that_cannot_be_reached_is_an_error_of_the_file(
    own: Client, note: Note, bucket: Any, settings: Settings
) -> None:
    options = settings.STORAGES["default"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:1"}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}
    assert default_storage  # anew
    answer = send(own, note, ("a.txt", b"a"), headers={"accept": "application/json"})
    assert "I cannot reach my shelf" in answer.json()["message"]


# A full disk ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_text_comes_back_when_the_disk_is_full(own: Client, owner: User) -> None:
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite can be told that its disk is full.")
    own.get("/")
    text = "Words that do not fit. " * 4000
    with connection.cursor() as cursor:
        while cursor.execute("PRAGMA freelist_count").fetchone()[0]:  # room that other tests have left
            Note.objects.write(owner, text)
        [pages] = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    before = Note.objects.of(owner).count()
    answer = own.post("/", {"text": text})
    assert answer.status_code == 503
    assert text.strip() in answer.content.decode()
    connection.close()  # the limit goes with it
    assert Note.objects.of(owner).count() == before
    assert own.post("/", {"text": text}).status_code == 302

"""Photos and files on notes: what is taken, shown and refused, and for whom."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from PIL import Image
from pytest_django.fixtures import Settings

from notes import attachments, pictures
from notes.attachments import MAX_BYTES, Fault, tidy, type_of
from notes.models import Attachment, Note
from notes.tests.files import at, attach_to, photo, send, stored
from notes.uploads import uploads
from privatekit import images
from privatekit.uploads import Limits


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


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
    assert 'aria-label="Has attachments"' in own.get("/").content.decode()


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
    assert f'src="{at(attachment, "thumbnail")}"' in own.get(f"/notes/{note.pk}/").content.decode()


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
    ("name", "content", "content_type"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "application/octet-stream"),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream"),
        *((f"a.{ending}", b"x", "application/octet-stream") for ending in ("js", "mjs", "css", "json", "xml", "wasm")),
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


@pytest.mark.parametrize("content_type", ["text/javascript", "application/ecmascript", "text/css", "text/html; a=b"])
def test_rows_of_former_times_are_served_without_their_type(
    own: Client, owner: User, note: Note, content_type: str
) -> None:
    attachment = attach_to(owner, note, "a.js", b"alert(1)")
    attachment.set_label("a.js", content_type)
    attachment.save()
    assert own.get(at(attachment)).headers["Content-Type"] == "application/octet-stream"


def test_a_file_that_calls_itself_a_picture_is_not_shown(own: Client, owner: User, note: Note) -> None:
    answer = own.get(at(attach_to(owner, note, "a.png", b"<script>")))
    assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("big.bin", b"x" * (MAX_BYTES + 1), "a file may have 20 MB"),
        ("empty.txt", b"", "it is empty"),
        ("torn.jpg", photo()[:600], "this picture cannot be read"),
        ("bomb.png", b"\x89PNG\r\n\x1a\n" + b"x" * 100, "this picture cannot be read"),
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

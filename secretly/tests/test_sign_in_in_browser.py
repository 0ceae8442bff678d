"""Signing in with a real Chromium: by a camera that plays a picture, by a chosen photo, and without JavaScript."""

import base64
import io
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from PIL import Image
from playwright.sync_api import Page, Request, expect
from pytest_django import Settings

from faceauth.conf import conf
from faceauth.models import SignIn
from faceauth.outcomes import Reason, photo_sentence
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.vision import photos
from secretly.tests.browsers import choose, lock, look, problems, visit, write

__all__ = ["problems", "visit"]  # fixtures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def without_liveness_check(settings: Settings) -> None:
    """test_liveness_in_browser.py has sign-ins with a liveness check."""
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "open"}


@pytest.fixture(autouse=True)
def collection(transactional_db: None) -> None:
    Collection(conf().COLLECTION).create()


# The camera -----------------------------------------------------------------------------------------------------------


def the_whole_way(visit: Callable[..., Page], first: bytes, second: bytes, somebody_else: bytes) -> None:
    page = visit(first)
    look(page)
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()
    page.get_by_role("button", name="Yes, remember me").click()
    write(page, "The key is under the third stone.")
    lock(page)

    other = visit(somebody_else)
    look(other)
    expect(other.get_by_role("heading", name="May I remember you?")).to_be_visible()
    assert "third stone" not in other.content()
    other.get_by_role("button", name="No, keep nothing").click()
    expect(other.get_by_text("Then I keep nothing.")).to_be_visible()

    back = visit(second)
    look(back)
    expect(back.get_by_text("The key is under the third stone.")).to_be_visible()
    assert User.objects.count() == 1
    assert SignIn.objects.filter(outcome="recognised", method="camera").count() == 1


def test_enrol_write_sign_out_and_return(visit: Callable[..., Page]) -> None:
    the_whole_way(visit, pictures.hopper(), pictures.another(pictures.hopper()), pictures.collins())


def test_the_same_with_photographs_of_two_days(visit: Callable[..., Page]) -> None:
    first, second = (pictures.face_file(f"photos/{name}.jpg") for name in ("obama", "obama2"))
    the_whole_way(visit, first, second, pictures.collins())


def test_the_frame_is_shown_while_the_server_works(visit: Callable[..., Page]) -> None:
    page = visit(pictures.hopper())
    page.route("**/login/", lambda route: route.fulfill(status=204))  # the page stays as it is
    page.get_by_role("button", name="Look at me").click()
    expect(page.locator("[data-video]")).to_have_js_property("videoWidth", 640)
    page.get_by_role("button", name="Here I am").click(no_wait_after=True)
    expect(page.locator("[data-still]")).to_be_visible()
    expect(page.locator("[data-video]")).to_be_hidden()
    expect(page.get_by_role("heading", name="Let me think")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-video]').srcObject") is None  # its light is off


FAILING = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "{}"));
"""


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"face": b"", "allowed": False}, "The camera is not allowed."),
        ({"face": None}, "I find no camera here."),
        ({"init": FAILING.format("NotReadableError")}, "Something else is using the camera."),
        ({"init": FAILING.format("InvalidStateError")}, "The camera does not answer."),
        ({"host": "insecure.test"}, "A camera needs a secure page"),
    ],
    ids=["denied", "none", "busy", "failed", "insecure"],
)
def test_camera_failure_falls_back_to_the_chooser(
    given: dict[str, object], says: str, visit: Callable[..., Page], settings: object
) -> None:
    if given.get("face") == b"":
        given = {**given, "face": pictures.hopper()}
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]
    page = visit(**given)
    page.get_by_role("button", name="Look at me").click()
    expect(page.get_by_role("heading", name=says)).to_be_visible()
    button = page.get_by_role("button", name="Choose a photo")
    expect(button).to_be_focused()
    expect(button).to_have_class("primary")
    choose(page, pictures.hopper())
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()


# The chosen photo -----------------------------------------------------------------------------------------------------


def test_chosen_photo(visit: Callable[..., Page]) -> None:
    page = visit()
    choose(page, pictures.hopper())
    page.get_by_role("button", name="Yes, remember me").click()
    write(page, "Kept from a photo.")
    lock(page)
    choose(page, pictures.another(pictures.hopper()))
    expect(page.get_by_text("Kept from a photo.")).to_be_visible()


def test_the_browser_scales_a_large_photo_down(visit: Callable[..., Page], monkeypatch: pytest.MonkeyPatch) -> None:
    big = pictures.encoded(pictures.opened(pictures.hopper()).resize((3000, 3516)), quality=95)
    arrived: list[int] = []

    def read_photo(data: bytes) -> object:
        arrived.append(len(data))
        return photos.read_photo(data)

    monkeypatch.setattr("faceauth.web.uploads.read_photo", read_photo)
    page = visit()
    choose(page, big)
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()
    assert arrived
    assert arrived[0] < len(big) / 3


def test_a_file_that_the_browser_cannot_read_is_sent_unchanged(visit: Callable[..., Page]) -> None:
    page = visit()
    choose(page, pictures.encoded(pictures.opened(pictures.hopper()), "HEIF"), "me.heic", "image/heic")
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()


def test_the_sign_in_page_says_why_it_refused(visit: Callable[..., Page]) -> None:
    page = visit()
    choose(page, pictures.landscape())
    expect(page.get_by_role("heading", name=photo_sentence(Reason.NO_FACE))).to_be_focused()
    expect(page.get_by_role("img", name="The photo that was refused")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a photo")).to_have_class("primary")
    choose(page, pictures.hopper())
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()


def in_sight(page: Page, *names: str) -> bool:
    """Whether the buttons are to be seen without scrolling."""
    height = int(page.evaluate("innerHeight"))
    boxes = [page.get_by_role("button", name=name).bounding_box() for name in names]
    return all(box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes)


def test_what_to_press_is_in_sight_on_phones(visit: Callable[..., Page]) -> None:
    page = visit(pictures.hopper())
    for width, height in ((740, 360), (360, 740)):
        page.set_viewport_size({"width": width, "height": height})
        assert in_sight(page, "Look at me", "Choose a photo")
    expect(page.get_by_role("button", name="Look at me")).to_have_class("primary")
    page.get_by_role("link", name="How it works and what is kept").click()
    expect(page.get_by_role("heading", name="What is kept", exact=True)).to_be_visible()
    page.get_by_role("link", name="To sign-in").click()
    choose(page, pictures.hopper())
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()
    assert page.get_by_role("listitem").count() == 3
    assert in_sight(page, "Yes, remember me", "No, keep nothing")
    expect(page.get_by_text("Why: to know you when you come back")).to_be_hidden()
    page.get_by_text("More about this").click()
    expect(page.get_by_text("Why: to know you when you come back")).to_be_visible()


def test_where_there_is_no_camera_a_photo_is_the_way(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page.get_by_role("button", name="Choose a photo")).to_have_class("primary")
    expect(page.locator("input[type=file]:visible")).to_have_count(0)


def test_a_chosen_photo_may_come_from_the_gallery(visit: Callable[..., Page]) -> None:
    chooser = visit().locator("[data-file]")
    assert chooser.get_attribute("capture") is None  # with it, phones open the camera and offer no gallery
    assert "image/heic" in (chooser.get_attribute("accept") or "")


# Without a script -----------------------------------------------------------------------------------------------------


def test_everything_without_javascript(visit: Callable[..., Page]) -> None:
    page = visit(script=False)
    for expected in ("May I remember you?", None):
        expect(page.get_by_role("button", name="Look at me")).to_be_hidden()
        expect(page.get_by_text("A photo is chosen.")).to_be_hidden()
        chooser = page.get_by_label("Choose a photo of your face")
        chooser.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": pictures.hopper()})
        expect(page.get_by_text("A photo is chosen.")).to_be_visible()
        page.get_by_role("button", name="Open my notes").click()
        if expected:
            expect(page.get_by_role("heading", name=expected)).to_be_visible()
            page.get_by_role("button", name="Yes, remember me").click()
            write(page, "Written without a script.")
            lock(page)
    expect(page.get_by_text("Written without a script.")).to_be_visible()


# After locking --------------------------------------------------------------------------------------------------------


def test_the_back_button_shows_nothing_after_locking(visit: Callable[..., Page]) -> None:
    page = visit()
    choose(page, pictures.hopper())
    page.get_by_role("button", name="Yes, remember me").click()
    write(page, "Nobody may read this.")
    lock(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    for _ in range(2):
        page.go_back()
        page.reload()
        expect(page.get_by_role("button", name="Look at me")).to_be_visible()
        assert "Nobody may read this." not in page.content()
    assert "POST" not in sent  # the photo is not sent a second time


def test_closing_the_browser_signs_out(visit: Callable[..., Page]) -> None:
    page = visit()
    choose(page, pictures.hopper())
    page.get_by_role("button", name="Yes, remember me").click()
    page.wait_for_url("**/")
    [session] = [cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid"]
    assert session["expires"] == -1  # a cookie of the browser's session alone
    assert session["httpOnly"]
    assert session["sameSite"] == "Strict"


# The work of a picture ------------------------------------------------------------------------------------------------


def test_the_frame_is_sent_as_a_jpeg_data_url(visit: Callable[..., Page]) -> None:
    page = visit(pictures.hopper())
    sent: list[bytes] = []

    def keep(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.post_data_buffer or b"")

    page.on("request", keep)
    look(page)
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()
    head, _, rest = sent[0].partition(b"data:image/jpeg;base64,")
    assert head.endswith(b'name="image"\r\n\r\n')
    image = Image.open(io.BytesIO(base64.b64decode(rest.partition(b"\r\n")[0])))
    assert (image.format, image.height) == ("JPEG", 480)

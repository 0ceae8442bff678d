"""The liveness check in a real Chromium: a film of a person passes, a photograph does not."""

import io
import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from PIL import Image
from playwright.sync_api import Page, expect
from pytest_django import Settings

from faceauth.conf import conf
from faceauth.liveness import challenge, sessions
from faceauth.liveness.challenge import Ask, Kind
from faceauth.models import SignIn
from faceauth.policy import quick_checks
from faceauth.rekognition.collection import Collection
from faceauth.tests import films, pictures
from faceauth.vision import alignment
from secretly.tests.browsers import choose, lock, problems, visit, write

__all__ = ["problems", "visit"]  # fixtures

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def collection(transactional_db: None) -> None:
    Collection(conf().COLLECTION).create()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as long as people have: browser, film and detector share a machine that may be busy with other tests.

    How long a look may take is in test_liveness_challenge.py.
    """
    monkeypatch.setattr(challenge, "SECONDS", 3 * challenge.SECONDS)
    monkeypatch.setattr(challenge, "MOST_BETWEEN", 3 * challenge.MOST_BETWEEN)


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pictures of Colin Powell show best; the server runs in this process."""
    monkeypatch.setattr(challenge.step, "__defaults__", (lambda room: (Ask.LEFT, Ask.RIGHT),))


class Camera:
    """An uncompressed film that Chromium plays over and over as its camera, and that changes while it does.

    Each frame has its own grain, as a camera's have: no two that the page takes are the same.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        width, height = films.SIZE
        self.grain = np.random.default_rng(0).integers(-3, 4, (30, height, width), np.int16)

    def film(self, scene: alignment.Pixels) -> None:
        """Show this from now on: RGB pixels."""
        height, width = scene.shape[:2]
        planes = cv2.cvtColor(scene, cv2.COLOR_RGB2YUV_I420)
        light, colour = planes[:height].astype(np.int16), planes[height:].tobytes()
        frames = (np.clip(light + grain, 0, 255).astype(np.uint8).tobytes() + colour for grain in self.grain)
        film = f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420\n".encode()
        film += b"".join(b"FRAME\n" + frame for frame in frames)
        # In place: Chromium has the file open, and reads the next frame from it when it is due.
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(film)


class Person:
    """Somebody before the camera, who moves on with each frame that the server has seen: however slow the machine is,
    and whenever the page takes its frames, they do what they are asked for."""

    def __init__(self, camera: Camera, seed: int) -> None:
        self.camera = camera
        self.actor = films.Actor(seed=seed)
        # Nobody raises a chin here: it is as high before a turn as in it, which a look takes for one head more surely.
        level = median(one.pitch for turned in self.actor.turned.values() for one in turned)
        frontal = [one for one in films.pictures_of("Colin_Powell", films.POWELL) if abs(one.yaw) <= 8]
        self.actor.straight = sorted(frontal, key=lambda one: abs(one.pitch - level))[:10]
        self.does: Callable[[Ask], Ask] = obey
        self.hears(Ask.STRAIGHT)

    def hears(self, ask: Ask) -> None:
        self.camera.film(self.actor.scene(self.does(ask)))


def obey(ask: Ask) -> Ask:
    return ask


def just_look(ask: Ask) -> Ask:
    return Ask.STRAIGHT


@pytest.fixture
def somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Person]:
    """The same man, each time with other pictures; the last one is the one before the camera."""
    people: list[Person] = []
    take = sessions.take

    def taking(session: SessionBase, number: int, jpeg: bytes) -> sessions.Taken:
        taken = take(session, number, jpeg)
        people[-1].hears(taken.state.asking)
        return taken

    def comes() -> Person:
        seed = len(people)
        people.append(Person(Camera(tmp_path / f"{seed}.y4m"), seed))
        return people[-1]

    monkeypatch.setattr(sessions, "take", taking)
    return comes


def begin(page: Page) -> None:
    page.get_by_role("button", name="Look at me").click()


def trust(page: Page, answer: str) -> None:
    """Answer the question that comes once after a liveness check."""
    expect(page.get_by_role("heading", name="Trust this device?")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name=answer).click()


def watching(page: Page) -> bool:
    """Whether the camera's light is on."""
    return page.evaluate("document.querySelector('[data-video]').srcObject") is not None


LONG = 80_000  # milliseconds: a look ends after 60 seconds


def test_enrol_write_sign_out_and_return(
    visit: Callable[..., Page], somebody: Callable[[], Person], asks: None
) -> None:
    person = somebody()
    person.does = just_look
    page = visit(film=person.camera.file)
    begin(page)
    expect(page.get_by_role("heading", name="Turn your head to your left")).to_be_visible(timeout=LONG)
    expect(page.locator("[data-cue=left]")).to_be_visible()
    expect(page.locator("[data-ticks]")).to_be_visible()
    person.does = obey
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Yes, remember me").click()
    trust(page, "No")
    write(page, "The key is under the third stone.")
    lock(page)

    back = visit(film=somebody().camera.file)
    begin(back)
    trust(back, "No")
    expect(back.get_by_text("The key is under the third stone.")).to_be_visible(timeout=LONG)
    user = User.objects.get()
    assert user.faces.count() == 3
    assert SignIn.objects.filter(outcome="recognised", method="liveness", user=user).count() == 1


# Each page adds its clicks to those of the pages before it in the same tab.
COUNT_CLICKS = """
addEventListener("click", () => { sessionStorage.clicks = Number(sessionStorage.clicks ?? 0) + 1; }, true);
"""


def clicks(page: Page) -> int:
    """How often somebody has clicked since the last time."""
    return int(page.evaluate("() => { const n = sessionStorage.clicks ?? 0; sessionStorage.clicks = 0; return n; }"))


def test_a_trusted_device_opens_the_notebook_without_a_click(
    visit: Callable[..., Page], somebody: Callable[[], Person], asks: None
) -> None:
    page = visit(film=somebody().camera.file, init=COUNT_CLICKS)
    begin(page)
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Yes, remember me").click()
    trust(page, "Trust this device")
    expect(page).to_have_title("Your notebook · Secretly")
    assert clicks(page) == 3
    write(page, "The key is under the third stone.")
    lock(page)
    page.wait_for_timeout(2000)
    assert not watching(page)  # who has just locked it wants it locked

    clicks(page)
    page.goto(page.url.partition("?")[0])
    expect(page.get_by_text("The key is under the third stone.")).to_be_visible(timeout=LONG)
    assert clicks(page) == 0
    user = User.objects.get()
    assert SignIn.objects.filter(outcome="recognised", method="quick", user=user).count() == 1

    lock(page)
    quick_checks.choose(user, Kind.GLANCE)
    clicks(page)
    page.goto(page.url.partition("?")[0])
    expect(page.get_by_text("The key is under the third stone.")).to_be_visible(timeout=LONG)
    assert clicks(page) == 0
    assert SignIn.objects.filter(outcome="recognised", method="quick", user=user).count() == 2


def failed(page: Page, says: str) -> None:
    expect(page.get_by_role("heading", name=says)).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    assert not watching(page)
    expect(page.locator("[data-ticks]")).to_be_hidden()
    assert not User.objects.exists()


def test_a_photograph_before_the_camera(visit: Callable[..., Page]) -> None:
    page = visit(pictures.hopper())
    begin(page)
    failed(page, "I have seen these pictures before.")
    page.get_by_role("button", name="Try again").click()
    failed(page, "I have seen these pictures before.")
    assert set(SignIn.objects.values_list("reason", "method")) == {("liveness_failed", "liveness")}


def test_somebody_who_does_not_follow_the_challenge(
    visit: Callable[..., Page], somebody: Callable[[], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(challenge.step, "__defaults__", (lambda room: (Ask.UP, Ask.RIGHT),))
    person = somebody()
    person.does = lambda ask: Ask.LEFT if ask == Ask.UP else ask
    page = visit(film=person.camera.file)
    begin(page)
    failed(page, "You moved in another way than I asked for.")


def test_the_glass_helps_and_there_is_more_time(visit: Callable[..., Page], somebody: Callable[[], Person]) -> None:
    person = somebody()
    person.does = just_look
    person.actor.zoom = 0.5
    person.hears(Ask.STRAIGHT)
    page = visit(film=person.camera.file)
    begin(page)
    expect(page.get_by_role("heading", name="Come a little closer, until your face fills the oval.")).to_be_visible(
        timeout=LONG
    )
    expect(page.locator("[data-cue=closer] use")).to_have_attribute("href", "#draw-closer")
    expect(page.locator("[data-oval]:not(.fits)")).to_be_visible()
    assert page.locator("[data-ticks] line").count() == 60
    for zoom in (0.6, 0.7, 0.8, 0.9, 1.0):  # a living head comes closer, and does not jump
        person.actor.zoom = zoom
        page.wait_for_timeout(300)
    expect(page.locator("[data-oval].fits")).to_be_visible(timeout=LONG)
    more = page.get_by_role("button", name="More time")
    more.click()
    expect(page.get_by_role("heading", name="You have 20 seconds more.")).to_be_visible(timeout=LONG)
    expect(more).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text(re.compile("."))


SPOILT = """
CanvasRenderingContext2D.prototype.getImageData = (x, y, width, height) => {
  const data = new Uint8ClampedArray(4 * width * height);
  crypto.getRandomValues(data);
  return { data };
};
HTMLCanvasElement.prototype.toBlob = () => { throw new Error("spoilt"); };
window.ImageCapture = %s;
"""
# The camera's own picture, for which this browser's OffscreenCanvas stands here.
OWN = """class {
  async takePhoto() {
    const canvas = new OffscreenCanvas(640, 480);
    canvas.getContext("2d").drawImage(document.querySelector("[data-video]"), 0, 0);
    return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
  }
}"""


def test_where_the_browser_spoils_pictures_the_camera_gives_its_own(
    visit: Callable[..., Page], somebody: Callable[[], Person], asks: None
) -> None:
    person = somebody()
    person.does = just_look
    page = visit(film=person.camera.file, init=SPOILT % OWN)
    begin(page)
    expect(page.get_by_role("heading", name="Turn your head")).to_be_visible(timeout=LONG)  # the frames are good

    page = visit(film=person.camera.file, init=SPOILT % "undefined")
    begin(page)
    expect(page.get_by_role("heading", name=re.compile("Your browser changes the camera.s pictures"))).to_be_visible()
    expect(page.get_by_role("button", name="Choose a photo")).to_be_focused()
    assert not watching(page)


TWO_CAMERAS = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => {
  window.asked = wanted.video.deviceId?.ideal ?? "front";
  return ask({ video: true });
};
navigator.mediaDevices.enumerateDevices = async () =>
  ["Front", "Desk"].map((label) => ({ kind: "videoinput", label, deviceId: label.toLowerCase() }));
"""


def test_a_camera_is_chosen_once_for_this_device(visit: Callable[..., Page], somebody: Callable[[], Person]) -> None:
    person = somebody()
    person.does = just_look
    page = visit(film=person.camera.file, init=TWO_CAMERAS)
    begin(page)
    page.get_by_label("Camera", exact=True).select_option("Desk")
    expect(page.locator("[data-video]")).to_be_visible()
    assert page.evaluate("window.asked") == "desk"
    page.reload()
    begin(page)
    expect(page.locator("[data-video]")).to_be_visible()
    assert page.evaluate("window.asked") == "desk"


def test_stop_turns_the_camera_off(visit: Callable[..., Page], somebody: Callable[[], Person]) -> None:
    person = somebody()
    person.does = just_look
    page = visit(film=person.camera.file)
    begin(page)
    expect(page.locator("[data-video]")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    assert not watching(page)
    expect(page.get_by_role("button", name="Look at me")).to_be_focused()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_photo_can_be_chosen_at_any_moment(visit: Callable[..., Page], somebody: Callable[[], Person]) -> None:
    person = somebody()
    person.does = just_look
    page = visit(film=person.camera.file)
    begin(page)
    expect(page.locator("[data-video]")).to_be_visible()
    choose(page, pictures.hopper())
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()


def test_where_photos_are_refused_none_is_offered(visit: Callable[..., Page], settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "never"}
    page = visit()
    expect(page.get_by_role("button", name="Look at me")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a photo")).to_have_count(0)
    begin(page)
    expect(page.get_by_role("heading", name="I find no camera here.")).to_be_visible()
    plain = visit(script=False)
    expect(plain.get_by_text("for that this page needs JavaScript")).to_be_visible()
    expect(plain.get_by_role("button")).to_have_count(0)


def test_frames_are_small_and_no_faster_than_the_server_takes_them(
    visit: Callable[..., Page], somebody: Callable[[], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = somebody()
    person.does = just_look
    came: list[tuple[float, bytes]] = []
    take = sessions.take

    def taking(session: SessionBase, number: int, jpeg: bytes) -> sessions.Taken:
        came.append((time.monotonic(), jpeg))
        return take(session, number, jpeg)

    monkeypatch.setattr(sessions, "take", taking)
    page = visit(film=person.camera.file)
    begin(page)
    for _ in range(LONG // 500):
        if len(came) > 4:
            break
        page.wait_for_timeout(500)
    assert len(came) > 4
    assert all(later - earlier > challenge.LEAST_BETWEEN for (earlier, _), (later, _) in itertools.pairwise(came))
    for _, jpeg in came:
        image = Image.open(io.BytesIO(jpeg))
        assert (image.format, image.height) == ("JPEG", 480)
        assert len(jpeg) < 100_000

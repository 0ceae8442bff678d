"""The look in a real Chromium: somebody whose film the camera plays is let in, a photograph is not."""

import io
import itertools
import time
from collections.abc import Callable
from statistics import median

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from PIL import Image
from playwright.sync_api import Page, expect
from pytest_django import Settings

from faceauth import look, sight
from faceauth.conf import conf
from faceauth.look import Ask
from faceauth.models import Login
from faceauth.rekognition.collection import Collection
from faceauth.tests import films, pictures
from secretly.tests.test_door_in_browser import choose, lock, problems, visit, write

__all__ = ["problems", "visit"]  # fixtures

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def collection(transactional_db: None) -> None:
    Collection(conf().COLLECTION).create()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as long as people have: browser, film and detector share a machine that may be busy with other tests.

    How long a look may take is in test_look.py.
    """
    monkeypatch.setattr(look, "SECONDS", 3 * look.SECONDS)
    monkeypatch.setattr(look, "MOST_BETWEEN", 3 * look.MOST_BETWEEN)


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the film shows is what is asked for; the server runs in this process."""
    monkeypatch.setattr(look.step, "__defaults__", (lambda room: (Ask.LEFT, Ask.RIGHT),))


def film(seed: int) -> bytes:
    """Somebody who turns to the left and to the right; each scene is long enough for a slow machine."""
    actor = films.Actor(seed=seed)
    # Nobody raises a chin here: it is as high before a turn as in it, which a look takes for one head more surely.
    level = median(one.pitch for turned in actor.turned.values() for one in turned)
    frontal = [one for one in films.pictures_of("Colin_Powell", films.POWELL) if abs(one.yaw) <= 8]
    actor.straight = sorted(frontal, key=lambda one: abs(one.pitch - level))[:10]
    frames = []
    for ask, tenths in ((Ask.STRAIGHT, 40), (Ask.LEFT, 50), (Ask.STRAIGHT, 30), (Ask.RIGHT, 50), (Ask.STRAIGHT, 60)):
        # The camera plays 30 frames in a second: each picture stands for a tenth of one.
        frames += [actor.frame(ask, step=0.2, copies=3) for _ in range(tenths)]
    return b"".join(frames)


@pytest.fixture(scope="module")
def first_film() -> bytes:
    return film(seed=0)


@pytest.fixture(scope="module")
def second_film() -> bytes:
    return film(seed=1)


def begin(page: Page) -> None:
    page.get_by_role("button", name="Look at me").click()


LONG = 80_000  # milliseconds: the film takes 23 seconds, and a look ends after 60


def test_first_visit_note_lock_and_return(
    visit: Callable[..., Page], first_film: bytes, second_film: bytes, asks: None
) -> None:
    page = visit(film=first_film)
    begin(page)
    expect(page.get_by_role("heading", name="Turn your head to your left")).to_be_visible(timeout=LONG)
    expect(page.locator("[data-cue=left]")).to_be_visible()
    expect(page.locator("[data-arc]")).to_be_visible()
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Yes, remember me").click()
    write(page, "The key is under the third stone.")
    lock(page)

    back = visit(film=second_film)
    begin(back)
    expect(back.get_by_text("The key is under the third stone.")).to_be_visible(timeout=LONG)
    user = User.objects.get()
    assert user.faces.count() == 3
    assert Login.objects.filter(outcome="recognised", way="look", user=user).count() == 1


def failed(page: Page, says: str) -> None:
    expect(page.get_by_role("heading", name=says)).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    assert page.evaluate("document.querySelector('[data-video]').srcObject") is None  # its light is off
    expect(page.locator("[data-arc]")).to_be_hidden()
    assert not User.objects.exists()


def test_a_photograph_before_the_camera(visit: Callable[..., Page]) -> None:
    page = visit(pictures.hopper())
    begin(page)
    failed(page, "I am not sure that I see a living face.")
    page.get_by_role("button", name="Try again").click()
    failed(page, "I am not sure that I see a living face.")
    assert set(Login.objects.values_list("reason", "way")) == {("look_failed", "look")}


def test_the_right_film_for_other_requests(
    visit: Callable[..., Page], first_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look.step, "__defaults__", (lambda room: (Ask.UP, Ask.RIGHT),))
    page = visit(film=first_film)
    begin(page)
    failed(page, "I am not sure that I see a living face.")


def test_a_photo_is_the_other_way_at_any_moment(visit: Callable[..., Page], first_film: bytes) -> None:
    page = visit(film=first_film)
    begin(page)
    expect(page.locator("[data-video]")).to_be_visible()
    choose(page, pictures.hopper())
    expect(page.get_by_role("heading", name="May I remember you?")).to_be_visible()


def test_where_photos_are_refused_none_is_offered(visit: Callable[..., Page], settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "LOOK": "always"}
    page = visit()
    expect(page.get_by_role("button", name="Look at me")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a photo")).to_have_count(0)
    begin(page)
    expect(page.get_by_role("heading", name="I find no camera here.")).to_be_visible()
    plain = visit(script=False)
    expect(plain.get_by_text("for that this page needs JavaScript")).to_be_visible()
    expect(plain.get_by_role("button")).to_have_count(0)


def test_frames_are_small_and_no_more_than_three_a_second(
    visit: Callable[..., Page], first_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[tuple[float, bytes]] = []
    take = sight.take

    def taking(session: SessionBase, number: int, jpeg: bytes) -> sight.Taken:
        came.append((time.monotonic(), jpeg))
        return take(session, number, jpeg)

    monkeypatch.setattr(sight, "take", taking)
    page = visit(film=first_film)
    begin(page)
    page.wait_for_timeout(5000)
    assert len(came) >= 3
    assert all(later - earlier > look.LEAST_BETWEEN for (earlier, _), (later, _) in itertools.pairwise(came))
    assert came[-1][0] - came[0][0] > 0.3 * (len(came) - 1)
    for _, jpeg in came:
        image = Image.open(io.BytesIO(jpeg))
        assert (image.format, image.height) == ("JPEG", 480)
        assert len(jpeg) < 100_000

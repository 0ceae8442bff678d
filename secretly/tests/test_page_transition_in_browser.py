"""The animated transition from the sign-in page to the notebook, unless reduced motion is preferred."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from faceauth.conf import conf
from faceauth.rekognition.collection import Collection
from notes.tests.tabs import choose
from secretly.tests import cast as casting
from secretly.tests import walk
from secretly.tests.walk import Stop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Which parts of the pages moved as they changed, and how: kept where a page that is left can leave it.
LISTEN = """addEventListener("pagereveal", async ({ viewTransition }) => {
    await viewTransition?.ready;
    const moves = viewTransition ? document.getAnimations() : [];
    window.moved = moves.map(({ animationName, effect }) => `${effect.pseudoElement} ${animationName}`);
});"""


@pytest.fixture
def context(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(reduced_motion=getattr(request, "param", "no-preference")) as context:
        context.add_init_script(LISTEN)
        yield context


@pytest.fixture
def door(context: BrowserContext, live_server: LiveServer) -> Page:
    """As somebody sees it who has come in a moment ago: sending anything opens the notebook."""
    Collection(conf().COLLECTION).create()
    cast = casting.make()
    page = context.new_page()
    walk.go(page, Stop("door", "/login/", "nobody"), cast, live_server.url)
    walk.sign_in(context, cast.sessions["newcomer"], live_server.url)
    return page


def moved(page: Page) -> list[str]:
    page.wait_for_function("window.moved")
    return list(page.evaluate("window.moved"))


def open_notebook(page: Page) -> None:
    with page.expect_navigation():
        page.evaluate("location.assign('/')")
    expect(page).to_have_title("Your notebook · Secretly")


def test_the_sign_in_page_opens_into_the_notebook(door: Page) -> None:
    for _ in range(3):  # where the next page takes four seconds, which a busy machine may need, browsers do without
        open_notebook(door)
        if moved(door):
            break
        door.goto(door.url + "nothing-here/")  # which has the glass of the door, only smaller
    assert "::view-transition-old(glass) open" in moved(door)
    expect(door.locator(".surface")).to_be_focused()


def test_other_pages_change_without_it(door: Page) -> None:
    open_notebook(door)
    with door.expect_navigation():
        choose(door, "Trash")
    assert moved(door) == []


@pytest.mark.parametrize("context", ["reduce"], indirect=True)
def test_nothing_moves_with_reduced_motion(door: Page) -> None:
    open_notebook(door)
    assert moved(door) == []

"""The notebook's script, in a real browser: it saves while one types, and leaves nothing readable when it locks."""

import re
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from notes import writing
from notes.models import MAX_LENGTH, Note
from notes.tests.conftest import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOOR = re.compile(r"/login/")
SAYS_SAVED = re.compile("^Saved$")


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(10_000)
    expect.set_options(timeout=10_000)
    yield context
    context.close()


def come_in(context: BrowserContext, user: User, live_server: LiveServer) -> None:
    """What the door does: a new session, and a new CSRF token."""
    context.clear_cookies()
    session = signed_in(user).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])


@pytest.fixture
def tab(context: BrowserContext, owner: User, live_server: LiveServer) -> Page:
    """The owner's notebook, just opened. A mistake in the script fails the test."""
    come_in(context, owner, live_server)
    return open_tab(context, "/")


def open_tab(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(path)
    return page


@pytest.fixture
def soon(settings: object) -> Callable[[int], None]:
    """Make sessions end after so many seconds; the script locks 5 seconds earlier."""

    def lock_after(seconds: int) -> None:
        settings.SESSION_COOKIE_AGE = seconds  # type: ignore[attr-defined]

    return lock_after


def text_of(owner: User) -> str:
    return Note.objects.of(owner).get().text


def test_it_saves_while_one_types(tab: Page, owner: User) -> None:
    expect(tab.locator("#text")).to_be_focused()
    tab.keyboard.type("A thought")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert text_of(owner) == "A thought"
    tab.keyboard.type(", and more of it")
    expect(tab.locator("[data-status]")).to_have_text("Not saved yet")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    note = Note.objects.of(owner).get()
    assert (note.text, note.version) == ("A thought, and more of it", 2)
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator(".notes a")).to_have_text("A thought, and more of it")
    expect(tab.locator("#text")).to_have_value("")


def test_control_enter_saves_and_gives_a_blank_page(tab: Page, owner: User) -> None:
    tab.keyboard.type("Quickly")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".notes a")).to_have_text("Quickly")
    assert text_of(owner) == "Quickly"


def test_control_l_saves_and_locks(tab: Page, owner: User) -> None:
    tab.keyboard.type("Last words")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)
    assert text_of(owner) == "Last words"
    tab.goto("/")
    expect(tab).to_have_url(DOOR)


def test_the_way_back_shows_nothing_after_locking(tab: Page, context: BrowserContext, owner: User) -> None:
    note = Note.objects.write(owner, "The kettle")
    tab.goto(reverse("notes:note", args=[note.pk]))
    tab.get_by_role("button", name="Lock").click()
    tab.wait_for_url(DOOR)
    tab.go_back()
    tab.wait_for_load_state("load")
    expect(tab).to_have_url(DOOR)
    assert "kettle" not in tab.content()


def test_it_locks_on_silence(tab: Page, owner: User, soon: Callable[[int], None]) -> None:
    Note.objects.write(owner, "The kettle")
    soon(8)
    tab.reload()
    tab.keyboard.type("Unfinished")
    tab.wait_for_url(DOOR)
    assert {note.text for note in Note.objects.of(owner)} == {"The kettle", "Unfinished"}
    assert "kettle" not in tab.content()
    assert not Session.objects.exists()


def test_a_key_in_the_last_minute_keeps_it_open(tab: Page, soon: Callable[[int], None]) -> None:
    soon(11)
    tab.reload()
    warning = tab.locator("[data-warning]")
    expect(warning).to_contain_text("I will lock in a moment.")
    tab.get_by_role("button", name="Stay open").click()
    expect(warning).to_be_empty()
    tab.wait_for_timeout(4_000)  # past the first end, 6 s after opening
    expect(tab.locator("#text")).to_be_visible()


def test_locking_one_tab_locks_them_all(tab: Page, context: BrowserContext, owner: User) -> None:
    note = Note.objects.write(owner, "The kettle")
    other = open_tab(context, reverse("notes:note", args=[note.pk]))
    tab.bring_to_front()
    tab.get_by_role("button", name="Lock").click()
    tab.wait_for_url(DOOR)
    other.wait_for_url(DOOR)


def test_words_that_cannot_be_saved_wait_unseen_for_their_writer(
    tab: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    def unreachable(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.continue_()

    tab.route("**/*", unreachable)
    tab.keyboard.type("Only here")
    tab.get_by_role("button", name="Lock").click()
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
    expect(tab.locator("[data-cover-words]")).to_contain_text("are not saved")
    expect(tab.locator("#text")).to_be_hidden()
    assert tab.title() == "Secretly"
    tab.unroute("**/*")

    come_in(context, stranger, live_server)
    open_tab(context, "/").close()
    tab.bring_to_front()
    tab.evaluate("dispatchEvent(new Event('focus'))")
    tab.wait_for_timeout(1_500)
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
    assert not Note.objects.exists()

    come_in(context, owner, live_server)
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator(".notes a")).to_have_text("Only here")
    assert text_of(owner) == "Only here"


def test_a_notebook_that_was_locked_elsewhere_is_covered_at_the_next_word(
    tab: Page, context: BrowserContext, owner: User, live_server: LiveServer
) -> None:
    Session.objects.all().delete()
    tab.keyboard.type("Too late")
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
    expect(tab.locator("#text")).to_be_hidden()
    come_in(context, owner, live_server)
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator(".notes a")).to_have_text("Too late")


def test_a_stranger_who_comes_in_covers_the_page_that_was_left_open(
    tab: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    Note.objects.write(owner, "The kettle")
    tab.reload()
    expect(tab.locator(".notes a")).to_have_text("The kettle")
    come_in(context, stranger, live_server)
    open_tab(context, "/")
    expect(tab.get_by_text("This notebook is new.")).to_be_visible()  # by way of the door, into the stranger's own
    assert "kettle" not in tab.content()


def test_a_change_elsewhere_is_told_and_save_shows_both(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "before")
    tab.goto(reverse("notes:note", args=[note.pk]))
    writing.change(owner, note.pk, 1, "from elsewhere")
    tab.locator("#text").fill("from here")
    expect(tab.locator("#fault")).to_contain_text("changed elsewhere")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("blockquote")).to_have_text("from elsewhere")
    expect(tab.locator("#text")).to_have_value("from here")
    tab.get_by_role("button", name="Replace the other with this").click()
    expect(tab.locator(".notes a")).to_have_text("from here")
    assert text_of(owner) == "from here"


def test_too_long_a_text_stays_in_the_page(tab: Page) -> None:
    text = "x" * (MAX_LENGTH + 3)
    tab.locator("#text").fill(text)
    expect(tab.locator("#fault")).to_contain_text("the last 3 characters")
    tab.get_by_role("button", name="Save").click()
    tab.wait_for_timeout(500)
    expect(tab.locator("#text")).to_have_value(text)
    tab.locator("#text").fill("shorter")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    expect(tab.locator("#fault")).to_be_empty()


def test_nothing_is_left_on_the_device(tab: Page) -> None:
    tab.keyboard.type("Nowhere but at home")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    left = tab.evaluate(
        "async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length,"
        " (await indexedDB.databases()).length, (await navigator.serviceWorker.getRegistrations()).length]"
    )
    assert left == [0, 0, 0, 0, 0]


def test_without_a_script_everything_works(chromium: Browser, owner: User, live_server: LiveServer) -> None:
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        come_in(context, owner, live_server)
        page = context.new_page()
        page.goto("/")
        page.locator("#text").fill("By hand\nin two lines")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="By hand").click()
        page.locator("#text").fill("Changed by hand")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="Changed by hand").click()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete it").click()
        expect(page.get_by_text("This notebook is new.")).to_be_visible()
        page.get_by_role("button", name="Lock").click()
        expect(page).to_have_url(DOOR)


@pytest.mark.parametrize("width", [320, 1280, 3840])
def test_every_page_fits(tab: Page, owner: User, width: int) -> None:
    note = Note.objects.write(owner, "unbroken" * 100 + "\n" + "unbroken" * 100)
    tab.set_viewport_size({"width": width, "height": 800})
    pk = [note.pk]
    for path in ("/", reverse("notes:note", args=pk), reverse("notes:delete", args=pk), f"/notes/{uuid4()}/"):
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path

"""The notebook locks on silence and out of sight, and leaves nothing readable."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes.models import Note, Preferences
from notes.tests.tabs import DOOR, SAYS_SAVED, WAKE, choose, come_in, open_tab, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def soon(settings: object) -> Callable[[int], None]:
    """Make sessions end after so many seconds; the script locks 5 seconds earlier."""

    def lock_after(seconds: int) -> None:
        settings.SESSION_COOKIE_AGE = seconds  # type: ignore[attr-defined]

    return lock_after


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
    expect(warning).to_contain_text("Locking in 3 seconds.")
    tab.get_by_role("button", name="Stay open").click()
    expect(warning).to_be_empty()
    tab.wait_for_timeout(4_000)  # past the first end, 6 s after opening
    expect(tab.locator("#text")).to_be_visible()


def hide(tab: Page, hidden: bool) -> None:
    """What a browser does when another tab covers this one; a headless one shows all its tabs."""
    state = "hidden" if hidden else "visible"
    tab.evaluate(
        """(state) => {
            Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_it_locks_when_it_is_out_of_sight_for_too_long(tab: Page, owner: User) -> None:
    Preferences.objects.create(owner=owner, hidden_for=10)
    tab.clock.install()
    tab.reload()
    tab.keyboard.type("Unfinished")
    hide(tab, True)
    tab.clock.run_for(8_000)
    hide(tab, False)
    tab.clock.run_for(8_000)
    expect(tab.locator("#text")).to_be_visible()
    hide(tab, True)
    tab.clock.run_for(12_000)
    tab.wait_for_url(DOOR)
    assert text_of(owner) == "Unfinished"
    assert not Session.objects.exists()


def test_it_stays_open_while_another_tab_of_it_is_in_sight(tab: Page, context: BrowserContext, owner: User) -> None:
    Preferences.objects.create(owner=owner, hidden_for=10)
    tab.reload()
    other = open_tab(context, "/")
    hide(other, True)
    other.wait_for_timeout(11_500)
    expect(other.locator("#text")).to_be_visible()
    assert Session.objects.exists()


DEAF = """
    const listen = BroadcastChannel.prototype.addEventListener;
    BroadcastChannel.prototype.addEventListener = function (type, hear) {
        listen.call(this, type, (event) => window.deaf || hear(event));
    };
    for (const type of ["visibilitychange", "focus", "pageshow", "online"])
        addEventListener(type, (event) => window.deaf && event.stopImmediatePropagation(), true);
"""


def test_a_tab_that_was_asleep_asks_the_others_before_it_locks(tab: Page, context: BrowserContext, owner: User) -> None:
    tab.clock.install()
    tab.reload()
    asleep = context.new_page()
    asleep.add_init_script(DEAF)
    asleep.add_init_script("window.setInterval = () => 0")  # its timers sleep; the clock is that of all tabs
    asleep.goto("/")
    asleep.evaluate("window.deaf = true")
    tab.clock.run_for(10 * 60_000)
    expect(tab.locator("[data-cover]")).to_be_hidden()
    tab.bring_to_front()
    tab.locator(".surface").fill("In use")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    tab.clock.run_for(6 * 60_000)
    asleep.evaluate("window.deaf = false")
    title = asleep.title()
    asleep.evaluate(WAKE)
    expect(asleep.locator("[data-cover]")).to_be_visible()  # nothing can be read while it asks
    expect(asleep.locator("#text")).to_be_visible()
    assert asleep.title() == title
    assert Session.objects.exists()
    tab.close()
    asleep.clock.run_for(16 * 60_000)
    asleep.evaluate(WAKE)
    asleep.wait_for_url(DOOR)
    assert not Session.objects.exists()


def test_locking_one_tab_locks_them_all(tab: Page, context: BrowserContext, owner: User) -> None:
    note = Note.objects.write(owner, "The kettle")
    other = open_tab(context, reverse("notes:note", args=[note.pk]))
    tab.bring_to_front()
    tab.get_by_role("button", name="Lock").click()
    tab.wait_for_url(DOOR)
    other.wait_for_url(DOOR)


def test_text_that_cannot_be_saved_waits_covered_for_its_writer(
    tab: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    def unreachable(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.continue_()

    tab.route("**/*", unreachable)
    tab.keyboard.type("Only here")
    tab.get_by_role("button", name="Lock").click()
    expect(tab.get_by_role("heading", name="Locked")).to_be_visible()
    expect(tab.locator("[data-cover-words]")).to_contain_text("are not saved")
    expect(tab.locator("#text")).to_be_hidden()
    assert tab.title() == "Secretly"
    tab.unroute("**/*")

    come_in(context, stranger, live_server)
    open_tab(context, "/").close()
    tab.bring_to_front()
    tab.evaluate("dispatchEvent(new Event('focus'))")
    tab.wait_for_timeout(1_500)
    expect(tab.get_by_role("heading", name="Locked")).to_be_visible()
    assert not Note.objects.exists()

    come_in(context, owner, live_server)
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator(".notes h3 a")).to_have_text("Only here")
    assert text_of(owner) == "Only here"


def test_one_can_sign_in_again_though_the_list_of_keys_was_open(tab: Page) -> None:
    tab.route("**/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    tab.keyboard.type("Only here")
    choose(tab, "Keyboard shortcuts")
    expect(tab.get_by_role("dialog")).to_be_visible()
    tab.keyboard.press("Control+l")
    expect(tab.locator("[data-cover-words]")).to_contain_text("are not saved")
    with tab.expect_popup():
        tab.get_by_role("link", name="Unlock").click()


def test_a_notebook_that_was_locked_elsewhere_is_covered_at_the_next_word(
    tab: Page, context: BrowserContext, owner: User, live_server: LiveServer
) -> None:
    Session.objects.all().delete()
    tab.keyboard.type("Too late")
    expect(tab.get_by_role("heading", name="Locked")).to_be_visible()
    expect(tab.locator("#text")).to_be_hidden()
    expect(tab.locator("[data-cover-words]")).to_contain_text("are not saved")
    come_in(context, owner, live_server)
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator(".notes h3 a")).to_have_text("Too late")


def test_a_stranger_who_comes_in_covers_the_page_that_was_left_open(
    tab: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    Note.objects.write(owner, "The kettle")
    tab.reload()
    expect(tab.locator(".notes h3 a")).to_have_text("The kettle")
    come_in(context, stranger, live_server)
    open_tab(context, "/")
    expect(tab.get_by_text("No notes yet.")).to_be_visible()  # by way of the door, into the stranger's own
    assert "kettle" not in tab.content()

"""The notebook's script, in a real browser: it saves while one types, and every page works without it."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes import editing
from notes.models import MAX_LENGTH, Note, Preferences
from notes.tests.tabs import DOOR, SAYS_SAVED, choose, come_in, open_tab, text_of
from secretly.views import OFFLINE_PARTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_it_saves_while_one_types(tab: Page, owner: User) -> None:
    expect(tab.locator(".surface")).to_be_focused()
    tab.keyboard.type("A thought")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert text_of(owner) == "A thought"
    tab.keyboard.type(", and more of it")
    expect(tab.locator("[data-status]")).to_have_text("Not saved yet")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    note = Note.objects.of(owner).get()
    assert (note.text, note.version) == ("A thought, and more of it", 2)
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator(".notes h3 a")).to_have_text("A thought, and more of it")
    expect(tab.locator("#text")).to_have_value("")


def test_control_enter_saves_and_gives_a_blank_page(tab: Page, owner: User) -> None:
    tab.keyboard.type("Quickly")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".notes h3 a")).to_have_text("Quickly")
    assert text_of(owner) == "Quickly"


def test_a_change_elsewhere_is_a_conflict_and_save_shows_both(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "before")
    tab.goto(reverse("notes:note", args=[note.pk]))
    editing.change(owner, note.pk, 1, "from elsewhere")
    tab.locator(".surface").fill("from here")
    expect(tab.locator("#fault")).to_contain_text("changed elsewhere")
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator("blockquote")).to_have_text("from elsewhere")
    expect(tab.locator("#text")).to_have_value("from here")
    tab.get_by_role("button", name="Keep this version").click()
    expect(tab.locator(".notes h3 a")).to_have_text("from here")
    assert text_of(owner) == "from here"


def test_too_long_a_text_stays_in_the_page(tab: Page) -> None:
    text = "x" * (MAX_LENGTH + 3)
    tab.locator(".surface").fill(text)
    expect(tab.locator("#fault")).to_contain_text("the last 3 characters")
    tab.get_by_role("button", name="Done").click()
    tab.wait_for_timeout(500)
    expect(tab.locator("#text")).to_have_value(text)
    tab.locator(".surface").fill("shorter")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    expect(tab.locator("#fault")).to_be_empty()


@pytest.mark.parametrize("way", ["reload", "another page", "closed tab"])
def test_text_is_not_lost_with_its_page(tab: Page, context: BrowserContext, owner: User, way: str) -> None:
    """Typed a moment ago, and left before they were saved by themselves."""
    tab.on("dialog", lambda dialog: dialog.accept())  # the browser asks; the person wants to go
    tab.keyboard.type("Just typed")
    if way == "reload":
        tab.reload()
    elif way == "another page":
        tab.goto("/trash/")
    else:
        tab.close(run_before_unload=True)
    there = open_tab(context, "/")
    for _ in range(80):
        if Note.objects.of(owner).exists():
            break
        there.wait_for_timeout(250)
    assert text_of(owner) == "Just typed"


@pytest.mark.parametrize("locked", [False, True])
def test_nothing_is_left_on_the_device(tab: Page, locked: bool) -> None:
    tab.keyboard.type("Nowhere but at home")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    if locked:
        tab.keyboard.press("Control+l")
        tab.wait_for_url(DOOR)
    left = tab.evaluate(
        """async () => {
            await navigator.serviceWorker.ready;
            const kept = [];
            for (const name of await caches.keys())
                for (const { url } of await (await caches.open(name)).keys()) kept.push(new URL(url).pathname);
            return [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, kept.sort()];
        }"""
    )
    parts = sorted(f"/static/{part}" for part in OFFLINE_PARTS)
    assert left == [0, 0, 0, ["/offline/", *parts]]  # what says that there is no connection, and nothing of anybody's
    page = tab.evaluate("async () => (await caches.match('/offline/')).text()")
    assert "No connection" in page
    assert "value=" not in page
    assert "Nowhere but at home" not in page


def test_without_a_script_everything_works(chromium: Browser, owner: User, live_server: LiveServer) -> None:
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        come_in(context, owner, live_server)
        page = context.new_page()
        page.goto("/")
        page.locator("#text").fill("By hand\n\n- [ ] two\n- [ ] boxes")
        page.get_by_role("button", name="Done").click()
        page.get_by_role("link", name="By hand").click()
        page.get_by_text("As it reads").click()
        page.get_by_role("checkbox", name="boxes").click()
        page.get_by_text("As it reads").click()
        expect(page.get_by_role("checkbox", name="boxes")).to_be_checked()
        expect(page.locator("#text")).to_have_value("By hand\n\n- [ ] two\n- [x] boxes")
        page.locator("#text").fill("Changed by hand")
        page.get_by_role("button", name="Done").click()
        page.get_by_role("link", name="Changed by hand").click()
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_role("button", name="Unpin")).to_be_visible()
        page.get_by_label("Search all notes").fill("hand")
        page.get_by_label("Search all notes").press("Enter")
        expect(page.locator(".notes mark")).to_have_text("hand")
        page.get_by_role("link", name="Changed by hand").click()
        page.get_by_role("button", name="Move to the trash").click()
        expect(page.get_by_text("Changed by hand is in the trash.")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("link", name="Changed by hand").click()
        page.get_by_role("button", name="Move to the trash").click()
        choose(page, "Trash")
        page.get_by_role("button", name="Delete for good").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_text("The trash is empty.")).to_be_visible()
        page.get_by_role("button", name="Lock").click()
        expect(page).to_have_url(DOOR)


def test_keys(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "The kettle")
    tab.reload()
    tab.locator(".surface").blur()
    tab.keyboard.press("/")
    expect(tab.get_by_label("Search all notes")).to_be_focused()
    tab.keyboard.type("n/?")
    expect(tab.get_by_label("Search all notes")).to_have_value("n/?")
    tab.get_by_label("Search all notes").blur()
    tab.keyboard.press("n")
    expect(tab.locator(".surface")).to_be_focused()
    expect(tab.locator("#text")).to_have_value("")
    tab.locator(".surface").blur()
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog")).to_contain_text("a new note")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()


def test_keys_that_are_pressed_alone_can_be_switched_off(tab: Page, owner: User) -> None:
    Preferences.objects.create(owner=owner, single_keys=False)
    tab.reload()
    tab.locator(".surface").blur()
    for key in "n/?":
        tab.keyboard.press(key)
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(tab.locator(".surface")).not_to_be_focused()
    choose(tab, "Keyboard shortcuts")
    expect(tab.get_by_role("dialog")).to_contain_text("lock")
    expect(tab.get_by_role("dialog")).not_to_contain_text("a new note")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)


SAFARI_15 = """
    delete AbortSignal.timeout;
    delete InputEvent.prototype.getTargetRanges;
    delete Element.prototype.checkVisibility;
    delete Navigator.prototype.locks;
    window.FormData = class extends FormData { constructor(form) { super(form) } };
"""


def test_an_old_safari_can_do_it_too(tab: Page, context: BrowserContext, owner: User) -> None:
    Note.objects.write(owner, "The kettle\n\n- [ ] on")
    context.add_init_script(SAFARI_15)
    tab.reload()
    told = "time => time.textContent === new Intl.DateTimeFormat('en', "
    told += "{ timeStyle: 'short' }).format(new Date(time.dateTime))"
    assert tab.locator(".card time").evaluate(told)
    expect(tab.locator("textarea#text")).to_be_focused()
    tab.keyboard.type("A thought")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert Note.objects.of(owner).count() == 2
    tab.get_by_role("link", name="The kettle").click()
    tab.get_by_text("As it reads").click()
    tab.get_by_role("checkbox", name="on").click()
    expect(tab.get_by_role("checkbox", name="on")).to_be_checked()
    tab.get_by_role("button", name="Pin", exact=True).click()
    expect(tab.locator(".pinned h3")).to_have_text("The kettle")
    tab.get_by_label("Search all notes").fill("thought")
    expect(tab.locator("[data-says]")).to_have_text("1 note found")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)


@pytest.mark.parametrize("width", [320, 1280, 3840])
def test_every_page_fits(tab: Page, owner: User, width: int) -> None:
    note = Note.objects.write(owner, "unbroken" * 100 + "\n" + "unbroken" * 100)
    tab.set_viewport_size({"width": width, "height": 800})
    pk = [note.pk]
    Note.objects.write(owner, "unbroken" * 100, trashed=timezone.now())
    for path in ("/", reverse("notes:note", args=pk), reverse("notes:trash"), f"/notes/{uuid4()}/"):
        tab.goto(path)
        wide = (
            "[...document.querySelectorAll('body *')].filter(part => part.getBoundingClientRect().right > innerWidth)"
        )
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, tab.evaluate(
            f"{wide}.map(part => part.outerHTML.slice(0, 99))"
        )

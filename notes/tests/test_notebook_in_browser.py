"""The notebook's script, in a real browser: it saves while one types, and leaves nothing readable when it locks."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes import attachments, editing
from notes.models import MAX_LENGTH, Attachment, Note, Preferences
from notes.tests.conftest import signed_in
from secretly.tests.transitions import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOOR = re.compile(r"/login/")
SAYS_SAVED = re.compile("^Saved$")


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A browser of its own. A mistake in the pages' scripts fails the test, at its end."""
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(10_000)
    expect.set_options(timeout=10_000)
    problems: list[str] = []
    context.on("weberror", lambda thrown: faults(problems)(thrown.error))
    yield context
    context.close()
    assert problems == []


def come_in(context: BrowserContext, user: User, live_server: LiveServer) -> None:
    """What the door does: a new session, and a new CSRF token."""
    context.clear_cookies()
    session = signed_in(user).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])


@pytest.fixture
def tab(context: BrowserContext, owner: User, live_server: LiveServer) -> Page:
    """The owner's notebook, just opened."""
    come_in(context, owner, live_server)
    return open_tab(context, "/")


def open_tab(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
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
    expect(tab.locator(".notes h3 a")).to_have_text("A thought, and more of it")
    expect(tab.locator("#text")).to_have_value("")


def test_control_enter_saves_and_gives_a_blank_page(tab: Page, owner: User) -> None:
    tab.keyboard.type("Quickly")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".notes h3 a")).to_have_text("Quickly")
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


WAKE = "dispatchEvent(new Event('focus'))"

DEAF = """
    const listen = BroadcastChannel.prototype.addEventListener;
    BroadcastChannel.prototype.addEventListener = function (type, hear) {
        listen.call(this, type, (event) => window.deaf || hear(event));
    };
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
    tab.locator("#text").fill("In use")
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
    expect(tab.locator(".notes h3 a")).to_have_text("Only here")
    assert text_of(owner) == "Only here"


def test_one_can_sign_in_again_though_the_list_of_keys_was_open(tab: Page) -> None:
    tab.route("**/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    tab.keyboard.type("Only here")
    tab.locator("[data-keys]").click()
    expect(tab.get_by_role("dialog")).to_be_visible()
    tab.keyboard.press("Control+l")
    expect(tab.locator("[data-cover-words]")).to_contain_text("are not saved")
    with tab.expect_popup():
        tab.get_by_role("link", name="Open the door").click()


def test_a_notebook_that_was_locked_elsewhere_is_covered_at_the_next_word(
    tab: Page, context: BrowserContext, owner: User, live_server: LiveServer
) -> None:
    Session.objects.all().delete()
    tab.keyboard.type("Too late")
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
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
    expect(tab.get_by_text("This notebook is new.")).to_be_visible()  # by way of the door, into the stranger's own
    assert "kettle" not in tab.content()


def test_a_change_elsewhere_is_a_conflict_and_save_shows_both(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "before")
    tab.goto(reverse("notes:note", args=[note.pk]))
    editing.change(owner, note.pk, 1, "from elsewhere")
    tab.get_by_text("Plain text").click()
    tab.locator("#text").fill("from here")
    expect(tab.locator("#fault")).to_contain_text("changed elsewhere")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("blockquote")).to_have_text("from elsewhere")
    expect(tab.locator("#text")).to_have_value("from here")
    tab.get_by_role("button", name="Replace the other with this").click()
    expect(tab.locator(".notes h3 a")).to_have_text("from here")
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
    site = [f"/static/site/{name}" for name in ("base.css", "icon.svg", "tokens.css")]
    assert left == [0, 0, 0, ["/offline/", *site]]  # what says that there is no connection, and nothing of anybody's
    page = tab.evaluate("async () => (await caches.match('/offline/')).text()")
    assert "I cannot be reached." in page
    assert "value=" not in page
    assert "Nowhere but at home" not in page


def test_without_a_connection_it_says_so(tab: Page, context: BrowserContext, live_server: LiveServer) -> None:
    tab.evaluate("async () => { await navigator.serviceWorker.ready }")
    tab.reload()  # from now on the worker answers
    context.set_offline(True)
    tab.goto("/trash/")
    expect(tab.get_by_role("heading", name="I cannot be reached.")).to_be_visible()
    assert tab.evaluate("getComputedStyle(document.querySelector('main')).display") == "flex"
    context.set_offline(False)
    tab.get_by_role("link", name="Try again").click()
    expect(tab.locator("#text")).to_be_visible()


def test_without_a_script_everything_works(chromium: Browser, owner: User, live_server: LiveServer) -> None:
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        come_in(context, owner, live_server)
        page = context.new_page()
        page.goto("/")
        page.locator("#text").fill("By hand\n\n- [ ] two\n- [ ] boxes")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("checkbox", name="boxes").click()
        expect(page.get_by_role("checkbox", name="boxes")).to_be_checked()
        page.get_by_role("link", name="By hand").click()
        page.get_by_text("Plain text").click()
        expect(page.locator("#text")).to_have_value("By hand\n\n- [ ] two\n- [x] boxes")
        page.locator("#text").fill("Changed by hand")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_text("Pinned")).to_be_visible()
        page.get_by_label("Search all notes").fill("hand")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("link", name="Changed by hand")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("link", name="Changed by hand").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("link", name="Trash").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_text("There is nothing in it.")).to_be_visible()
        page.get_by_role("button", name="Lock").click()
        expect(page).to_have_url(DOOR)


# The list -------------------------------------------------------------------------------------------------------------


def test_editing_in_place(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before\n\nand after")
    Note.objects.write(owner, "Another")
    tab.reload()
    card = tab.locator(f"#n-{note.pk}")
    card.get_by_role("link", name="Edit").click()
    text = card.locator("textarea")
    expect(text).to_be_focused()
    expect(text).to_have_value("Before\n\nand after")
    text.fill("# Now\n\n*after*")
    expect(card.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert Note.objects.get(pk=note.pk).text == "# Now\n\n*after*"
    tab.keyboard.press("Control+Enter")
    expect(card.locator("h3")).to_have_text("Now")
    expect(card.locator("em")).to_have_text("after")
    expect(card.get_by_role("link", name="Edit")).to_be_focused()
    assert tab.url.endswith("/")


def test_a_double_click_opens_one_form(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.reload()
    tab.get_by_role("link", name="Edit").dblclick()
    forms = tab.locator(f"#n-{note.pk} [data-editor]")
    expect(forms.locator("textarea")).to_be_focused()
    tab.wait_for_load_state("networkidle")
    expect(forms).to_have_count(1)


def test_text_in_a_card_is_saved_when_it_locks(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.reload()
    tab.locator("#text").fill("On the blank page")
    tab.get_by_role("link", name="Edit").click()
    tab.locator(f"#n-{note.pk} textarea").fill("In the card")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)
    assert {note.text for note in Note.objects.of(owner)} == {"On the blank page", "In the card"}


def test_ticking_stays_on_the_page(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "To do\n\n- [ ] milk\n- [ ] bread")
    tab.reload()
    tab.evaluate("window.same = true")
    for name in ("milk", "bread"):
        tab.get_by_role("checkbox", name=name).click()
        expect(tab.get_by_role("checkbox", name=name)).to_be_checked()
    tab.get_by_role("checkbox", name="milk").click()
    expect(tab.get_by_role("checkbox", name="milk")).not_to_be_checked()
    assert text_of(owner) == "To do\n\n- [ ] milk\n- [x] bread"
    assert tab.evaluate("window.same")


def test_ticking_what_was_changed_elsewhere_shows_how_it_reads_now(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "- [ ] milk")
    tab.reload()
    editing.change(owner, note.pk, 1, "No milk today")
    tab.get_by_role("checkbox", name="milk").click()
    expect(tab.get_by_text("This is how it reads now.")).to_be_visible()
    assert text_of(owner) == "No milk today"


def test_deleting_can_be_undone(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "The kettle")
    tab.reload()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.locator(".card")).to_be_hidden()
    expect(tab.locator("[data-toast]")).to_contain_text("It is in the trash.")
    assert Note.objects.trashed(owner).filter(pk=note.pk).exists()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".card")).to_be_visible()
    assert text_of(owner) == "The kettle"


def test_undo_is_offered_for_ten_seconds(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "The kettle")
    tab.clock.install()
    tab.reload()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()
    tab.clock.run_for(9_000)
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()
    tab.clock.run_for(1_500)
    expect(tab.get_by_role("button", name="Undo")).to_be_hidden()


@pytest.mark.parametrize(("distance", "deleted"), [(150, True), (-150, True), (60, False)])
def test_a_swipe_deletes(chromium: Browser, owner: User, live_server: LiveServer, distance: int, deleted: bool) -> None:
    Note.objects.write(owner, "The kettle")
    with chromium.new_context(
        base_url=live_server.url, has_touch=True, viewport={"width": 360, "height": 740}
    ) as phone:
        come_in(phone, owner, live_server)
        tab = open_tab(phone, "/")
        card = tab.locator(".card")
        box = card.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + 20
        touch = phone.new_cdp_session(tab)
        steps = [("touchStart", x), ("touchMove", x + distance / 2), ("touchMove", x + distance)]
        for kind, at in steps:
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        if deleted:
            expect(card).to_be_hidden()
        else:
            tab.wait_for_timeout(500)
            expect(card).to_be_visible()
        assert Note.objects.of(owner).exists() != deleted


def test_older_notes_come_as_one_scrolls(tab: Page, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(120))
    tab.reload()
    expect(tab.locator(".card")).to_have_count(50)
    for count in (100, 120):
        tab.locator(".card").last.scroll_into_view_if_needed()
        tab.mouse.wheel(0, 100_000)
        expect(tab.locator(".card")).to_have_count(count)
    assert len(set(tab.locator(".card h3").all_text_contents())) == 120
    expect(tab.locator("[data-pages] [rel=next]")).to_have_count(0)


@pytest.mark.parametrize(("count", "shown"), [(101, [50, 100]), (151, [50, 100, 149])])
def test_deleting_hides_no_other_note(tab: Page, owner: User, count: int, shown: list[int]) -> None:
    """The list's pages are counted from the newest note: the first of the next page moves up into the one shown."""
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(count))
    tab.reload()
    cards = tab.locator(".card:visible")
    for there in shown[:-1]:
        expect(cards).to_have_count(there)
        cards.nth(3).get_by_role("button", name="Delete").click()
        expect(tab.locator("[data-toast]")).to_contain_text("It is in the trash.")
        expect(cards).to_have_count(there - 1)
        tab.mouse.wheel(0, 100_000)
    expect(cards).to_have_count(shown[-1])
    titles = tab.locator(".card:visible h3").all_text_contents()
    assert sorted(titles) == sorted(note.text for note in Note.objects.of(owner))
    expect(tab.locator("[data-pages] [rel=next]")).to_have_count(0)


def test_search_as_one_types(tab: Page, owner: User) -> None:
    for text in ("The kettle", "The cat", "Another\n\n" + "x " * 500 + "kettle"):
        Note.objects.write(owner, text)
    tab.reload()
    search = tab.get_by_label("Search all notes")
    search.press_sequentially("KETT", delay=20)
    expect(tab.locator(".card:visible")).to_have_count(2)
    expect(tab.locator("[data-says]")).to_have_text("I have found 2 notes.")
    search.fill("nowhere")
    expect(tab.locator("[data-says]")).to_contain_text("no note")
    search.fill("")
    expect(tab.locator(".card:visible")).to_have_count(3)
    assert "kett" not in tab.url


def test_what_is_pinned_stands_above_and_markdown_is_drawn(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "Below")
    tab.locator("#text").fill("# Above\n\n- [x] *done*\n- `code` and [a link](https://example.org)\n\n<b>no tag</b>")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".card").first.get_by_role("heading")).to_have_text("Above")
    tab.get_by_role("button", name="Pin", exact=True).last.click()
    expect(tab.locator(".card").first.get_by_role("heading")).to_have_text("Below")
    expect(tab.locator(".card").first).to_contain_text("Pinned")
    other = tab.locator(".card").last
    expect(other.get_by_role("checkbox", name="done")).to_be_checked()
    expect(other.locator("code")).to_have_text("code")
    expect(other.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.org")
    expect(other.locator(".prose")).to_contain_text("<b>no tag</b>")


def test_the_trash_restores_and_deletes_for_good(tab: Page, owner: User) -> None:
    for text in ("The kettle", "The cat"):
        Note.objects.write(owner, text, trashed=timezone.now())
    tab.get_by_role("link", name="Trash").click()
    expect(tab.get_by_text("stays here for 30 days")).to_be_visible()
    tab.locator(".card", has_text="The cat").get_by_role("button", name="Bring back").click()
    expect(tab.locator(".card")).to_have_count(1)
    assert text_of(owner) == "The cat"
    tab.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("There is nothing in it.")).to_be_visible()
    assert Note.objects.count() == 1


def test_an_export_can_be_imported(tab: Page, owner: User, tmp_path: Path) -> None:
    note = Note.objects.write(owner, "The kettle\n\n- [x] on", pinned=True)
    attachments.attach(owner, note.pk, "plan.txt", ContentFile(b"Meet at five."))
    tab.get_by_role("link", name="Take it with you").click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "notes.zip")
    note.delete()
    for sentence in ("I have taken in 1 note.", "1 was here already."):
        tab.get_by_label("That ZIP file").set_input_files(tmp_path / "notes.zip")
        tab.get_by_role("button", name="Bring in", exact=True).click()
        expect(tab.get_by_role("main").get_by_role("status")).to_contain_text(sentence)
    [back] = Note.objects.of(owner).with_attachments()
    assert (back.text, back.pinned, back.created) == ("The kettle\n\n- [x] on", True, note.created)
    assert [attachments.read(attachment) for attachment in back.attached] == [b"Meet at five."]


# Files ----------------------------------------------------------------------------------------------------------------


def test_files_are_attached_to_the_page_that_is_written(tab: Page, owner: User) -> None:
    choose = tab.locator("[data-editor] label", has_text="Attach").locator("input")
    choose.set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Meet at five."})
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: attached")
    tab.locator("#text").fill("With a plan")
    tab.get_by_role("button", name="Save").click()
    card = tab.locator(".card")
    expect(card.get_by_role("link", name="plan.txt")).to_be_visible()
    with tab.expect_download() as download:
        card.get_by_role("link", name="plan.txt").click()
    assert download.value.path().read_bytes() == b"Meet at five."
    assert text_of(owner) == "With a plan"


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(tab: Page, owner: User, way: str) -> None:
    tab.evaluate(
        """async (way) => {
            const canvas = new OffscreenCanvas(64, 64);
            canvas.getContext("2d").fillRect(0, 0, 32, 32);
            const data = new DataTransfer();
            data.items.add(new File([await canvas.convertToBlob()], "drawn.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
            const event = way === "drop" ? new DragEvent("drop", options) : new ClipboardEvent("paste", options);
            document.querySelector("#text").dispatchEvent(event);
        }""",
        way,
    )
    expect(tab.locator("[data-files]")).to_contain_text("drawn.png: attached")
    tab.get_by_role("button", name="Save").click()
    picture = tab.locator(".card img")
    expect(picture).to_have_attribute("alt", "drawn.png")
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth }") == 64


def test_a_telephone_offers_its_camera_and_a_desk_does_not(
    chromium: Browser, tab: Page, owner: User, live_server: LiveServer
) -> None:
    expect(tab.get_by_text("Take a photo")).to_be_hidden()
    with chromium.new_context(base_url=live_server.url, has_touch=True, is_mobile=True) as phone:
        come_in(phone, owner, live_server)
        page = open_tab(phone, "/")
        button = page.locator("label", has_text="Take a photo")
        expect(button).to_be_visible()
        expect(button.locator("input")).to_have_attribute("capture", "environment")


def test_a_file_that_failed_is_named_and_can_be_sent_again(tab: Page, owner: User) -> None:
    tab.route("**/attach/", lambda route: route.abort())
    tab.keyboard.type("The words are safe")
    choose = tab.locator("[data-editor] label", has_text="Attach").locator("input")
    choose.set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Meet at five."})
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: Not attached: I cannot reach my shelf.")
    assert text_of(owner) == "The words are safe"
    tab.unroute("**/attach/")
    tab.get_by_role("button", name="Try again").click()
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: attached")


SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}  # bytes a second
SIZES = (600_000, 600_000, 1)


def choose_files_on_a_slow_line(tab: Page) -> None:
    tab.keyboard.type("With files")
    tab.context.new_cdp_session(tab).send("Network.emulateNetworkConditions", SLOW)
    files = [
        {"name": f"{i}.bin", "mimeType": "application/octet-stream", "buffer": b"x" * size}
        for i, size in enumerate(SIZES)
    ]
    tab.locator("[data-chooser]").first.set_input_files(files)  # type: ignore[arg-type]
    tab.wait_for_timeout(1_000)
    expect(tab.locator("[data-files]")).to_contain_text("2.bin: on its way")


def attached(owner: User) -> list[tuple[str, int]]:
    return sorted((attachment.name, attachment.size) for attachment in Attachment.objects.of(owner))


ALL_OF_THEM = [(f"{i}.bin", size) for i, size in enumerate(SIZES)]


def test_save_waits_for_files_on_their_way(tab: Page, owner: User) -> None:
    choose_files_on_a_slow_line(tab)
    tab.get_by_role("button", name="Save").click()
    for name in ("0.bin", "1.bin", "2.bin"):
        expect(tab.locator(".card").get_by_role("link", name=name)).to_be_visible()
    assert attached(owner) == ALL_OF_THEM


def test_locking_waits_below_the_cover_for_files_on_their_way(tab: Page, owner: User) -> None:
    choose_files_on_a_slow_line(tab)
    tab.get_by_role("button", name="Lock").click()
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
    assert Session.objects.exists()
    tab.wait_for_url(DOOR)
    assert not Session.objects.exists()
    assert attached(owner) == ALL_OF_THEM


def test_locking_another_tab_waits_for_files_on_their_way(tab: Page, context: BrowserContext, owner: User) -> None:
    other = open_tab(context, "/")
    tab.bring_to_front()
    choose_files_on_a_slow_line(tab)
    other.get_by_role("button", name="Lock").click()
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
    for page in (tab, other):
        page.wait_for_url(DOOR)
    assert not Session.objects.exists()
    assert attached(owner) == ALL_OF_THEM


def test_a_session_ends_though_files_are_still_on_their_way(tab: Page, owner: User) -> None:
    tab.clock.install()
    tab.reload()
    choose = tab.locator("[data-chooser]").first
    tab.route("**/attach/", lambda route: None)  # never an answer
    with tab.expect_request("**/attach/"):
        choose.set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Meet at five."})
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: on its way")
    tab.keyboard.press("Control+l")
    expect(tab.get_by_role("heading", name="I am locked.")).to_be_visible()
    tab.clock.run_for(31_000)
    expect(tab.locator("[data-cover-words]")).to_contain_text("Some files are not attached yet.")
    assert not Session.objects.exists()


def test_files_that_were_not_attached_wait_unseen_for_their_writer(
    tab: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    tab.route("**/attach/", lambda route: route.abort())
    tab.keyboard.type("With a plan")
    choose = tab.locator("[data-chooser]").first
    choose.set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Meet at five."})
    expect(tab.locator("[data-files]")).to_contain_text("Not attached")
    tab.unroute("**/attach/")
    tab.keyboard.press("Control+l")
    expect(tab.locator("[data-cover-words]")).to_contain_text("Some files are not attached yet.")
    come_in(context, stranger, live_server)
    with tab.expect_response(lambda answer: answer.request.method == "GET"):
        tab.evaluate(WAKE)
    expect(tab.locator("#text")).to_be_hidden()
    come_in(context, owner, live_server)
    with tab.expect_response(lambda answer: answer.request.method == "GET"):
        tab.evaluate(WAKE)
    tab.get_by_role("button", name="Try again").click()
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: attached")
    assert attached(owner) == [("plan.txt", 13)]


def test_the_browser_asks_before_a_link_drops_files_on_their_way(tab: Page, owner: User) -> None:
    choose_files_on_a_slow_line(tab)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    tab.on("dialog", stay)
    tab.get_by_role("link", name="Trash").click(no_wait_after=True)
    expect(tab.locator("[data-files]")).to_contain_text("2.bin: attached")
    assert asked == ["beforeunload"]
    assert attached(owner) == ALL_OF_THEM
    tab.get_by_role("link", name="Trash").click()
    tab.wait_for_url("**/trash/")
    assert asked == ["beforeunload"]


def test_pinning_waits_for_files_on_their_way(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "The kettle")
    tab.reload()
    choose_files_on_a_slow_line(tab)
    tab.get_by_role("button", name="Pin", exact=True).click()
    expect(tab.locator(".pinned h3")).to_have_text("The kettle")
    assert attached(owner) == ALL_OF_THEM


@pytest.mark.parametrize("where", ["page", "card"])
def test_a_page_stays_open_until_its_files_are_attached_or_removed(tab: Page, owner: User, where: str) -> None:
    if where == "card":
        Note.objects.write(owner, "Before")
        tab.reload()
        tab.get_by_role("link", name="Edit").click()
    editor = tab.locator(".card [data-editor]" if where == "card" else "[data-editor]")
    editor.locator("textarea").fill("With a plan")
    tab.route("**/attach/", lambda route: route.abort())
    for name in ("plan.txt", "other.txt"):
        file = {"name": name, "mimeType": "text/plain", "buffer": b"Meet at five."}
        editor.locator("[data-chooser]").first.set_input_files(file)  # type: ignore[arg-type]
    expect(editor.get_by_role("button", name="Try again")).to_have_count(2)
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator("[data-status]")).to_have_text(SAYS_SAVED)
    tab.wait_for_timeout(500)
    expect(editor.get_by_role("button", name="Try again")).to_have_count(2)
    tab.unroute("**/attach/")
    editor.get_by_role("button", name="Try again").first.click()
    expect(editor.locator("[data-files]")).to_contain_text("plan.txt: attached")
    editor.get_by_role("button", name="Remove").click()
    editor.get_by_role("button", name="Save").click()
    expect(tab.locator(".card").get_by_role("link", name="plan.txt")).to_be_visible()
    assert attached(owner) == [("plan.txt", 13)]


def test_without_a_script_files_are_attached_to_a_note(chromium: Browser, owner: User, live_server: LiveServer) -> None:
    note = Note.objects.write(owner, "The kettle")
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        come_in(context, owner, live_server)
        page = context.new_page()
        page.goto(reverse("notes:note", args=[note.pk]))
        page.get_by_label("Photos and files").set_input_files(
            {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Meet at five."}
        )
        page.get_by_role("button", name="Attach").click()
        expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
        page.get_by_role("button", name="Remove plan.txt").click()
        expect(page.get_by_role("heading", name="Remove this file?")).to_be_visible()
        expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
        page.get_by_role("button", name="Remove it").click()
        expect(page.get_by_role("link", name="plan.txt")).to_be_hidden()


# Keys and failures ----------------------------------------------------------------------------------------------------


def test_keys(tab: Page, owner: User) -> None:
    Note.objects.write(owner, "The kettle")
    tab.reload()
    tab.locator("#text").blur()
    tab.keyboard.press("/")
    expect(tab.get_by_label("Search all notes")).to_be_focused()
    tab.keyboard.type("n/?")
    expect(tab.get_by_label("Search all notes")).to_have_value("n/?")
    tab.get_by_label("Search all notes").blur()
    tab.keyboard.press("n")
    expect(tab.locator("#text")).to_be_focused()
    expect(tab.locator("#text")).to_have_value("")
    tab.locator("#text").blur()
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog")).to_contain_text("a new note")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()


def test_keys_that_are_pressed_alone_can_be_switched_off(tab: Page, owner: User) -> None:
    Preferences.objects.create(owner=owner, single_keys=False)
    tab.reload()
    tab.locator("#text").blur()
    for key in "n/?":
        tab.keyboard.press(key)
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(tab.locator("#text")).not_to_be_focused()
    tab.locator("[data-keys]").click()
    expect(tab.get_by_role("dialog")).to_contain_text("lock")
    expect(tab.get_by_role("dialog")).not_to_contain_text("a new note")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)


def test_it_says_honestly_that_it_is_not_saved_and_tries_again(tab: Page, owner: User) -> None:
    tab.clock.install()
    tab.route("**/*", lambda route: route.fulfill(status=503, body="no shelf"))
    tab.keyboard.type("Persistent")
    tab.clock.run_for(2_000)
    expect(tab.locator("[data-status]")).to_contain_text("Not saved yet, trying again.")
    assert not Note.objects.exists()
    tab.unroute("**/*")
    tab.clock.run_for(11_000)
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert text_of(owner) == "Persistent"


NEVER_ASKS = """
    const listen = window.addEventListener;
    window.addEventListener = function (type, ...rest) {
        if (type !== "beforeunload") listen.call(this, type, ...rest);
    };
"""


@pytest.fixture
def telephone(context: BrowserContext, tab: Page, owner: User) -> Page:
    """A browser that does not ask before it leaves unsaved words, with a note to press all buttons of."""
    Note.objects.write(owner, "The kettle\n\n- [ ] on")
    context.add_init_script(NEVER_ASKS)
    tab.evaluate("async () => { await navigator.serviceWorker.ready }")
    tab.reload()
    tab.evaluate("window.same = true")
    return tab


def press(tab: Page, what: str) -> None:
    if what == "search":
        tab.get_by_label("Search all notes").fill("kettle")
    elif what == "tick":
        tab.get_by_role("checkbox", name="on").click()
    elif what == "edit":
        tab.get_by_role("link", name="Edit").click()
    else:
        tab.locator(".card").get_by_role("button", name=what).click()


@pytest.mark.parametrize("what", ["tick", "edit", "search", "Pin", "Delete"])
def test_no_button_leaves_unsaved_text_when_the_server_is_down(
    telephone: Page, context: BrowserContext, owner: User, what: str
) -> None:
    tab = telephone
    context.set_offline(True)
    tab.locator("#text").fill("Only here")
    press(tab, what)
    expect(tab.locator("[data-unreached]")).to_have_text("I cannot be reached.")
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    expect(tab.locator("#text")).to_have_value("Only here")
    expect(tab.locator(".card")).to_be_visible()
    context.set_offline(False)
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    expect(tab.locator("[data-unreached]")).to_be_empty()
    assert Note.objects.of(owner).count() == 2
    assert tab.evaluate("window.same")


def test_a_link_is_followed_once_the_text_is_saved(telephone: Page, context: BrowserContext, owner: User) -> None:
    tab = telephone
    context.set_offline(True)
    tab.locator("#text").fill("Only here")
    tab.get_by_role("link", name="Trash").click()
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    expect(tab.locator("#text")).to_have_value("Only here")
    assert tab.evaluate("window.same")
    context.set_offline(False)
    tab.get_by_role("link", name="Trash").click()
    tab.wait_for_url("**/trash/")
    assert {note.text for note in Note.objects.of(owner)} == {"The kettle\n\n- [ ] on", "Only here"}


@pytest.mark.parametrize("what", ["tick", "edit", "search", "Pin"])
def test_no_response_of_the_server_drops_unsaved_text(telephone: Page, owner: User, what: str) -> None:
    """The words cannot be saved; everything else is answered, by a page that a browser without a script would show."""
    tab = telephone

    def answer(route: Route) -> None:
        if (route.request.post_data or "").find("Only+here") >= 0:
            route.abort()
        elif what == "Pin":
            route.continue_()
        else:
            route.fulfill(status=409, body="<p>Something else", content_type="text/html")

    tab.locator("#text").fill("Only here")
    tab.route("**/*", answer)
    with tab.expect_response("**/*"):
        press(tab, what)
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    expect(tab.locator("#text")).to_have_value("Only here")
    tab.unroute("**/*")
    tab.evaluate("dispatchEvent(new Event('online'))")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert tab.evaluate("window.same")


@pytest.mark.parametrize("locked", [False, True])
def test_the_back_button_keeps_unsaved_text(telephone: Page, owner: User, locked: bool) -> None:
    tab = telephone
    tab.route("**/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    tab.locator("#text").fill("Only here")
    if locked:
        Session.objects.all().delete()
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    if locked:
        expect(tab.locator("[data-cover-words]")).to_contain_text("are not saved")
    expect(tab.locator("#text")).to_be_visible(visible=not locked)
    expect(tab.locator("#text")).to_have_value("Only here")
    assert tab.evaluate("window.same")


def lose_answers(tab: Page, count: int) -> list[str]:
    """The server gets what is sent, but the tab gets no answer to its next saves. Returns whose answers were lost."""
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and len(lost) < count:
            lost.append(route.request.post_data or "")
            route.fetch()
            route.abort()
        else:
            route.continue_()

    tab.route("**/*", lose)
    return lost


@pytest.mark.parametrize("there", ["a blank page", "a note"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_lost_answer_is_no_conflict_with_oneself(tab: Page, owner: User, there: str, count: int) -> None:
    if there == "a note":
        note = Note.objects.write(owner, "Before")
        tab.goto(reverse("notes:note", args=[note.pk]))
        tab.get_by_text("Plain text").click()
    tab.clock.install()
    lost = lose_answers(tab, count)
    tab.locator("#text").fill("One")
    for _ in range(count):
        tab.clock.run_for(10_500)
        expect(tab.locator("[data-status]")).to_contain_text("trying again")
        tab.locator("#text").press_sequentially(", and on")
    assert len(lost) == count
    assert text_of(owner) == "One"
    tab.clock.run_for(10_500)
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert text_of(owner) == "One" + ", and on" * count
    expect(tab.locator("#fault")).to_be_empty()
    tab.locator("#text").press_sequentially(" for ever")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator(".notes h3 a")).to_have_text("One" + ", and on" * count + " for ever")


def test_what_is_taken_back_after_a_lost_answer_is_taken_back_at_home_too(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.goto(reverse("notes:note", args=[note.pk]))
    tab.get_by_text("Plain text").click()
    lose_answers(tab, 1)
    tab.locator("#text").fill("By mistake")
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    assert text_of(owner) == "By mistake"
    tab.locator("#text").fill("Before")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator(".notes h3 a")).to_have_text("Before")
    assert text_of(owner) == "Before"


SAFARI_15 = """
    delete AbortSignal.timeout;
    delete Element.prototype.checkVisibility;
    delete Navigator.prototype.locks;
    window.FormData = class extends FormData { constructor(form) { super(form) } };
"""


def test_an_old_safari_can_do_it_too(tab: Page, context: BrowserContext, owner: User) -> None:
    Note.objects.write(owner, "The kettle\n\n- [ ] on")
    context.add_init_script(SAFARI_15)
    tab.reload()
    told = "time => time.textContent === new Intl.DateTimeFormat('en', "
    told += "{ dateStyle: 'long', timeStyle: 'short' }).format(new Date(time.dateTime))"
    assert tab.locator(".card time").evaluate(told)
    expect(tab.locator("#text")).to_be_focused()
    tab.keyboard.type("A thought")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert Note.objects.of(owner).count() == 2
    tab.get_by_role("checkbox", name="on").click()
    expect(tab.get_by_role("checkbox", name="on")).to_be_checked()
    tab.get_by_role("button", name="Pin", exact=True).last.click()
    expect(tab.locator(".pinned h3")).to_have_text("The kettle")
    tab.get_by_label("Search all notes").fill("thought")
    expect(tab.locator("[data-says]")).to_have_text("I have found 1 note.")
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
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path

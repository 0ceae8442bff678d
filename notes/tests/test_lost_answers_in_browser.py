"""Without a connection, or with lost answers, no text is lost and none is saved twice."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes.models import Note
from notes.tests.tabs import SAYS_SAVED, choose, hold_clock, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_without_a_connection_it_says_so(tab: Page, context: BrowserContext, live_server: LiveServer) -> None:
    tab.evaluate("async () => { await navigator.serviceWorker.ready }")
    tab.reload()  # from now on the worker answers
    context.set_offline(True)
    tab.goto("/trash/")
    expect(tab.get_by_role("heading", name="No connection")).to_be_visible()
    assert tab.evaluate("getComputedStyle(document.querySelector('main')).display") == "flex"
    context.set_offline(False)
    tab.get_by_role("link", name="Try again").click()
    expect(tab.locator("#text")).to_be_visible()


def test_it_says_honestly_that_it_is_not_saved_and_tries_again(tab: Page, owner: User) -> None:
    hold_clock(tab)
    tab.route("**/*", lambda route: route.fulfill(status=503, body="no shelf"))
    tab.keyboard.type("Persistent")
    tab.clock.run_for(2_000)
    expect(tab.locator("[data-status]")).to_contain_text("Not saved yet, trying again.")
    assert not Note.objects.exists()
    tab.unroute("**/*")
    tab.clock.resume()
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
    elif what == "another note":
        tab.get_by_role("link", name="The kettle").click()
    else:
        tab.get_by_role("button", name=what, exact=True).click()


@pytest.mark.parametrize("what", ["another note", "search", "Pin", "Move to the trash"])
def test_no_button_leaves_unsaved_text_when_the_server_is_down(
    telephone: Page, context: BrowserContext, owner: User, what: str
) -> None:
    tab = telephone
    tab.locator(".surface").fill("Here")
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    expect(tab.get_by_role("button", name="Pin", exact=True)).to_be_visible()
    context.set_offline(True)
    tab.locator(".surface").fill("Only here")
    press(tab, what)
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    if what == "search":
        expect(tab.locator("[data-unreached]")).to_have_text("No connection to the server.")
    expect(tab.locator("#text")).to_have_value("Only here")
    expect(tab.locator(".card:visible")).to_have_count(2)
    context.set_offline(False)
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    expect(tab.locator("[data-unreached]")).to_be_empty()
    assert {note.text for note in Note.objects.of(owner)} == {"The kettle\n\n- [ ] on", "Only here"}
    assert tab.evaluate("window.same")


def test_a_link_is_followed_once_the_text_is_saved(telephone: Page, context: BrowserContext, owner: User) -> None:
    tab = telephone
    context.set_offline(True)
    tab.locator(".surface").fill("Only here")
    choose(tab, "Trash")
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    expect(tab.locator("#text")).to_have_value("Only here")
    assert tab.evaluate("window.same")
    context.set_offline(False)
    tab.locator("[data-menu] a", has_text="Trash").click()
    tab.wait_for_url("**/trash/")
    assert {note.text for note in Note.objects.of(owner)} == {"The kettle\n\n- [ ] on", "Only here"}


def test_no_response_of_the_server_drops_unsaved_text(telephone: Page, owner: User) -> None:
    """The text cannot be saved; a search is answered by a page that a browser without a script would show."""
    tab = telephone

    def answer(route: Route) -> None:
        if (route.request.post_data or "").find("Only+here") >= 0:
            route.abort()
        else:
            route.fulfill(status=409, body="<p>Something else", content_type="text/html")

    tab.locator(".surface").fill("Only here")
    tab.route("**/*", answer)
    with tab.expect_response("**/*"):
        press(tab, "search")
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
    tab.locator(".surface").fill("Only here")
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
    hold_clock(tab)
    lost = lose_answers(tab, count)
    tab.locator(".surface").fill("One")
    for _ in range(count):
        tab.clock.run_for(10_500)
        expect(tab.locator("[data-status]")).to_contain_text("trying again")
        tab.locator(".surface").press_sequentially(", and on")
    assert len(lost) == count
    assert text_of(owner) == "One"
    tab.clock.resume()
    tab.clock.run_for(10_500)
    expect(tab.locator("[data-status]")).to_have_text(SAYS_SAVED)
    assert text_of(owner) == "One" + ", and on" * count
    expect(tab.locator("#fault")).to_be_empty()
    tab.locator(".surface").press_sequentially(" for ever")
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator(".notes h3 a")).to_have_text("One" + ", and on" * count + " for ever")


def test_what_is_taken_back_after_a_lost_answer_is_taken_back_at_home_too(tab: Page, owner: User) -> None:
    note = Note.objects.write(owner, "Before")
    tab.goto(reverse("notes:note", args=[note.pk]))
    lose_answers(tab, 1)
    tab.locator(".surface").fill("By mistake")
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    assert text_of(owner) == "By mistake"
    tab.locator(".surface").fill("Before")
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator("#text")).to_have_value("")
    assert text_of(owner) == "Before"

"""A tab of the notebook in a real browser."""

import re
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from notes.models import Note
from notes.tests.conftest import signed_in

DOOR = re.compile(r"/login/")
SAYS_SAVED = re.compile("^Saved$")
WAKE = "dispatchEvent(new Event('focus'))"


def come_in(context: BrowserContext, user: User, live_server: LiveServer) -> None:
    """What a sign-in does: a new session, and a new CSRF token."""
    context.clear_cookies()
    session = signed_in(user).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])


def open_tab(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    return page


def hold_clock(page: Page) -> None:
    """Load the page anew; now only `page.clock.run_for()` moves its time.

    On a slow machine a timer would fire between two lines. In a page that is there already, the clock would show 1970
    for a moment, and the notebook would lock itself.
    """
    now = datetime.now(UTC)
    page.clock.install(time=now)
    page.clock.pause_at(now + timedelta(seconds=30))
    page.reload()


def choose(page: Page, what: str) -> None:
    """One of the menu at the top."""
    menu = page.locator("[data-menu]")
    menu.locator("summary").click()
    menu.get_by_text(what, exact=True).click()


def text_of(owner: User) -> str:
    return Note.objects.of(owner).get().text

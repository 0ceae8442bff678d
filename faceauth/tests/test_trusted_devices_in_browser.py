"""A trusted device in a real Chromium: the key that it makes, and what a copy of its cookie is worth."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from conftest import person
from faceauth.mfa import trusted_devices
from faceauth.models import DeviceApproval, TrustedDevice
from faceauth.tests.device_cast import enrolled
from faceauth.tests.mfa_cast import open_notebook, with_app
from faceauth.tests.test_device_approvals import waiting
from faceauth.tests.test_trusted_devices_web import after_liveness
from secretly.tests.transitions import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A page of the site that shows the key, for visitors without a session.
SHOW_KEY = """async (path) => {
    const { challenge } = await (await fetch(path)).json();
    const form = Object.assign(document.createElement("form"), { action: path, method: "post" });
    form.append(document.querySelector("[name=csrfmiddlewaretoken]").cloneNode());
    form.dataset.deviceProof = challenge;
    const { prove } = await import("/static/faceauth/device.js");
    return [challenge !== "", await prove(form)];
}"""

READ_KEY = """() => new Promise((resolve) => {
    const opening = indexedDB.open("faceauth", 1);
    opening.onsuccess = () => {
        const asking = opening.result.transaction("keys").objectStore("keys").get("device");
        asking.onsuccess = async () => {
            const { privateKey } = asking.result;
            const read = await crypto.subtle.exportKey("jwk", privateKey).then(() => "read", ({ name }) => name);
            resolve([privateKey.extractable, read]);
        };
    };
})"""

Context = Callable[..., BrowserContext]


@pytest.fixture
def ada(transactional_db: None) -> User:
    return enrolled(person())


@pytest.fixture
def context(chromium: Browser) -> Iterator[Context]:
    """A browser of its own; whatever one of its pages complains of fails the test."""
    opened: list[BrowserContext] = []
    found: list[str] = []

    def new(**options: Any) -> BrowserContext:
        made = chromium.new_context(**options)
        made.on("page", lambda page: page.on("pageerror", faults(found)))
        opened.append(made)
        return made

    yield new
    for made in opened:
        made.close()
    assert found == []


@pytest.fixture
def site(live_server: LiveServer) -> str:
    """A name that browsers take for secure, or there is no Web Cryptography."""
    return f"http://localhost:{live_server.thread.port}"


def let_in(browser: BrowserContext, site: str, session: str) -> Page:
    browser.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    return browser.pages[0] if browser.pages else browser.new_page()


def trust(browser: BrowserContext, site: str, user: User) -> Page:
    page = let_in(browser, site, str(after_liveness(user).session.session_key))
    page.goto(f"{site}/account/devices/trust/")
    page.get_by_role("button", name="Trust this device").click()
    expect(page.get_by_role("heading", name="Trusted devices", exact=True)).to_be_visible()
    return page


def cookie(browser: BrowserContext, name: str = "device_token") -> Any:
    return next((it for it in browser.cookies() if it["name"] == name), None)


def close_session(browser: BrowserContext) -> None:
    browser.clear_cookies(name="sessionid")


def test_a_key_is_made_kept_and_asked_at_the_next_visit(ada: User, context: Context, site: str) -> None:
    home = context()
    page = trust(home, site, ada)
    row = TrustedDevice.objects.get(user=ada)
    assert len(bytes(row.public_key)) == trusted_devices.PUBLIC_KEY
    expect(page.get_by_text("this one")).to_be_visible()
    expect(page.get_by_text("without a key")).to_have_count(0)
    kept = cookie(home)
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")
    assert page.evaluate(READ_KEY) == [False, "InvalidAccessError"]

    close_session(home)
    page.goto(f"{site}/login/")
    assert page.evaluate("async () => (await import('/static/faceauth/device.js')).proved")  # by itself
    expect(page.locator("[data-starts]")).to_be_attached()
    assert page.evaluate("async () => (await (await fetch('/login/device/')).json()).challenge") == ""


def test_a_copied_cookie_in_another_browser_is_nobody(ada: User, context: Context, site: str) -> None:
    home, thief = context(), context()
    trust(home, site, ada)
    thief.add_cookies([{"name": "device_token", "value": cookie(home)["value"], "url": site}])
    page = thief.new_page()
    page.goto(f"{site}/login/")
    # The page tries by itself, too: an answer that comes later would bring its own session along.
    assert not page.evaluate("async () => (await import('/static/faceauth/device.js')).proved")
    assert page.evaluate(SHOW_KEY, "/login/device/") == [True, False]
    page.goto("about:blank")
    # Not even in her own session, had they copied that too.
    page = let_in(thief, site, str(open_notebook(ada).session.session_key))
    page.goto(f"{site}/account/")
    expect(page.locator("#devices form[action*=devices] button[id]")).to_have_count(1)
    expect(page.get_by_text("this one")).to_have_count(0)


def test_the_list_shows_the_key_by_itself(ada: User, context: Context, site: str) -> None:
    home = context()
    trust(home, site, ada)
    close_session(home)
    page = let_in(home, site, str(open_notebook(ada).session.session_key))
    page.goto(f"{site}/account/")
    expect(page.get_by_text("this one")).to_be_visible()


def test_two_people_share_the_browsers_key(ada: User, context: Context, site: str) -> None:
    home, ben = context(), enrolled(person())
    trust(home, site, ada)
    close_session(home)
    trust(home, site, ben)
    keys = {bytes(row.public_key) for row in TrustedDevice.objects.all()}
    assert len(keys) == 1
    assert len({row.cookie_hash for row in TrustedDevice.objects.all()}) == 1


@pytest.mark.parametrize("why", ["no script", "no IndexedDB"])
def test_without_a_key_the_cookie_has_to_do(ada: User, context: Context, site: str, why: str) -> None:
    home = context(java_script_enabled=why != "no script")
    if why == "no IndexedDB":
        home.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    page = trust(home, site, ada)
    expect(page.get_by_text("cookie only, without a key")).to_be_visible()
    close_session(home)
    page = let_in(home, site, str(open_notebook(ada).session.session_key))
    page.goto(f"{site}/account/")
    expect(page.get_by_text("this one")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_second_device_joins_by_a_yes_on_the_first(ada: User, context: Context, site: str, script: bool) -> None:
    with_app(ada)
    home, new = context(java_script_enabled=script), context(java_script_enabled=script)
    old = trust(home, site, ada)
    page = let_in(new, site, str(waiting(ada).cookies["sessionid"].value))
    page.goto(f"{site}/login/device/approval/")
    page.get_by_role("button", name="Show the number").click()
    expect(page.get_by_role("heading", name="on your trusted device.")).to_be_visible()
    number = DeviceApproval.objects.get().number
    expect(page.get_by_role("heading")).to_contain_text(str(number))

    old.goto(f"{site}/account/")
    expect(old.get_by_text("A new device wants to sign in")).to_be_visible()
    old.get_by_role("button", name=str(number), exact=True).click()
    expect(old.get_by_text("Your other device may go on now.")).to_be_visible()
    if not script:
        page.get_by_role("button", name="I have chosen it").click()
    expect(page).to_have_title("Your notebook · Secretly")

"""The last notes without a connection: only where that was switched on, and never without the passphrase."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from faceauth.mfa import trusted_devices
from faceauth.models import TrustedDevice
from faceauth.tests.mfa_cast import enrolled
from notes.models import Note
from notes.tests.tabs import come_in, open_tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECRET = "the cookie of a trusted device"
PASSPHRASE = "a kettle, a lighthouse"

# All that the database holds, as text; and how many wrong passphrases there were, set from outside.
KEPT = """async () => {
    const request = indexedDB.open("secretly-copy");
    await new Promise((done) => (request.onsuccess = done));
    const store = request.result.transaction("parts").objectStore("parts");
    const all = store.getAll();
    await new Promise((done) => (all.onsuccess = done));
    request.result.close();
    const text = (value) => (value?.byteLength ? new TextDecoder("latin1").decode(value) : String(value));
    return all.result.flatMap((part) => Object.values(part)).map(text).join(" ");
}"""
TRIED = """async (tries) => {
    const request = indexedDB.open("secretly-copy");
    await new Promise((done) => (request.onsuccess = done));
    const put = request.result.transaction("parts", "readwrite").objectStore("parts").put(tries, "tries");
    await new Promise((done) => (put.onsuccess = done));
    request.result.close();
}"""
DATABASES = "async () => (await indexedDB.databases()).map(({ name }) => name)"


@pytest.fixture
def device(tab: Page, context: BrowserContext, owner: User, live_server: LiveServer) -> Page:
    """The owner's notebook with one note, on a device that they trust; the worker answers."""
    enrolled(owner)
    cookie_hash = trusted_devices.hashes_of(SECRET)[0]
    TrustedDevice.objects.create(user=owner, cookie_hash=cookie_hash, public_key=b"", name="phone")
    context.add_cookies([{"name": "device_token", "value": SECRET, "url": live_server.url}])
    Note.objects.write(owner, "# The gate code\n\nIt is 4711.")
    tab.evaluate("async () => { await navigator.serviceWorker.ready }")
    tab.goto("/account/")
    return tab


def switch_on(page: Page) -> None:
    page.get_by_role("button", name="Switch on …").click()
    page.get_by_label("Passphrase, 10 characters or more").fill(PASSPHRASE)
    page.get_by_label("The same once more").fill(PASSPHRASE)
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("button", name="Switch off and delete the copy")).to_be_visible()


def go_offline(page: Page) -> None:
    page.context.set_offline(True)
    page.goto("/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()


def unlock(page: Page, passphrase: str) -> None:
    page.get_by_label("Passphrase of this device").fill(passphrase)
    page.get_by_role("button", name="Read my last notes").click()


def test_nothing_is_kept_until_it_is_switched_on(device: Page, owner: User) -> None:
    assert device.evaluate(DATABASES) == []
    go_offline(device)
    expect(device.get_by_text("Your notes are not kept on this device")).to_be_visible()
    expect(device.get_by_label("Passphrase of this device")).to_be_hidden()


def test_the_passphrase_alone_opens_the_last_notes(device: Page, owner: User) -> None:
    switch_on(device)
    Note.objects.write(owner, "Written later")
    with device.expect_response("**/offline/latest/"):
        device.goto("/")
    device.wait_for_function(f"async () => (await ({KEPT})()).length > 0")
    kept = device.evaluate(KEPT)
    assert "4711" not in kept
    assert "kettle" not in kept
    go_offline(device)
    unlock(device, "not the passphrase")
    expect(device.get_by_text("Tries left until the copy is deleted: 9")).to_be_visible()
    assert "4711" not in device.content()
    unlock(device, PASSPHRASE)
    expect(device.locator("summary").first).to_contain_text("Written later")
    device.locator("summary", has_text="The gate code").click()
    expect(device.get_by_text("It is 4711.")).to_be_visible()
    device.get_by_role("button", name="Lock").click()
    assert "4711" not in device.content()


def test_wrong_passphrases_have_to_wait_and_the_tenth_deletes_the_copy(device: Page) -> None:
    switch_on(device)
    go_offline(device)
    device.evaluate(TRIED, {"failed": 5, "until": 4e12})  # in the year 2096
    unlock(device, PASSPHRASE)
    expect(device.get_by_text("Too many wrong passphrases. Wait:")).to_be_visible()
    device.evaluate(TRIED, {"failed": 9, "until": 0})
    unlock(device, "not the passphrase")
    expect(device.get_by_text("There is no copy on this device any more.")).to_be_visible()
    assert "secretly-copy" not in device.evaluate(DATABASES)


def gone(page: Page) -> None:
    page.wait_for_function(f"async () => !(await ({DATABASES})()).includes('secretly-copy')")


@pytest.mark.parametrize("why", ["switched off", "device ended", "somebody else", "forgotten"])
def test_the_copy_goes(
    why: str, device: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    switch_on(device)
    match why:
        case "switched off":
            device.get_by_role("button", name="Switch off and delete the copy").click()
            expect(device.get_by_role("button", name="Switch on …")).to_be_visible()
        case "device ended":
            TrustedDevice.objects.all().delete()
            device.goto("/")
        case "somebody else":
            come_in(context, stranger, live_server)
            open_tab(context, "/")
        case "forgotten":
            device.goto("/account/forget/")
            device.get_by_role("textbox").fill("forget me")
            device.get_by_role("button", name="Forget me").click()
            expect(device.get_by_text("You are forgotten")).to_be_visible()
    gone(device)

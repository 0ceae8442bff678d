"""What waits on the device: encrypted, unreadable while locked, and in the right notebook once it is unlocked."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes.models import Attachment, Note
from notes.tests.tabs import come_in, open_tab, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STORE = "async () => { const store = await import('/static/notes/store.js'); return store.waiting() }"
KEPT = """async () => {
    const open = indexedDB.open("secretly-waiting");
    const db = await new Promise(done => { open.onsuccess = () => done(open.result) });
    const all = name => new Promise(done => {
        const request = db.transaction(name).objectStore(name).getAll();
        request.onsuccess = () => done(request.result);
    });
    const [key] = await all("keys");
    const [row] = await all("rows");
    const readable = new TextDecoder().decode(row.words.data);
    db.close();
    return [key.extractable, readable, Object.keys(row).sort()];
}"""


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def waiting(tab: Page) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tab.evaluate(STORE)
    return rows


def test_words_written_without_a_connection_arrive_at_the_next_unlocking(
    tab: Page, context: BrowserContext, owner: User, stranger: User, live_server: LiveServer
) -> None:
    with tab.expect_response("**/later.js"):
        pass
    context.set_offline(True)
    tab.locator(".surface").fill("Written on a train")
    expect(tab.locator("[data-status]")).to_contain_text("trying again")
    tab.wait_for_function(f"async () => (await ({STORE})()).length === 1")
    extractable, readable, fields = tab.evaluate(KEPT)
    assert (extractable, fields) == (False, ["files", "id", "made", "words", "writer"])
    assert "train" not in readable
    Session.objects.all().delete()  # a last request may outlive the page, and the emulated lack of a connection with it
    tab.close()
    context.set_offline(False)
    come_in(context, stranger, live_server)  # somebody else at the same device
    other = open_tab(context, "/")
    expect(other.locator(".surface")).to_be_visible()
    assert len(waiting(other)) == 1
    assert not Note.objects.exists()
    come_in(context, owner, live_server)
    other.goto("/")
    expect(other.locator("[data-waiting]")).to_contain_text("is in your notebook now")
    assert text_of(owner) == "Written on a train"
    assert other.evaluate("async () => (await indexedDB.databases()).length") == 0


def test_what_is_written_offline_or_shared_is_asked_about(tab: Page, context: BrowserContext, owner: User) -> None:
    tab.evaluate("async () => { await navigator.serviceWorker.ready }")
    tab.reload()  # from now on the worker answers
    expect(tab.locator(".surface")).to_be_visible()
    tab.evaluate(
        """() => {
            const form = document.createElement("form");
            Object.assign(form, { method: "post", action: "/share/", enctype: "multipart/form-data" });
            for (const [name, value] of [["title", "Shared"], ["url", "https://example.org/"]]) {
                form.append(Object.assign(document.createElement("input"), { name, value }));
            }
            const files = Object.assign(document.createElement("input"), { type: "file", name: "file" });
            const data = new DataTransfer();
            data.items.add(new File(["Meet at five."], "plan.txt", { type: "text/plain" }));
            files.files = data.files;
            form.append(files);
            document.body.append(form);
            form.submit();
        }"""
    )
    expect(tab.locator("[data-waiting]")).to_contain_text("Add it to this notebook?")
    assert not Note.objects.exists()  # nothing unasked
    tab.get_by_role("button", name="Add", exact=True).click()
    expect(tab.locator("[data-waiting]")).to_contain_text("is in your notebook now")
    assert text_of(owner) == "Shared\n\nhttps://example.org/"
    assert [attachment.name for attachment in Attachment.objects.of(owner)] == ["plan.txt"]
    context.set_offline(True)
    tab.goto("/trash/")
    tab.get_by_label("Write a note now").fill("Without a connection")
    tab.get_by_role("button", name="Keep it").click()
    expect(tab.get_by_role("status")).to_contain_text("Kept on this device, encrypted.")
    expect(tab.get_by_label("Write a note now")).to_have_value("")
    context.set_offline(False)
    tab.goto("/")
    tab.get_by_role("button", name="Discard").click()
    tab.wait_for_function("async () => (await indexedDB.databases()).length === 0")
    assert Note.objects.count() == 1

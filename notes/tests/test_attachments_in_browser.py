"""Files on their way in a real browser: nothing leaves the page before they have arrived."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from notes.models import Attachment, Note
from notes.tests.tabs import DOOR, SAYS_SAVED, WAKE, come_in, open_tab, text_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_files_are_attached_to_the_page_that_is_written(tab: Page, owner: User) -> None:
    choose = tab.locator("[data-editor] label", has_text="Attach").locator("input")
    choose.set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Meet at five."})
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: attached")
    tab.locator(".surface").fill("With a plan")
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator(".card").get_by_label("Has attachments")).to_be_visible()
    tab.get_by_role("link", name="With a plan").click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="plan.txt").click()
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
    tab.get_by_role("button", name="Done").click()
    tab.locator(".card").get_by_role("link", name="drawn.png").click()
    picture = tab.locator(".picture img")
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
    expect(tab.locator("[data-files]")).to_contain_text("plan.txt: Not attached: file storage is unavailable.")
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
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator("#text")).to_have_value("")
    assert attached(owner) == ALL_OF_THEM


def test_locking_waits_below_the_cover_for_files_on_their_way(tab: Page, owner: User) -> None:
    choose_files_on_a_slow_line(tab)
    tab.get_by_role("button", name="Lock").click()
    expect(tab.get_by_role("heading", name="Locked")).to_be_visible()
    assert Session.objects.exists()
    tab.wait_for_url(DOOR)
    assert not Session.objects.exists()
    assert attached(owner) == ALL_OF_THEM


def test_locking_another_tab_waits_for_files_on_their_way(tab: Page, context: BrowserContext, owner: User) -> None:
    other = open_tab(context, "/")
    tab.bring_to_front()
    choose_files_on_a_slow_line(tab)
    other.get_by_role("button", name="Lock").click()
    expect(tab.get_by_role("heading", name="Locked")).to_be_visible()
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
    expect(tab.get_by_role("heading", name="Locked")).to_be_visible()
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
    tab.locator("[data-menu] summary").click()
    tab.get_by_role("link", name="Trash").click(no_wait_after=True)
    expect(tab.locator("[data-files]")).to_contain_text("2.bin: attached")
    assert asked == ["beforeunload"]
    assert attached(owner) == ALL_OF_THEM
    tab.get_by_role("link", name="Trash").click()
    tab.wait_for_url("**/trash/")
    assert asked == ["beforeunload"]


def test_pinning_waits_for_files_on_their_way(tab: Page, owner: User) -> None:
    choose_files_on_a_slow_line(tab)
    tab.get_by_role("button", name="Pin", exact=True).click()
    expect(tab.locator(".pinned h3")).to_have_text("With files")
    assert attached(owner) == ALL_OF_THEM


def test_a_page_stays_open_until_its_files_are_attached_or_removed(tab: Page, owner: User) -> None:
    editor = tab.locator("[data-editor]")
    editor.locator(".surface").fill("With a plan")
    tab.route("**/attach/", lambda route: route.abort())
    for name in ("plan.txt", "other.txt"):
        file = {"name": name, "mimeType": "text/plain", "buffer": b"Meet at five."}
        editor.locator("[data-chooser]").first.set_input_files(file)  # type: ignore[arg-type]
    expect(editor.get_by_role("button", name="Try again")).to_have_count(2)
    editor.get_by_role("button", name="Done").click()
    expect(editor.locator("[data-status]")).to_have_text(SAYS_SAVED)
    tab.wait_for_timeout(500)
    expect(editor.get_by_role("button", name="Try again")).to_have_count(2)
    tab.unroute("**/attach/")
    editor.get_by_role("button", name="Try again").first.click()
    expect(editor.locator("[data-files]")).to_contain_text("plan.txt: attached")
    editor.get_by_role("button", name="Remove").click()
    editor.get_by_role("button", name="Done").click()
    expect(tab.locator("#text")).to_have_value("")
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


MICROPHONE = """() => {
    navigator.mediaDevices.getUserMedia = async () => {
        const context = new AudioContext();
        const tone = new OscillatorNode(context);
        const to = new MediaStreamAudioDestinationNode(context);
        tone.connect(to);
        tone.start();
        return to.stream;
    };
}"""


def test_a_note_is_spoken_while_the_button_is_held(tab: Page, owner: User) -> None:
    tab.evaluate(MICROPHONE)
    button = tab.get_by_role("button", name="Hold to record your voice")
    button.hover()
    tab.mouse.down()
    expect(tab.locator("[data-recording-time]")).to_contain_text("Recording 0:01")
    tab.mouse.up()
    expect(tab.locator("[data-files]")).to_contain_text("attached")
    attachment = Attachment.objects.get()
    assert attachment.content_type in ("audio/webm", "audio/mp4")
    assert text_of(owner) == attachment.name.rpartition(".")[0]
    sound = tab.locator(".attachments audio")
    assert sound.evaluate("async sound => { await sound.play(); return sound.error }") is None


def test_locking_ends_a_recording_and_keeps_it(tab: Page, owner: User) -> None:
    tab.evaluate(MICROPHONE)
    tab.locator(".surface").fill("Spoken")
    button = tab.get_by_role("button", name="Hold to record your voice")
    button.click()  # by a click it goes on until the next one
    expect(tab.locator("[data-recording-time]")).to_contain_text("Recording 0:01")
    tab.keyboard.press("Control+l")
    tab.wait_for_url(DOOR)
    assert Attachment.objects.get().content_type.startswith("audio/")


def test_a_microphone_that_is_refused_is_said(tab: Page) -> None:
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"
    tab.evaluate(f"() => {{ {refuse} }}")
    tab.get_by_role("button", name="Hold to record your voice").click()
    expect(tab.locator("[data-recording-time]")).to_contain_text("The microphone is not available.")

"""Real browsers for the tests: with a camera that plays a picture, and with their complaints collected."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from faceauth.tests import pictures
from secretly.tests.transitions import faults


@pytest.fixture
def visit(
    chromium: Browser, live_server: LiveServer, tmp_path: Path, problems: list[str]
) -> Iterator[Callable[..., Page]]:
    """Open the door in a new browser, before a camera that plays the picture or film; None is no camera at all."""
    browsers: list[Browser] = []

    def open_door(
        face: bytes | None = None,
        script: bool = True,
        allowed: bool = True,
        host: str = "localhost",
        init: str = "",
        film: Path | None = None,
    ) -> Page:
        args = [f"--host-resolver-rules=MAP {host} 127.0.0.1"]
        if face is not None:
            film = tmp_path / f"{len(browsers)}.mjpeg"
            film.write_bytes(frame(face) * 4)
        if film:
            args += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
        browser = chromium.browser_type.launch(executable_path=executable(chromium), args=[*QUIET, *args])
        browsers.append(browser)
        context = browser.new_context(java_script_enabled=script, viewport={"width": 1000, "height": 800})
        if allowed:
            context.grant_permissions(["camera"])
        page = watched(context, problems, init)
        page.goto(f"http://{host}:{live_server.thread.port}/")
        return page

    yield open_door
    for browser in browsers:
        browser.close()


QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable(browser: Browser) -> str:
    from shutil import which

    return which("chromium") or which("chromium-browser") or which("google-chrome") or ""


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """Whatever the browser complains of: errors on the console, exceptions, violations of the content policy."""
    found: list[str] = []
    yield found
    assert found == []


# A page that answers 422 is also "an error" to the console. The other comes of the insecure page, which a test wants.
EXPECTED = ("the server responded with a status of 422", "Cross-Origin-Opener-Policy header has been ignored")


def note(message: ConsoleMessage, problems: list[str]) -> None:
    if message.type in ("error", "warning") and not any(text in message.text for text in EXPECTED):
        problems.append(message.text)


def watched(context: BrowserContext, problems: list[str], init: str) -> Page:
    page = context.new_page()
    if init:
        page.add_init_script(init)
    page.on("pageerror", faults(problems))
    page.on("console", lambda message: note(message, problems))
    return page


def frame(face: bytes) -> bytes:
    """A 640 x 480 frame of a camera with the person in its middle."""
    room = Image.new("RGB", (640, 480), (110, 112, 118))
    person = pictures.opened(face)
    person.thumbnail((640, 480))
    room.paste(person, ((640 - person.width) // 2, 480 - person.height))
    return pictures.encoded(room, quality=92)


def look(page: Page) -> None:
    page.get_by_role("button", name="Look at me").click()
    expect(page.locator("[data-video]")).to_be_visible()
    expect(page.locator("[data-video]")).to_have_js_property("videoWidth", 640)
    page.get_by_role("button", name="Here I am").click()


def write(page: Page, text: str) -> None:
    script = page.locator(".surface").count() > 0
    page.locator(".surface" if script else "#text").fill(text)
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".notes").get_by_text(text)).to_be_visible()


def lock(page: Page) -> None:
    page.get_by_role("button", name="Lock", exact=True).click()
    page.wait_for_url(re.compile(r"/login/\?locked=1$"))


def choose(page: Page, data: bytes, name: str = "me.jpg", kind: str = "image/jpeg") -> None:
    page.get_by_role("button", name="Choose a photo", exact=True).click()
    page.get_by_label("Choose a photo of your face").set_input_files({"name": name, "mimeType": kind, "buffer": data})

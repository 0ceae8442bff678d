"""Hush blurs the notebook while its reader looks away or is not alone. The faces are counted by a stand-in here."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

SETTINGS = "/account/"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DETECTOR = """
    window.faces = 1;
    window.FaceDetector = class { async detect() { return Array(window.faces).fill({}) } };
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        window.asked = wanted;
        return document.createElement("canvas").captureStream(5);
    };
    HTMLMediaElement.prototype.play = async () => {};
"""


def test_it_blurs_until_the_reader_is_back_alone(tab: Page, context: BrowserContext) -> None:
    sent: list[Any] = []
    context.add_init_script(DETECTOR)
    tab.goto(SETTINGS)
    switch = tab.get_by_role("checkbox", name="Blur the notebook")
    expect(switch).not_to_be_checked()
    assert tab.evaluate("[window.asked, localStorage.length]") == [None, 0]  # off, it asks for nothing
    switch.check()
    tab.goto("/")
    tab.wait_for_load_state("networkidle")
    tab.wait_for_timeout(2_500)  # what a note loads last
    tab.on("request", lambda request: sent.append(request))
    for faces in (0, 2):
        tab.evaluate("faces => window.faces = faces", faces)
        expect(tab.locator("body.hushed")).to_have_count(1)
        expect(tab.locator("[data-hush-says]")).to_have_text("Hidden until you alone look at it.")
        assert "blur" in tab.locator("main").evaluate("main => getComputedStyle(main).filter")
        tab.evaluate("window.faces = 1")
        expect(tab.locator("body.hushed")).to_have_count(0)
    assert [request.url for request in sent] == []
    tab.goto(SETTINGS)
    tab.get_by_role("checkbox", name="Blur the notebook").uncheck()
    assert tab.evaluate("localStorage.length") == 0


def test_a_browser_that_finds_no_faces_says_so(tab: Page, context: BrowserContext) -> None:
    context.add_init_script("delete window.FaceDetector")
    tab.goto(SETTINGS)
    expect(tab.get_by_text("This browser cannot find faces by itself.")).to_be_visible()
    expect(tab.get_by_role("checkbox", name="Blur the notebook")).to_be_disabled()

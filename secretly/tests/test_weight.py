"""How much a first page takes: at most 12 requests and 60 kB, compressed, with 50 notes in the list."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from secretly.tests import walk
from secretly.tests.installation import Installation, installed

REQUESTS = 12
BYTES = 60_000

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def site() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


@pytest.fixture(scope="module")
def cast(site: Installation) -> Any:
    return json.loads(site.python("-m", "secretly.tests.cast"))


@pytest.fixture
def page(chromium: Browser, site: Installation, cast: Any) -> Iterator[Page]:
    with chromium.new_context(service_workers="block", viewport={"width": 1280, "height": 800}) as context:
        walk.sign_in(context, cast["sessions"]["owner"], site.url)
        yield context.new_page()


def test_the_notebook_takes_few_requests_and_bytes(page: Page, site: Installation) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: dict[str, int] = {}
    network.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(site.url)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".card")).to_have_count(50)
    assert len(sizes) <= REQUESTS
    assert sum(sizes.values()) <= BYTES


def test_the_joined_scripts_work(page: Page, site: Installation, cast: Any) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(site.url)
    page.evaluate("window.same = true")
    page.locator(f"#n-{cast['long_note']} a").click()
    page.locator("[data-picture]").click()  # whose script comes only now
    expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Picture")).to_be_hidden()
    page.get_by_label("Search all notes").fill("bread")
    expect(page.locator("[data-found] mark").first).to_be_visible()
    assert page.evaluate("window.same")
    assert problems == []

"""A health check that an operator starts on the dashboard of a real installation, and the charts under the keyboard."""

import json

import pytest
from playwright.sync_api import Browser, expect

from secretly.tests.installation import installed
from secretly.tests.transitions import faults

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_health_check_runs_beside_the_requests(chromium: Browser) -> None:
    with installed() as site:
        session = json.loads(site.python("-m", "secretly.tests.cast"))["sessions"]["operator"]
        context = chromium.new_context()
        context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", faults(problems))
        page.goto(f"{site.url}/admin/?range=24h")
        page.get_by_role("button", name="Run the health check now").click()
        expect(page.get_by_text("The last health check found")).to_be_visible(timeout=60_000)
        chart = page.get_by_role("img", name="sign-ins by outcome")
        chart.focus()
        page.keyboard.press("End")
        expect(page.locator("figure", has=chart).locator("output")).to_contain_text("recognised 2")
        assert problems == []
        context.close()

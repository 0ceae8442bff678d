"""The operator's pages under our content policy, in a real Chromium."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from faceauth.models import Login

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_admin_works_and_complains_of_nothing(chromium: Browser, live_server: LiveServer, operator: User) -> None:
    operator.set_password("one two three four")
    operator.save()
    Login.objects.create(outcome="refused", reason="too_dark", address="127.0.0.1")
    page = chromium.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("one two three four")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Log of the door").click()
    expect(page.get_by_text("too dark").first).to_be_visible()
    page.goto(f"{live_server.url}/admin/auth/user/")
    expect(page.get_by_role("link", name="operator")).to_be_visible()
    page.get_by_role("link", name="operator").click()
    expect(page.get_by_label("Username")).to_have_value("operator")
    assert problems == []
    page.close()

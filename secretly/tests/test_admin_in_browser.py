"""The operator's pages under our content policy, in a real Chromium."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from faceauth.models import SignIn
from secretly.tests.transitions import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_admin_works_and_complains_of_nothing(chromium: Browser, live_server: LiveServer, operator: User) -> None:
    operator.set_password("one two three four")
    operator.save()
    SignIn.objects.create(outcome="refused", reason="too_dark", address="127.0.0.1")
    page = chromium.new_page()
    problems: list[str] = []
    page.on("pageerror", faults(problems))
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("one two three four")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="need attention.")).to_be_visible()
    expect(page.get_by_role("img", name="sign-ins by outcome")).to_be_visible()
    page.locator("#sign-ins-title").wait_for(state="attached")
    page.get_by_text("Show numbers").first.click()
    expect(page.get_by_role("columnheader", name="refused")).to_be_visible()
    page.get_by_role("link", name="Sign-in log").click()
    expect(page.get_by_text("too dark").first).to_be_visible()
    page.goto(f"{live_server.url}/admin/auth/user/")
    expect(page.get_by_role("link", name="operator")).to_be_visible()
    page.get_by_role("link", name="operator").click()
    expect(page.get_by_label("Username")).to_have_value("operator")
    assert problems == []
    page.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_actions_on_many_people_show_progress(
    script: bool, chromium: Browser, live_server: LiveServer, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceauth.operators.actions.SECONDS_PER_REQUEST", 0.0)  # one person a request
    operator.set_password("one two three four")
    operator.save()
    User.objects.bulk_create([User(username=f"person {number}") for number in range(4)])
    context = chromium.new_context(java_script_enabled=script)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", faults(problems))
    page.goto(f"{live_server.url}/admin/login/?next=/admin/auth/user/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("one two three four")
    page.get_by_role("button", name="Log in").click()
    for number in range(4):
        page.locator("tr", has_text=f"person {number}").get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option("deactivate")
    page.get_by_role("button", name="Go").click()
    page.get_by_role("button", name="Deactivate").click()
    if not script:
        for done in (1, 2, 3):
            expect(page.get_by_text(f"{done} of 4 done.")).to_be_visible()
            page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Deactivate: 4 people.")).to_be_visible()
    assert User.objects.filter(is_active=False).count() == 4
    assert problems == []
    context.close()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_dashboard_fits_a_phone(language: str, chromium: Browser, live_server: LiveServer, operator: User) -> None:
    operator.set_password("one two three four")
    operator.save()
    SignIn.objects.create(outcome="recognised", similarity=99.0, rekognition_ms=40)
    context = chromium.new_context(viewport={"width": 320, "height": 700}, locale=language)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/")
    page.locator("[name=username]").fill("operator")
    page.locator("[name=password]").fill("one two three four")
    page.locator("[type=submit]").click()
    page.locator("#dashboard").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    context.close()


@pytest.mark.parametrize("address", ["auth/user", "faceauth/signin"])
def test_the_columns_fit_a_laptop(
    address: str, chromium: Browser, live_server: LiveServer, operator: User, owner: User
) -> None:
    SignIn.objects.create(
        outcome="recognised",
        user=owner,
        similarity=99.0,
        method="file",
        address="198.51.100.197",
        device="Firefox Linux",
    )
    operator.set_password("one two three four")
    operator.save()
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/login/?next=/admin/{address}/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("one two three four")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name=owner.username[:8], exact=True)).to_be_visible()
    table = page.locator(".results")
    assert table.evaluate("it => it.scrollWidth - it.clientWidth") == 0
    context.close()

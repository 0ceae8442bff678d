"""The pages about oneself in a real Chromium: nothing reaches over the edge, and nothing happens twice."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from faceauth.models import Face, SignIn
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.sign_in import enrol_by_photo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def choose(page: Page, data: bytes) -> None:
    page.set_input_files("#file", {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": data})


def test_the_pages_about_oneself(chromium: Browser, live_server: LiveServer, client: Client) -> None:
    Collection("secretly").create()
    enrol_by_photo(client, pictures.hopper())
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    key = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    page = context.new_page()
    for path in ("/account/", "/account/faces/", "/account/forget/", "/reauthenticate/"):
        page.goto(live_server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    page.goto(live_server.url + "/account/faces/")
    page.get_by_role("button", name="Choose a photo").click()
    choose(page, pictures.another(pictures.hopper()))
    expect(page.get_by_role("button", name="Remove Appearance")).to_have_count(1)  # the oldest stays
    page.get_by_text("Rename").last.click()
    page.get_by_label("Name of this appearance").last.fill("With glasses")
    page.get_by_label("Name of this appearance").last.press("Enter")
    expect(page.get_by_role("button", name="Remove With glasses")).to_have_count(1)
    assert Face.objects.count() == 2
    page.goto(live_server.url + "/account/forget/")
    page.get_by_label("Type").fill("forget me")
    page.get_by_role("button", name="Forget me").click()
    expect(page.get_by_role("heading")).to_have_text("You are forgotten. Goodbye.")
    expect(page.get_by_text("This face was deleted on")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


TOLD = {
    "now": ("en-US", timedelta(seconds=5), r"^now$"),
    "minutes": ("en-US", timedelta(minutes=5), r"^5 minutes ago$"),
    "today": ("en-US", timedelta(hours=3), r"^today 11:00\sAM$"),
    "24 hours": ("en-GB", timedelta(hours=3), r"^today 11:00$"),
    "yesterday, in the zone of the reader": ("en-GB", timedelta(hours=15), r"^yesterday 23:00$"),
    "this week": ("en-GB", timedelta(days=3), r"^Saturday.* 14:00$"),
    "a date": ("en-US", timedelta(days=20), r"^Nov 4, 2026, 2:00\sPM$"),
    "Arabic": ("ar-EG", timedelta(hours=24), r"^أمس ٢:٠٠\sم$"),  # noqa: RUF001
}


@pytest.mark.parametrize("case", TOLD)
def test_times_are_told_as_the_reader_says_them(
    case: str, chromium: Browser, live_server: LiveServer, client: Client, owner: User
) -> None:
    locale, ago, told = TOLD[case]
    now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # in Dubai it is two in the afternoon
    SignIn.objects.create(user=owner, outcome="recognised", at=now - ago)
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    context = chromium.new_context(timezone_id="Asia/Dubai", locale=locale)
    context.clock.set_fixed_time(now)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + "/account/")
    expect(page.locator("#activity time").first).to_have_text(re.compile(told))
    context.close()


def test_without_a_script_times_are_told_in_utc(client: Client, owner: User) -> None:
    SignIn.objects.create(user=owner, outcome="recognised", at=datetime(2026, 11, 22, 22, 30, tzinfo=UTC))
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    assert ">2026-11-22 22:30 UTC</time>" in client.get("/account/").content.decode()


def test_a_double_click_on_yes_is_one_yes(chromium: Browser, live_server: LiveServer) -> None:
    Collection("secretly").create()
    page = chromium.new_page()
    page.goto(live_server.url + "/login/")
    page.get_by_role("button", name="Choose a photo").click()
    choose(page, pictures.hopper())
    page.get_by_role("button", name="Yes, remember me").dblclick()
    expect(page).to_have_title("Your notebook · Secretly")
    assert User.objects.count() == Face.objects.count() == 1
    page.close()


def test_colours_and_language_by_choice(
    chromium: Browser, live_server: LiveServer, client: Client, owner: User
) -> None:
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    context = chromium.new_context(color_scheme="dark", java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto(live_server.url + "/account/")
    dark = page.evaluate(ground)
    page.get_by_label("Colours").select_option("light")
    page.get_by_label("Language").select_option("ar")
    page.locator("#display button").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert page.evaluate(ground) == "rgb(246, 243, 238)" != dark
    page.get_by_role("combobox").first.select_option("system")
    page.locator("#display button").click()
    expect(page.locator("html[data-theme]")).to_have_count(0)
    assert page.evaluate(ground) == dark
    context.close()

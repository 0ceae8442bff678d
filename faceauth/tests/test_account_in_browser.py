"""The pages about oneself in a real Chromium: nothing reaches over the edge, and nothing happens twice."""

from datetime import UTC, datetime

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
    expect(page.get_by_role("button", name="Remove Remembered on")).to_have_count(2)
    assert Face.objects.count() == 2
    page.goto(live_server.url + "/account/forget/")
    page.get_by_label("Type").fill("forget me")
    page.get_by_role("button", name="Forget me").click()
    expect(page.get_by_role("heading")).to_have_text("You are forgotten. Goodbye.")
    expect(page.get_by_text("This face was deleted on")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_times_are_told_by_the_clock_of_who_reads(chromium: Browser, live_server: LiveServer, client: Client) -> None:
    Collection("secretly").create()
    enrol_by_photo(client, pictures.hopper())
    SignIn.objects.update(at=datetime(2026, 11, 22, 22, 30, tzinfo=UTC))
    Face.objects.update(enrolled=datetime(2026, 11, 22, 22, 30, tzinfo=UTC))
    key = client.cookies["sessionid"].value
    for javascript, told in ((True, "November 23, 2026 at 2:30"), (False, "2026-11-22 22:30 UTC")):
        context = chromium.new_context(timezone_id="Asia/Dubai", java_script_enabled=javascript, locale="en-US")
        context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
        page = context.new_page()
        page.goto(live_server.url + "/account/")
        expect(page.locator("time").first).to_contain_text(told)
        page.goto(live_server.url + "/account/faces/")
        expect(page.get_by_text("Remembered on")).to_contain_text(told)
        context.close()


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

"""Every page under our content policy, in a real Chromium: nothing that it needs is refused."""

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from faceauth.models import Login
from secretly.tests.test_hardening import ADDRESSES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NOT_PAGES = ("/logout/", "/admin/logout/", "/export/", "/away/notes.zip", "/admin/jsi18n/")


@pytest.mark.parametrize("who", ["nobody", "owner", "operator"])
def test_no_page_breaks_the_policy(
    who: str, chromium: Browser, live_server: LiveServer, request: pytest.FixtureRequest
) -> None:
    context = chromium.new_context(base_url=live_server.url)
    addresses = [address for address in ADDRESSES if address not in NOT_PAGES]
    if who != "nobody":
        user: User = request.getfixturevalue(who)
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        key = client.cookies[site.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": site.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        Login.objects.create(outcome="refused", reason="too_dark", address="127.0.0.1", user=user)
        addresses += [f"/admin/auth/user/{user.pk}/change/", f"/admin/auth/user/{user.pk}/delete/"]
        addresses += [f"/admin/auth/user/{user.pk}/history/", f"/admin/auth/user/{user.pk}/password/"]
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(f"{page.url}: {error}"))
    page.on("console", lambda line: broken.append(f"{page.url}: {line.text}") if "Policy" in line.text else None)
    for address in addresses:
        page.goto(address)
    context.close()
    assert broken == []

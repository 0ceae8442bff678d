"""Every page under our content policy, in a real Chromium: nothing that it needs is refused."""

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from faceauth.models import SignIn
from secretly.tests.test_urls import ADDRESSES
from secretly.tests.transitions import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def is_page(client: Client, address: str) -> bool:
    answer = client.get(address)
    return answer.status_code in (200, 404) and answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("who", ["nobody", "owner", "operator"])
def test_no_page_breaks_the_policy(
    who: str, chromium: Browser, live_server: LiveServer, request: pytest.FixtureRequest
) -> None:
    context = chromium.new_context(base_url=live_server.url)
    client = Client()
    addresses = ADDRESSES
    if who != "nobody":
        user: User = request.getfixturevalue(who)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        key = client.cookies[site.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": site.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        SignIn.objects.create(outcome="refused", reason="too_dark", address="127.0.0.1", user=user)
        kinds = ("change", "delete", "history", "password")
        addresses = [*addresses, *(f"/admin/auth/user/{user.pk}/{kind}/" for kind in kinds)]
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", faults(broken))
    page.on("console", lambda line: broken.append(f"{page.url}: {line.text}") if "Policy" in line.text else None)
    pages = [address for address in addresses if is_page(client, address)]
    for address in pages:
        page.goto(address)
    context.close()
    assert len(pages) > 1
    assert broken == []

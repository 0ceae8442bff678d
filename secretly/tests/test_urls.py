"""Every address of the site: headers, access without a session, CSRF, redirects and cookies."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as site
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from notes.models import Note

VALUES = {"uuid": UUID(int=0), "int": 1, "str": "x", "slug": "app", "path": "x"}
PRODUCTION = {
    "DJANGO_ALLOWED_HOSTS": "secretly.example",
    "SECRETLY_HTTPS": "1",
    "SECRETLY_TRUSTED_PROXIES": "127.0.0.1",
}


def walk(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    """Every address of the site, with values in place of its parameters."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and not route.endswith("$"):
            yield re.sub(r"<(\w+):\w+>", lambda match: str(VALUES[match[1]]), route)


ADDRESSES = sorted({address for address in walk(get_resolver("secretly.urls").url_patterns) if "^" not in address})
PUBLIC = {
    "/login/",
    "/login/device/",
    "/login/how-it-works/",
    "/offline/",
    "/worker.js",
    "/manifest.webmanifest",
    "/favicon.ico",
    "/admin/login/",
    "/admin/logout/",
}


@pytest.fixture
def visitor(owner: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    return client


def test_the_list_holds_the_whole_site() -> None:
    assert {"/", "/login/", "/account/faces/", "/admin/faceauth/signin/", f"/notes/{UUID(int=0)}/"} <= set(ADDRESSES)
    assert len(ADDRESSES) > 50


# Headers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "owner", "operator"])
def test_every_answer_has_the_security_headers(who: str, request: pytest.FixtureRequest, db: None) -> None:
    client = Client(raise_request_exception=False)
    if who != "nobody":
        client.force_login(request.getfixturevalue(who), backend="django.contrib.auth.backends.ModelBackend")
    for address in (*ADDRESSES, "/nowhere/"):
        if address == "/admin/logout/":
            continue
        answer = client.get(address)
        assert answer.status_code < 500, address
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, address
        assert "frame-ancestors 'none'" in policy, address
        assert not re.search(r"unsafe|\*|https?:", policy), address
        assert headers["X-Frame-Options"] == "DENY", address
        assert headers["X-Content-Type-Options"] == "nosniff", address
        assert headers["Referrer-Policy"] == "same-origin", address
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", address
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", address
        assert "camera=(self)" in headers["Permissions-Policy"], address
        assert "microphone=(self)" in headers["Permissions-Policy"], address
        assert "Access-Control-Allow-Origin" not in headers, address
        if who != "nobody":
            assert "no-store" in headers["Cache-Control"], address


def test_no_page_opens_without_a_session(db: None) -> None:
    """Without a session every page redirects to the sign-in, or shows nothing."""
    for address in ADDRESSES:
        if address in PUBLIC:
            continue
        answer = Client(raise_request_exception=False).get(address)
        where = answer.headers.get("Location", "").partition("?")[0]
        to_the_door = answer.status_code == 302 and (where.endswith("/login/") or where == "/admin/")
        assert to_the_door or answer.status_code in (301, 403, 404, 405), (address, answer.status_code)


def test_every_post_needs_a_csrf_token(owner: User) -> None:
    """Each view that changes something refuses a form of another site before it does anything."""
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.force_login(owner, backend="faceauth.backends.FaceBackend")
    Note.objects.create(owner=owner)
    for address in ADDRESSES:
        answer = strict.post(address, {"text": "x", "answer": "yes"})
        assert answer.status_code in (403, 405) or answer.status_code in (301, 302, 404), address
        if answer.status_code == 302:  # at the door it may be a second click, which goes on into what is open anyway
            goes_in = address in ("/login/", "/login/enrol/") and answer.headers["Location"] == "/"
            assert goes_in or answer.headers["Location"].startswith(("/login/", "/reauthenticate/")), address
    assert Note.objects.count() == 1
    assert User.objects.filter(pk=owner.pk).exists()
    assert "_auth_user_id" in strict.session


def test_next_leads_to_no_other_site(visitor: Client) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil"):
        answer = visitor.get("/login/", {"next": target})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/"), target
        page = Client().get("/login/", {"next": target}).content.decode()
        assert "evil" not in page
        assert "javascript:" not in page


def test_other_host_names_are_refused(db: None) -> None:
    assert Client(headers={"Host": "evil.example"}).get("/login/").status_code == 400
    answer = Client(headers={"X-Forwarded-Host": "evil.example"}).get("/")
    assert "evil" not in answer.headers["Location"]


# Cookies --------------------------------------------------------------------------------------------------------------


def test_cookies_are_http_only_and_strict(db: None) -> None:
    client = Client()
    client.get("/login/")
    client.post("/login/", {"image": "nothing"})
    assert client.cookies
    for cookie in client.cookies.values():
        assert cookie["httponly"], cookie.key
        assert cookie["samesite"] == "Strict", cookie.key
        assert not cookie["domain"], cookie.key
        assert cookie["path"] == "/", cookie.key


# As in production -----------------------------------------------------------------------------------------------------


def run(home: Path, *command: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    surroundings |= {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(home)}
    return subprocess.run(  # noqa: S603
        [sys.executable, *command], cwd=site.BASE_DIR, env=surroundings, capture_output=True, text=True
    )


@pytest.mark.slow
def test_check_deploy_finds_nothing_in_production(tmp_path: Path) -> None:
    result = run(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


COOKIES = """
import django
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()
from django.core.management import call_command; call_command("migrate", verbosity=0)
from django.test import Client
client = Client(headers={"Host": "secretly.example", "X-Forwarded-Proto": "https"}, raise_request_exception=True)
client.get("/login/")
answer = client.post("/login/", {"image": "nothing"})
session = client.session; session["x"] = 1; session.save()
answer = client.get("/login/")
for cookie in client.cookies.values(): print(cookie.OutputString())
print("HSTS", answer.headers["Strict-Transport-Security"])
plain = Client(headers={"Host": "secretly.example"}).get("/login/")
print("PLAIN", plain.status_code, plain.headers["Location"])
"""


@pytest.mark.slow
def test_cookies_and_transport_in_production(tmp_path: Path) -> None:
    result = run(tmp_path, "-c", COOKIES, DJANGO_SETTINGS_MODULE="secretly.settings", **PRODUCTION)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert any(line.startswith("__Host-csrftoken=") for line in lines)
    assert any(line.startswith("__Host-sessionid=") for line in lines)
    for line in lines:
        if line.startswith("__Host-"):
            assert "Secure" in line, line
            assert "Path=/" in line, line
            assert "Domain" not in line, line
    assert "HSTS max-age=31536000; includeSubDomains; preload" in lines
    assert "PLAIN 301 https://secretly.example/login/" in lines

"""How long a session lasts, and what is said about it in headers."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client


class Clock:
    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def wait(self, minutes: float) -> None:
        self.passed += timedelta(minutes=minutes)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", clock.now)
    return clock


@pytest.fixture
def visitor(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    return client


def test_a_quarter_of_an_hour_of_silence_ends_it(visitor: Client, clock: Clock) -> None:
    clock.wait(14)
    assert visitor.get("/").status_code == 200
    clock.wait(15.1)
    assert visitor.get("/")["Location"] == "/login/?next=/"


def test_every_answer_moves_the_end_on(visitor: Client, clock: Clock) -> None:
    for _ in range(5):
        clock.wait(14)
        assert visitor.get("/").status_code == 200


def test_locking_ends_it_on_the_server(visitor: Client) -> None:
    cookie = visitor.cookies["sessionid"].value
    visitor.post("/logout/")
    thief = Client()
    thief.cookies["sessionid"] = cookie
    assert thief.get("/")["Location"] == "/login/?next=/"


def test_the_cookie_ends_with_the_browser_and_is_kept_from_scripts(visitor: Client) -> None:
    visitor.get("/")
    cookie = visitor.cookies["sessionid"]
    assert (cookie["max-age"], cookie["expires"]) == ("", "")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"


@pytest.mark.parametrize("path", ["/", "/login/", "/admin/login/", "/nowhere/"])
def test_headers_of_every_page(path: str, visitor: Client) -> None:
    headers = visitor.get(path).headers
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Permissions-Policy"].startswith("camera=(self)")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in headers["Cache-Control"]

"""The headers of every answer, and whose request id is taken."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def visitor(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    return client


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

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


@pytest.mark.parametrize(
    ("path", "site", "compressed"),
    [
        ("/", "none", True),
        ("/", "same-origin", True),
        ("/?page=2", "none", True),
        ("/", "cross-site", False),
        ("/", "same-site", False),
        ("/", "", False),
        ("/?x=guess", "none", False),
        ("/?page=2&x=guess", "none", False),
    ],
)
def test_pages_are_compressed_where_nobody_else_can_choose_words_in_them(
    path: str, site: str, compressed: bool, visitor: Client
) -> None:
    answer = visitor.get(path, headers={"Accept-Encoding": "gzip", "Sec-Fetch-Site": site})
    assert (answer.headers.get("Content-Encoding") == "gzip") == compressed


def test_what_was_searched_for_is_not_compressed(visitor: Client) -> None:
    headers = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
    answer = visitor.post("/search/", {"words": "guess"}, headers=headers)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers

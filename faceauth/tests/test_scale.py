"""A site knows whether the endpoint speaks its own scale of similarities."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pytest_django import Settings

from faceauth.policy import thresholds
from faceauth.policy.population import Population
from faceauth.rekognition import scale
from faceauth.vision import similarity


class Health(BaseHTTPRequestHandler):
    """A health page that says what a test wants."""

    status, body = 200, b""
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def health(settings: Settings) -> Iterator[type[Health]]:
    """The site's endpoint is another service, which tells its health."""
    page = type("Page", (Health,), {"asked": []})
    with HTTPServer(("127.0.0.1", 0), page) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": f"http://127.0.0.1:{server.server_port}/"}
        scale.stated.cache_clear()
        yield page
        server.shutdown()


@pytest.mark.parametrize(("endpoint", "own"), [("local", True), ("aws", False)])
def test_without_a_url_nobody_is_asked(
    endpoint: str, own: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "stated", None)
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": endpoint}
    assert thresholds.is_measured() is own


def test_a_service_with_our_scale_has_our_thresholds(health: type[Health]) -> None:
    health.body = json.dumps({"status": "ok", "scale": similarity.scale_name()}).encode()
    assert thresholds.is_measured()
    assert thresholds.threshold_for(Population(1, 1)) < thresholds.LEAST_ELSEWHERE
    assert health.asked == ["/health"]  # once for all of that


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"status": "ok"}'),
        (200, b'{"scale": "0123456789abcdef"}'),
        (200, b'["scale"]'),
        (200, b"ok"),
        (200, b"\xff"),
        (403, b"{}"),
        (503, b"{}"),
    ],
)
def test_any_other_service_has_its_own(status: int, body: bytes, health: type[Health]) -> None:
    health.status, health.body = status, body
    assert not thresholds.is_measured()
    assert thresholds.threshold_for(Population(1, 1)) == thresholds.LEAST_ELSEWHERE


def test_a_service_that_is_away_is_asked_again(health: type[Health], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [600.0]
    monkeypatch.setattr(scale, "monotonic", lambda: now[0])
    health.status = 503
    assert not scale.is_own()
    health.status, health.body = 200, json.dumps({"scale": similarity.scale_name()}).encode()
    assert not scale.is_own()
    now[0] += scale.ASKED_EVERY
    assert scale.is_own()


def test_nobody_at_the_address(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "http://127.0.0.1:9"}
    assert not scale.is_own()


def test_the_name_changes_with_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    before = similarity.scale_name()
    monkeypatch.setitem(similarity.CURVE, 1e-3, 0.29)
    assert similarity.scale_name.__wrapped__() != before

"""Whom a request comes from, where proxies stand in front."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from faceauth.models import SignIn
from secretly import proxies

STRANGER = "203.0.113.9"


def seen(peer: str, **headers: str) -> str:
    """REMOTE_ADDR as the site sees it."""
    found: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    request = RequestFactory().get("/")
    request.META |= {"REMOTE_ADDR": peer, **headers}
    proxies.trust_named_proxies(view)(request)
    return found[0]


def trust(settings: Settings, *words: str, header: str = "X-Forwarded-For") -> None:
    settings.TRUSTED_PROXIES = proxies.networks(list(words))
    settings.CLIENT_HEADER = header


def test_without_a_named_proxy_the_header_is_ignored() -> None:
    assert seen("127.0.0.1", HTTP_X_FORWARDED_FOR=STRANGER) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("127.0.0.1", STRANGER, STRANGER),
        ("127.0.0.1", f"1.2.3.4, {STRANGER}", STRANGER),  # what a client wrote itself stands on the left
        ("127.0.0.1", f"127.0.0.1, {STRANGER}", STRANGER),
        ("127.0.0.1", f"{STRANGER}, 10.1.2.3", STRANGER),  # two proxies of ours
        ("127.0.0.1", f"1.2.3.4, {STRANGER}, 10.1.2.3, 10.9.9.9", STRANGER),
        ("127.0.0.1", "10.1.2.3", "10.1.2.3"),  # one of our own machines came as a client
        ("127.0.0.1", f"{STRANGER}:4711", STRANGER),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", STRANGER, STRANGER),
        ("::1", STRANGER, STRANGER),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", f"{STRANGER}, unknown", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "1.2.3.4.5", "127.0.0.1"),
        ("198.51.100.1", "1.2.3.4", "198.51.100.1"),  # no proxy of ours
        ("198.51.100.1", "127.0.0.1", "198.51.100.1"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_our_proxy(
    peer: str, header: str, expected: str, settings: Settings
) -> None:
    trust(settings, "127.0.0.1", "::1", "10.0.0.0/8")
    assert seen(peer, HTTP_X_FORWARDED_FOR=header) == expected


def test_only_the_one_header_is_read(settings: Settings) -> None:
    trust(settings, "127.0.0.1", header="X-Real-IP")
    assert seen("127.0.0.1", HTTP_X_FORWARDED_FOR="1.2.3.4", HTTP_X_REAL_IP=STRANGER) == STRANGER
    assert seen("127.0.0.1", HTTP_X_FORWARDED_FOR="1.2.3.4", HTTP_FORWARDED="for=1.2.3.4") == "127.0.0.1"


def test_a_unix_socket_has_no_address(settings: Settings) -> None:
    trust(settings, "127.0.0.1")
    assert seen("", HTTP_X_FORWARDED_FOR=STRANGER) == ""
    trust(settings, "unix")
    assert seen("", HTTP_X_FORWARDED_FOR=STRANGER) == STRANGER
    assert seen("127.0.0.1", HTTP_X_FORWARDED_FOR=STRANGER) == "127.0.0.1"


@pytest.mark.parametrize("word", ["localhost", "10.0.0.1/8", "300.1.1.1", "*"])
def test_a_value_that_names_no_proxy_stops_the_start(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"SECRETLY_TRUSTED_PROXIES has .* write such as 127\.0\.0\.1"):
        proxies.networks([word])


def test_x_forwarded_proto_counts_only_from_named_proxies(settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def secure(peer: str) -> bool:
        found: list[bool] = []

        def view(request: HttpRequest) -> HttpResponse:
            found.append(request.is_secure())
            return HttpResponse()

        request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https")
        proxies.trust_named_proxies(view)(request)
        return found[0]

    trust(settings, "127.0.0.1")
    assert secure("127.0.0.1")
    assert not secure(STRANGER)


def test_the_sign_in_log_and_the_rate_limits_see_the_client(db: None, settings: Settings) -> None:
    trust(settings, "127.0.0.1")
    settings.FACEAUTH = {**settings.FACEAUTH, "ATTEMPTS_PER_ADDRESS": "1/m"}

    def attempt(address: str, spoofed: str = "") -> int:
        client = Client(headers={"X-Forwarded-For": f"{spoofed}{address}"})
        return client.post("/login/", {"image": "nothing"}).status_code

    assert attempt(STRANGER) == 422
    assert attempt(STRANGER, spoofed="1.2.3.4, ") == 429
    assert attempt("203.0.113.10") == 422
    assert list(SignIn.objects.order_by("pk").values_list("address", flat=True)) == [STRANGER, STRANGER, "203.0.113.10"]

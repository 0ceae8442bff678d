"""Who is really there: the proxies whose headers are believed.

A proxy in front tells in a header for whom it speaks; whoever connects without it can write there what they like. So
only named proxies are believed, only one header, and of it only what they themselves have written.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNIX = "unix"  # whoever comes through a Unix socket, who has no address


def networks(words: list[str]) -> list[Network | str]:
    """The proxies of SECRETLY_TRUSTED_PROXIES: addresses, networks, or the word `unix`."""
    found: list[Network | str] = []
    for word in words:
        try:
            found.append(UNIX if word == UNIX else ipaddress.ip_network(word))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"SECRETLY_TRUSTED_PROXIES has {word!r}, which is no address and no network ({error}):"
                " write such as 127.0.0.1, 10.0.0.0/8, or unix for a Unix socket, with commas between."
            ) from error
    return found


def address(text: str) -> Address | None:
    """The address that a hop names, with or without a port; None where it names none (`unknown`, `_hidden`)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def trusted(hop: Address | None) -> bool:
    """Whether the hop is a proxy that was named; None is who came through a Unix socket."""
    if hop is None:
        return UNIX in settings.TRUSTED_PROXIES
    return any(hop in proxy for proxy in settings.TRUSTED_PROXIES if proxy != UNIX)


def client(peer: Address | None, header: str) -> Address | None:
    """Whom the header speaks of: the last hop that is no proxy of ours.

    Each proxy adds who connected to it, on the right. What is left of the first stranger was written by the stranger.
    """
    for hop in reversed(header.split(",")):
        if not trusted(peer):
            return peer
        found = address(hop)
        if found is None:
            return peer
        peer = found
    return peer


def believe_proxies_alone(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Make REMOTE_ADDR the true client's. Without a named proxy nothing is read, and REMOTE_ADDR is who connected.

    With named proxies X-Forwarded-Proto is believed from them alone as well.
    """
    header = "HTTP_" + settings.CLIENT_HEADER.upper().replace("-", "_")

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if settings.TRUSTED_PROXIES:
            peer = address(request.META.get("REMOTE_ADDR", ""))
            if trusted(peer):
                found = client(peer, request.META[header]) if header in request.META else peer
                request.META["REMOTE_ADDR"] = str(found or "")
            else:
                request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return get_response(request)

    return middleware


@register(Tags.security, deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy that is not named everybody seems to come from one address, and is limited as one."""
    if not settings.HTTPS or settings.TRUSTED_PROXIES:
        return []
    hint = "Set SECRETLY_TRUSTED_PROXIES to its address, such as 127.0.0.1, or to unix."
    return [Warning("SECRETLY_HTTPS is on, and the proxy that speaks it is not named.", hint=hint, id="secretly.W001")]

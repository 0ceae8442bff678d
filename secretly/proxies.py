"""Whom a request comes from, where proxies stand in front.

A proxy names its client in a header, but a client that connects directly can write anything there. So the site reads
only one header, only from named proxies, and of it only what those proxies have written.
"""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNIX = "unix"  # a Unix socket, whose clients have no address


def networks(words: list[str]) -> list[Network | str]:
    """The proxies of SECRETLY_TRUSTED_PROXIES: addresses, networks, or the word `unix`."""
    found: list[Network | str] = []
    for word in words:
        try:
            found.append(UNIX if word == UNIX else ipaddress.ip_network(word))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"SECRETLY_TRUSTED_PROXIES has {word!r}, which is neither an address nor a network ({error}):"
                " write such as 127.0.0.1, 10.0.0.0/8, or unix for a Unix socket, with commas between."
            ) from error
    return found


def address(text: str) -> Address | None:
    """The address in one item of the header, with or without a port; None for `unknown`, `_hidden` and the like."""
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
    """Whether this is a named proxy; None stands for a Unix socket."""
    if hop is None:
        return UNIX in settings.TRUSTED_PROXIES
    return any(hop in proxy for proxy in settings.TRUSTED_PROXIES if proxy != UNIX)


def client(peer: Address | None, header: str) -> Address | None:
    """The client's address: the last hop that is not one of our proxies.

    Each proxy appends the address that connected to it. What stands before the client's was written by the client.
    """
    for hop in reversed(header.split(",")):
        if not trusted(peer):
            return peer
        found = address(hop)
        if found is None:
            return peer
        peer = found
    return peer


def trust_named_proxies(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Set REMOTE_ADDR to the client's address, and drop the headers that only a trusted proxy may set.

    Where no proxy is named, REMOTE_ADDR stays who connected, and X-Forwarded-Proto is left to SECRETLY_HTTPS.
    """
    header = "HTTP_" + settings.CLIENT_HEADER.upper().replace("-", "_")

    def middleware(request: HttpRequest) -> HttpResponseBase:
        peer = address(request.META.get("REMOTE_ADDR", ""))
        if trusted(peer):
            found = client(peer, request.META[header]) if header in request.META else peer
            request.META["REMOTE_ADDR"] = str(found or "")
        else:
            request.META.pop("HTTP_X_REQUEST_ID", None)
            if settings.TRUSTED_PROXIES:
                request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return get_response(request)

    return middleware

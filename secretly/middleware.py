"""What applies to every request: health checks, logging and counting, and the headers of the answer."""

import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from privatekit.negotiation import wants_json
from secretly import health, logs, metrics, views

logger = logging.getLogger("secretly.requests")

View = Callable[[HttpRequest], HttpResponseBase]

HEADERS = {
    "Permissions-Policy": "camera=(self), display-capture=(), geolocation=(), microphone=(self), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",  # Django adds the opener's policy
}

# Load balancers and monitors ask by IP address, over plain HTTP, many times a minute. So these are answered before
# anything that checks the Host header or HTTPS, or opens a session; none of the views uses any of them.
PROBES = {
    "/healthz": require_safe(health.healthz),
    "/readyz": require_safe(health.readyz),
    "/metrics": require_safe(metrics.metrics),
}


NOTHING_CHOSEN = re.compile(r"(?:page=\d{1,6}|pane|card)?")
"""What a compressed page may be asked with: nothing in which somebody else could choose words."""
OWN_REQUESTS = ("same-origin", "none")  # of a page of this site, or of the person: Fetch Metadata, Sec-Fetch-Site

PIECE = 64 * 1024  # bytes
DRAINED_PIECES = 256  # of a body that is refused: 16 MB, a photo and its form


def probes(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return get_response(request)
        response = probe(request)
        add_never_cache_headers(response)
        return response

    return middleware


def log_and_count(get_response: View) -> View:
    """Give the request an id, and log and count its answer by view: a path would name somebody's note."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        name = logs.begin_request(request.headers.get("X-Request-Id", ""))
        started = time.perf_counter()
        with metrics.in_progress.track_inprogress():
            response = get_response(request)
        seconds = time.perf_counter() - started
        response.headers["X-Request-Id"] = name
        view = request.resolver_match.view_name if request.resolver_match else ""
        metrics.count_request(view, request.method or "", response.status_code, seconds)
        fields = {
            "view": view,
            "method": request.method,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        }
        logger.info("%(method)s %(view)s: %(status)s in %(ms)s ms", fields, extra=fields)
        return response

    return middleware


def refuse_untold_lengths(get_response: View) -> View:
    """Answer 411 to a body in chunks. Django would take it for an empty one, and say that there was no picture."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "Transfer-Encoding" not in request.headers or request.META.get("CONTENT_LENGTH"):
            return get_response(request)
        if request.META.get("wsgi.input_terminated"):
            for _piece in range(DRAINED_PIECES):  # a client that is still sending does not read the answer
                if not request.META["wsgi.input"].read(PIECE):
                    break
        return views.length_required(request)

    return middleware


def say_that_a_method_is_not_allowed(get_response: View) -> View:
    """Give a 405, which Django leaves empty, a sentence for who asks for JSON."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or not wants_json(request):
            return response
        told = views.method_not_allowed(request)
        told.headers["Allow"] = response.headers.get("Allow", "")
        return told

    return middleware


def site_headers(get_response: View) -> View:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return middleware


def compress_pages(get_response: View) -> View:
    """Compress pages, where nobody can make their size tell what is in them (BREACH, https://www.breachattack.com/).

    That takes requests that another site causes, with words that it chooses and that come back in the page.
    """
    gzip = GZipMiddleware(get_response)  # which adds a random length, too

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        page = isinstance(response, HttpResponse) and response.headers.get("Content-Type", "").startswith("text/html")
        own = request.method == "GET" and request.headers.get("Sec-Fetch-Site") in OWN_REQUESTS
        if page and own and NOTHING_CHOSEN.fullmatch(request.META.get("QUERY_STRING", "")):
            return gzip.process_response(request, response)
        return response

    return middleware


def never_cache_when_signed_in(get_response: View) -> View:
    """Keep a signed-in person's pages out of every cache, so that the back button shows nothing after signing out."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        signed_in = request.user.is_authenticated  # asked before the view, which may end the session
        response = get_response(request)
        if signed_in or request.user.is_authenticated:
            add_never_cache_headers(response)
        return response

    return middleware

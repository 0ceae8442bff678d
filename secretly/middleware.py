"""What holds for every request: who watches it, and the headers of its answer."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from secretly import health, logs, metrics

logger = logging.getLogger("secretly.requests")

type_of_view = Callable[[HttpRequest], HttpResponseBase]

# The camera is for the door; nothing here ever asks for anything else.
PERMISSIONS_POLICY = "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


# For machines. They ask by address, in the clear and many times a minute: so they are answered before anything that
# minds the Host header, HTTPS or a session. None of these views looks at any of the three.
PROBES = {
    "/healthz": require_safe(health.healthz),
    "/readyz": require_safe(health.readyz),
    "/metrics": require_safe(metrics.metrics),
}


def probes(get_response: type_of_view) -> type_of_view:
    """Answer load balancers and monitors."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return get_response(request)
        response = probe(request)
        add_never_cache_headers(response)
        return response

    return middleware


def observed(get_response: type_of_view) -> type_of_view:
    """Name the request, and note what came of it and how long it took: by its view, for an address names a note."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        name = logs.begin_request(request.headers.get("X-Request-Id", ""))
        started = time.perf_counter()
        with metrics.in_progress.track_inprogress():
            response = get_response(request)
        seconds = time.perf_counter() - started
        response.headers["X-Request-Id"] = name
        view = request.resolver_match.view_name if request.resolver_match else ""
        metrics.count_request(view, request.method or "", response.status_code, seconds)
        seen = {"view": view, "method": request.method, "status": response.status_code, "ms": round(seconds * 1000, 1)}
        logger.info("%(method)s %(view)s: %(status)s in %(ms)s ms", seen, extra=seen)
        return response

    return middleware


def site_headers(get_response: type_of_view) -> type_of_view:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"  # Django adds the opener's policy
        return response

    return middleware


def no_store_for_people(get_response: type_of_view) -> type_of_view:
    """Keep pages of a signed-in person out of every cache, so that the back button shows nothing after locking."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        signed_in = request.user.is_authenticated  # asked before the view, which may end the session
        response = get_response(request)
        if signed_in or request.user.is_authenticated:
            add_never_cache_headers(response)
        return response

    return middleware

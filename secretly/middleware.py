"""Headers that hold for every page."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers

type_of_view = Callable[[HttpRequest], HttpResponseBase]

# The camera is for the door; nothing here ever asks for anything else.
PERMISSIONS_POLICY = "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


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

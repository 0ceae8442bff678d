"""Requests and responses that the sign-in pages share."""

import time
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from faceauth.outcomes import Outcome, Recognition

if TYPE_CHECKING:
    from django.contrib.auth.models import User


STATUS = {
    Outcome.RECOGNISED: 200,
    Outcome.ENROLLED: 200,
    Outcome.STRANGER: 200,
    Outcome.REFUSED: 422,
    Outcome.THROTTLED: 429,
    Outcome.UNAVAILABLE: 503,
}


RETRY_AFTER = 5  # seconds; Rekognition's quotas are per second, and a person needs that long to try again anyway


# In the session: when its person was last recognised (seconds since 1970), and that a visitor has heard that they look
# familiar, which is said once.
FACE_VERIFIED = "faceauth.seen"


def open_session(request: HttpRequest, user: "User", seen: float | None = None) -> None:
    """Sign somebody in of whom all is known that there is to know. `seen` is when their face was, if not now."""
    login(request, user, backend="faceauth.backends.FaceBackend")
    request.session[FACE_VERIFIED] = time.time() if seen is None else seen


def finished(response: HttpResponse, recognition: Recognition) -> HttpResponse:
    if recognition.outcome == Outcome.THROTTLED:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    patch_vary_headers(response, ["Accept"])
    return response


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def given_next(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else ""


def next_url(request: HttpRequest) -> str:
    return given_next(request) or resolve_url(settings.LOGIN_REDIRECT_URL)


def drain(request: HttpRequest) -> None:
    """Read on, and keep nothing, so that the browser gets to see the answer; but not for ever."""
    for _chunk in range(1024):
        if not request.read(64 * 1024):
            return


def user_of(request: HttpRequest) -> "User":
    return cast("User", request.user)


def varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept"])
    return response

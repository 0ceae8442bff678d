"""Error pages, the installable app and the operators' sign-in.

Django's own handlers render 400.html, 403.html and 404.html; who asks for JSON gets JSON.
"""

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis.exceptions
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, gettext, gettext_noop
from django.views import defaults
from django.views.decorators.http import require_POST

from faceauth.outcomes import Outcome
from faceauth.ratelimit import limits
from faceauth.web.http import throttled
from faceauth.web.second_factor_gate import second_factor_exempt
from notes import responses
from notes.responses import return_text
from privatekit.negotiation import wants_json
from secretly import logs

# The database or the cache is down, starting, or full, or the memory is: no error of ours, and it passes.
OUTAGES = (
    MemoryError,
    OperationalError,
    InterfaceError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
)
RETRY_AFTER = 5  # seconds, about as long as a restart takes


def refused(request: HttpRequest, status: int, reason: str, message: str, page: str = "", **more: str) -> HttpResponse:
    """The refusal as JSON for who asks for it, else as a page, that of its status if none is named."""
    if wants_json(request):
        content = {"outcome": Outcome.REFUSED, "reason": reason, "message": message, "next": request.path}
        return JsonResponse(content | more, status=status)
    return render(request, page or f"{status}.html", {"message": message, **more}, status=status)


def length_required(request: HttpRequest) -> HttpResponse:
    message = gettext("A request must say how long it is. Please send it with a Content-Length.")
    return refused(request, 411, "length_required", message)


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    message = gettext("This address takes no %(method)s.") % {"method": request.method}
    return refused(request, 405, "method_not_allowed", message)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer an outage with 503 and every other unhandled exception with 500. Neither needs the database.

    A middleware could not: Django turns an exception in another middleware, such as the session's, into a 500 first.
    """
    if isinstance(sys.exception(), OUTAGES):
        return unavailable(request)
    if wants_json(request):
        content = {
            ("outcome"): "broken",
            "reason": None,
            "message": gettext("Something went wrong on this site."),
            "next": "",
        }
        return JsonResponse(content | {"reference": logs.request_id.get()}, status=500)
    page = render_to_string("500.html", {"reference": logs.request_id.get()})
    return HttpResponse(page, status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Say that the site depends on something that does not answer. A note that was sent comes back on the page."""
    request.user = AnonymousUser()  # the session cannot be read now
    # Files are not read: Django could write them to a temporary folder.
    sent = request.POST if request.content_type == "application/x-www-form-urlencoded" else {}
    if wants_json(request):
        message = gettext(
            "A service that this site depends on is not answering. Nothing is lost. Please try again in a minute."
        )
        content = {"outcome": "unavailable", "reason": None, "message": message, "next": request.path}
        response: HttpResponse = JsonResponse(content, status=503)
    elif "text" in sent and "writer" in sent:
        response = responses.unavailable(request)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


THEMES = ("light", "dark")
YEAR = 365 * 24 * 3600  # seconds


@login_required
@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Keep colours and language in cookies of this browser, so that they hold at the sign-in too."""
    response = redirect(f"{resolve_url(settings.SETTINGS_URL)}#display")
    theme, language = request.POST.get("theme", ""), request.POST.get("language", "")
    if theme in (*THEMES, "system"):
        keep(request, response, "theme", "" if theme == "system" else theme)
    if language in dict(settings.LANGUAGES):
        keep(request, response, settings.LANGUAGE_COOKIE_NAME, language)
    return response


def keep(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    """Keep a value in a cookie of this browser for a year; an empty one takes it away."""
    age = YEAR if value else 0
    response.set_cookie(name, value, age, secure=request.is_secure(), httponly=True, samesite="Strict")


SIGN_IN_VIEWS = ("faceauth:login", "faceauth:enrol")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token by saying what to do, and under which address it was opened.

    Django's log says why it failed.
    """
    signing_in = request.resolver_match and request.resolver_match.view_name in SIGN_IN_VIEWS
    if signing_in and request.user.is_authenticated:
        # A second click, with the token from before the first, which has signed them in.
        return redirect(settings.LOGIN_REDIRECT_URL)
    returned = return_text(request)
    if returned is not None:
        return returned
    own = f"{request.scheme}://{request.get_host()}"
    opened = opened_under(request) or own
    if opened != own and opened not in settings.CSRF_TRUSTED_ORIGINS:
        message = gettext(
            "This page was opened at %(opened)s, but the site's address is %(own)s. The operator of this site "
            "can make both the same, or add the first to SECRETLY_TRUSTED_ORIGINS."
        ) % {"opened": opened, "own": own}
    else:
        message = gettext(
            "The page may have been open for too long, or your browser blocks cookies for this site. Please "
            "go back, reload the page, and try again."
        )
    return refused(request, 403, "csrf", message, page="403_csrf.html", opened_under=opened, own_address=own)


def opened_under(request: HttpRequest) -> str:
    """The address of the page that sent the form, as the browser tells it; empty where it does not."""
    referer = urlsplit(request.headers.get("Referer", ""))
    told = request.headers.get("Origin", "null")
    if told == "null":
        told = f"{referer.scheme}://{referer.netloc}" if referer.netloc else ""
    return told[:300]


def in_kind(page: Callable[[HttpRequest, Exception], HttpResponse], reason: str, message: str) -> Any:
    """Django's own handler, which answers with a page, or the same as JSON for who asks for it."""

    def handler(request: HttpRequest, exception: Exception) -> HttpResponse:
        response = page(request, exception)
        return refused(request, response.status_code, reason, gettext(message)) if wants_json(request) else response

    return handler


bad_request = in_kind(
    defaults.bad_request,
    "bad_request",
    gettext_noop("Part of the request was damaged or far too large. Please go back and try again."),
)
permission_denied = in_kind(
    defaults.permission_denied,
    "forbidden",
    gettext_noop("You are not allowed to see this page. If that is unexpected, please ask the operator of this site."),
)
not_found = in_kind(
    defaults.page_not_found, "not_found", gettext_noop("The page may have moved, or the address is wrong.")
)


# What the offline page needs to look right.
OFFLINE_PARTS = (
    "faceauth/tokens.css",
    "faceauth/base.css",
    "faceauth/icon.svg",
    "site/offline.css",
    "site/write_later.js",
    "site/read_offline.js",
    "site/dom.js",
    "faceauth/dom.js",
    "notes/store.js",
    "notes/copy.js",
)


def offline(request: HttpRequest) -> HttpResponse:
    """The page that the service worker shows without a connection. It holds no personal data."""
    return render(request, "offline.html")


def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root because it may only answer for paths below its own."""
    parts = [static(part) for part in OFFLINE_PARTS]
    page = reverse("offline")
    version = sha256(" ".join([page, get_language(), *parts]).encode()).hexdigest()[:8]
    store = Path(str(finders.find("notes/store.js"))).read_text().replace("export ", "")  # a worker imports no module
    context = {"page": page, "parts": parts, "version": version, "share": reverse("notes:share"), "store": store}
    return render(request, "worker.js", context, content_type="text/javascript")


def manifest(request: HttpRequest) -> HttpResponse:
    """The manifest that lets people install the site as an app."""
    icons = [
        {"src": static("faceauth/icon.svg"), "type": "image/svg+xml", "sizes": "any"},
        {"src": static("site/icon-192.png"), "type": "image/png", "sizes": "192x192"},
        {"src": static("site/icon-512.png"), "type": "image/png", "sizes": "512x512"},
        {"src": static("site/icon-maskable-512.png"), "type": "image/png", "sizes": "512x512", "purpose": "maskable"},
    ]
    content = {
        "id": "/",
        "name": "Secretly",
        "short_name": "Secretly",
        "description": gettext("A private notebook that knows you by your face."),
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#24272e",
        "theme_color": "#24272e",
        "icons": icons,
        "screenshots": [
            {"src": static("site/app-wide.png"), "type": "image/png", "sizes": "1280x800", "form_factor": "wide"},
            {"src": static("site/app-narrow.png"), "type": "image/png", "sizes": "720x1440", "form_factor": "narrow"},
        ],
        "shortcuts": [{"name": gettext("New note"), "url": reverse("notes:new"), "icons": icons[1:2]}],
        "share_target": {
            "action": reverse("notes:share"),
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {
                "title": "title",
                "text": "text",
                "url": "url",
                "files": [{"name": "file", "accept": ["image/*", "audio/*", "text/*", "application/pdf"]}],
            },
        },
    }
    return JsonResponse(content, content_type="application/manifest+json")


def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect browsers that ask for an icon without reading a page first."""
    return redirect(static("faceauth/icon.svg"))


@second_factor_exempt  # which it asks for itself
def admin_login(request: HttpRequest) -> HttpResponse:
    """The operators' sign-in with a password, under rate limits of its own."""
    if request.method != "POST":
        return admin.site.login(request)
    with limits.attempt(request, calls=0, kind="password") as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded)
        response = admin.site.login(request)
        attempt.settle(Outcome.RECOGNISED if response.status_code == 302 else Outcome.REFUSED)
    return response

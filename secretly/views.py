"""The site's own answers: what it says when a request cannot be served.

400, 403 and 404 are Django's own handlers, which find their pages in templates/ by name.
"""

import sys
from hashlib import sha256

import redis.exceptions
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, gettext

from faceauth import doorman
from faceauth.outcomes import Outcome
from notes import responses
from notes.responses import return_text, wants_json
from secretly import logs

# The database or the cache is away, or starts, or has no room left. It is nobody's mistake, and passes.
OUTAGES = (
    OperationalError,
    InterfaceError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
)
RETRY_AFTER = 5  # seconds; a server that is restarted needs about as long


def broken(request: HttpRequest) -> HttpResponse:
    """Answer what nothing else has answered, wherever it was raised: an outage with 503, everything else with 500.

    A middleware could not do this: Django has made a 500 of an exception in another middleware, such as that of the
    session, before it comes by. Neither answer needs the database.
    """
    if isinstance(sys.exception(), OUTAGES):
        return unavailable(request)
    page = render_to_string("500.html", {"reference": logs.request_id.get()})
    return HttpResponse(page, status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Something that the site depends on does not answer. Words that were sent come back."""
    request.user = AnonymousUser()  # whoever it is cannot be asked for now
    # Files are not read: they could end in a temporary folder.
    sent = request.POST if request.content_type == "application/x-www-form-urlencoded" else {}
    if wants_json(request):
        message = gettext("Something that I depend on is not answering. Nothing is lost. Please try again in a minute.")
        content = {"outcome": "unavailable", "reason": None, "message": message, "next": request.path}
        response: HttpResponse = JsonResponse(content, status=503)
    elif "text" in sent and "writer" in sent:
        response = responses.unavailable(request)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


AT_THE_DOOR = ("faceauth:login", "faceauth:remember")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token: say what to do. Why it failed stands in Django's log, not on the page."""
    at_the_door = request.resolver_match and request.resolver_match.view_name in AT_THE_DOOR
    if at_the_door and request.user.is_authenticated:
        # A second click, with the token of before the first, which has let them in. It opens nothing that is not open.
        return redirect(settings.LOGIN_REDIRECT_URL)
    return return_text(request) or render(request, "403_csrf.html", status=403)


# What is drawn with the page that is shown without a connection.
OFFLINE_PARTS = ("site/tokens.css", "site/base.css", "site/icon.svg")


def offline(request: HttpRequest) -> HttpResponse:
    """The page that the worker keeps for when there is no connection. It holds nothing of anybody's."""
    return render(request, "offline.html")


def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It stands at the root because it may answer for nothing above its own address."""
    parts = [static(part) for part in OFFLINE_PARTS]
    page = reverse("offline")
    version = sha256(" ".join([page, get_language(), *parts]).encode()).hexdigest()[:8]
    context = {"page": page, "parts": parts, "version": version}
    return render(request, "worker.js", context, content_type="text/javascript")


def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the site an app on a telephone's first page."""
    icons = [
        {"src": static("site/icon.svg"), "type": "image/svg+xml", "sizes": "any"},
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
    }
    return JsonResponse(content, content_type="application/manifest+json")


def favicon(request: HttpRequest) -> HttpResponse:
    """Send browsers that ask by the old name, where a page names none, to the drawn one."""
    return redirect(static("site/icon.svg"))


@doorman.limited(door="password")
def admin_login(request: HttpRequest) -> HttpResponse:
    """Operators sign in with a password, which is guessed no more often than a face."""
    response = admin.site.login(request)
    if request.method == "POST" and response.status_code == 302:
        doorman.settle(request, Outcome.RECOGNISED)
    return response

"""The site's own answers: what it says when a request cannot be served.

400, 403, 404 and 500 are Django's own handlers, which find their pages in templates/ by name.
"""

from hashlib import sha256

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, gettext

from faceauth import doorman
from faceauth.outcomes import Outcome
from notes.answers import words_back


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token: say what to do. Why it failed stands in Django's log, not on the page."""
    return words_back(request) or render(request, "403_csrf.html", status=403)


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
    """Send browsers that ask by the old name, as on the admin's pages, to the drawn one."""
    return redirect(static("site/icon.svg"))


@doorman.limited(door="password")
def admin_login(request: HttpRequest) -> HttpResponse:
    """Operators sign in with a password, which is guessed no more often than a face."""
    response = admin.site.login(request)
    if request.method == "POST" and response.status_code == 302:
        doorman.settle(request, Outcome.RECOGNISED)
    return response

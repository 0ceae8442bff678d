"""The site's own answers: what it says when a request cannot be served.

400, 403, 404 and 500 are Django's own handlers, which find their pages in templates/ by name.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static

from notes.answers import words_back


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token: say what to do. Why it failed stands in Django's log, not on the page."""
    return words_back(request) or render(request, "403_csrf.html", status=403)


def favicon(request: HttpRequest) -> HttpResponse:
    """Send browsers that ask by the old name, as on the admin's pages, to the drawn one."""
    return redirect(static("site/icon.svg"))

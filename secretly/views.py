"""The site's own answers: what it says when a request cannot be served.

400, 403, 404 and 500 are Django's own handlers, which find their pages in templates/ by name.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token: say what to do. Why it failed stands in Django's log, not on the page."""
    return render(request, "403_csrf.html", status=403)

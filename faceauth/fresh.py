"""What somebody with a second lock must have given just now, before what nobody else at an open notebook shall do."""

import time
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from faceauth import locks
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.views import wants_json

# In the session: when its person last opened their second lock (seconds since 1970), which counts for so many seconds.
GIVEN = "faceauth.lock_given"
GIVEN_FOR = 300

View = Callable[..., HttpResponseBase]


def lock_given(request: HttpRequest) -> bool:
    """Whether the signed-in person has opened their second lock in the last five minutes, or has none."""
    if time.time() - request.session.get(GIVEN, 0) <= GIVEN_FOR:
        return True
    return not locks.has_lock(request.user)  # type: ignore[arg-type]  # they are signed in


def with_second_lock(back: str = "") -> Callable[[View], View]:
    """A view, for people who are signed in, that first asks those for their second lock who have one.

    Then it goes on with the view, or with the page that is called `back`: a form is not sent a second time.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if lock_given(request):
                return view(request, *args, **kwargs)
            return ask(request, reverse(back) if back else request.path)

        return asking

    return decorator


def ask(request: HttpRequest, back: str) -> HttpResponse:
    page = f"{reverse('faceauth:second_lock')}?{urlencode({'next': back})}"
    if not wants_json(request):
        return redirect(page)
    content = {
        "outcome": Outcome.REFUSED,
        "reason": Reason.LOCK_NEEDED,
        "message": sentence(Outcome.REFUSED, Reason.LOCK_NEEDED),
        "next": page,
    }
    return JsonResponse(content, status=403)

"""Views that are posted pictures: the pictures stay in memory, and a flood is refused before it is read."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from faceauth import outcomes
from faceauth.audit.log import record
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason
from faceauth.ratelimit import limits
from faceauth.web.http import Result, answer, result_of, throttled
from faceauth.web.uploads import LIMITS
from privatekit.images import Busy
from privatekit.uploads import MemoryUploadHandler

View = Callable[[HttpRequest], HttpResponse]
Shown = Callable[[HttpRequest], dict[str, Any]]


def takes_pictures(
    page: str, shown: Shown, calls: Callable[[], int], signed_in: bool = False
) -> Callable[[View], View]:
    """A view that takes pictures, and counts its own attempt of so many `calls` to Rekognition at most.

    What does not come to the view is answered on `page`, which shows what `shown` gives. With `signed_in` the view is
    for people who are signed in.
    """

    def decorator(view: View) -> View:
        protected = sensitive_variables()(csrf_protect(view))

        @never_cache
        @sensitive_post_parameters("frame", "image", "sealed")
        @require_http_methods(["GET", "HEAD", "POST"])
        @csrf_exempt  # only until the upload handler is set, which must come before the token is read
        @wraps(view)
        def taking(request: HttpRequest) -> HttpResponse:
            request.upload_handlers = [MemoryUploadHandler(request, LIMITS)]
            if signed_in and not request.user.is_authenticated:
                drain(request)
                return redirect_to_login(request.get_full_path())
            exceeded = limits.peek(request, calls()) if request.method == "POST" else None
            if exceeded:
                drain(request)
                return throttled(request, exceeded, page, **shown(request))
            try:
                request.POST  # noqa: B018 - read it here, so that nothing is counted for a form that is too large
                return protected(request)
            except Busy:  # other pictures have all the memory that there is for pictures
                result = Result(Outcome.UNAVAILABLE, next=request.path, page=page, context=shown(request))
                return answer(request, result)
            except RequestDataTooBig:
                drain(request)
                return too_large(request, page, shown(request), calls())

        return taking

    return decorator


def too_large(request: HttpRequest, page: str, context: dict[str, Any], calls: int) -> HttpResponse:
    with limits.attempt(request, calls) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, page, **context)
        recognition = outcomes.refused(Reason.TOO_LARGE)
        attempt.settle(recognition.outcome, recognition.reason)
        record(request, recognition, SignIn.Method.CAMERA)
    return answer(request, result_of(recognition, next=request.path, page=page, context=context))


def drain(request: HttpRequest) -> None:
    """Read on, and keep nothing, so that the browser gets to see the answer; but not for ever."""
    for _chunk in range(1024):
        if not request.read(64 * 1024):
            return

"""Views that take pictures: in memory, within limits."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from faceauth import outcomes
from faceauth.audit.log import record
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition
from faceauth.ratelimit import limits
from faceauth.web.http import drain
from faceauth.web.uploads import LIMITS
from privatekit.uploads import MemoryUploadHandler

if TYPE_CHECKING:
    pass


View = Callable[[HttpRequest], HttpResponse]


Show = Callable[..., HttpResponse]  # of a request, a Recognition and, where it is not the ordinary one, a sentence


def takes_picture(show: Show, calls: Callable[[], int]) -> Callable[[View], View]:
    """A view that is posted a picture, which stays in memory. A flood of them is turned away before it is read.

    `show` answers what does not come to the view, and `calls` is how many calls to Rekognition the view makes at most.
    """

    def decorator(view: View) -> View:
        def admitted(request: HttpRequest) -> HttpResponse:
            turned_away = limits.admit(request, calls()) if request.method == "POST" else None
            if turned_away:
                return turn_away(request, turned_away, show)
            response = view(request)
            limits.give_back(request)  # of whoever was sent elsewhere, such as to sign in
            return response

        protected = sensitive_variables()(csrf_protect(admitted))

        @never_cache
        @sensitive_post_parameters("frame", "image", "sealed")
        @require_http_methods(["GET", "HEAD", "POST"])
        @csrf_exempt  # only until the upload handler is set, which must come before the token is read
        @wraps(view)
        def taking(request: HttpRequest) -> HttpResponse:
            request.upload_handlers = [MemoryUploadHandler(request, LIMITS)]
            turned_away = limits.peek(request, calls()) if request.method == "POST" else None
            if turned_away:
                drain(request)
                return turn_away(request, turned_away, show)
            try:
                return protected(request)
            except RequestDataTooBig:
                drain(request)
                turned_away = limits.admit(request, calls())
                return turn_away(request, turned_away, show) if turned_away else too_large(request, show)

        return taking

    return decorator


def turn_away(request: HttpRequest, turned_away: limits.Exceeded, show: Show) -> HttpResponse:
    limits.record_exceeded(request, turned_away)
    response = show(request, Recognition(Outcome.THROTTLED), limits.sentence_for(turned_away))
    return limits.waiting(response, turned_away)


def too_large(request: HttpRequest, show: Show) -> HttpResponse:
    recognition = outcomes.refused(Reason.TOO_LARGE)
    limits.settle(request, recognition.outcome, recognition.reason, recognition.searched)
    record(request, recognition, SignIn.Method.CAMERA)
    return show(request, recognition)

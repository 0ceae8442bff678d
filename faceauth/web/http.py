"""What came of a request and its two renderings, a page and JSON; and what all views ask of a request."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from faceauth import signals
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, sentence
from faceauth.policy import photo_logins
from faceauth.ratelimit.floods import record_exceeded
from faceauth.ratelimit.limits import Exceeded, sentence_for
from privatekit.negotiation import wants_json

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

# In the session: when its person's face was last verified, and when by a liveness check. Seconds since 1970.
FACE_VERIFIED = "faceauth.face_verified"
LIVENESS_VERIFIED = "faceauth.liveness_verified"

# In the session: whose second factor was given, or not needed, when it opened. A primary key, as text.
MFA_SETTLED = "faceauth.mfa_settled"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a request. `answer` makes a page or JSON of it."""

    outcome: Outcome | None = None
    reason: Reason | None = None
    message: str = ""
    """One sentence for the person; that of the outcome where it is empty."""
    next: str = ""
    """Where to go from here."""
    page: str = "faceauth/throttled.html"
    """The template. Without one the browser is sent to `next`."""
    context: dict[str, Any] = field(default_factory=dict)
    """What the page shows besides."""
    data: dict[str, Any] = field(default_factory=dict)
    """What JSON says besides."""
    status: int | None = None
    """The HTTP status; that of the outcome where it is None."""
    retry_after: int | None = None
    """Seconds."""


def result_of(recognition: Recognition, **more: Any) -> Result:
    return Result(recognition.outcome, recognition.reason, **more)


def throttled(
    request: HttpRequest, exceeded: Exceeded, page: str = "faceauth/throttled.html", **context: Any
) -> HttpResponse:
    """Refuse a request for which a limit is used up, and log it."""
    record_exceeded(request, exceeded)
    message = sentence_for(exceeded)
    return answer(
        request, Result(Outcome.THROTTLED, None, message, page=page, context=context, retry_after=exceeded.seconds)
    )


def answer(request: HttpRequest, result: Result) -> HttpResponse:
    """The result as JSON for who asks for it, else as a page."""
    message = result.message or (sentence(result.outcome, result.reason) if result.outcome else "")
    status = result.status or (STATUS[result.outcome] if result.outcome else 200)
    response: HttpResponse
    if wants_json(request):
        content = {"outcome": result.outcome, "reason": result.reason, "message": message, "next": result.next}
        response = JsonResponse(content | result.data, status=status)
    elif result.page:
        context = {"message": message, "outcome": result.outcome} | result.context
        response = render(request, result.page, context, status=status)
    else:
        response = redirect(result.next)
    if result.outcome == Outcome.THROTTLED:
        response.headers["Retry-After"] = str(result.retry_after or RETRY_AFTER)
    return varied(response)


def varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept"])
    return response


def open_session(
    request: HttpRequest, user: "User", method: str, at: float | None = None, is_new: bool = False
) -> None:
    """Sign in somebody whose every proof was given. `at` is when their face was verified, if not now."""
    login(request, user, backend="faceauth.backends.FaceBackend")
    photo_logins.note_signed_in(user, method, returned=not is_new)
    note_verified(request, method, at)
    request.session[MFA_SETTLED] = str(user.pk)
    signals.recognised.send(type(user), user=user, method=method)


def note_verified(request: HttpRequest, method: str, at: float | None = None) -> None:
    """Note in the session that the face of its person was verified by `method`."""
    at = time.time() if at is None else at
    request.session[FACE_VERIFIED] = at
    if method == SignIn.Method.LIVENESS:
        request.session[LIVENESS_VERIFIED] = at


def user_of(request: HttpRequest) -> "User":
    return cast("User", request.user)


def given_next(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else ""


def next_url(request: HttpRequest) -> str:
    return given_next(request) or resolve_url(settings.LOGIN_REDIRECT_URL)

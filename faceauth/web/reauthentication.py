"""Proof asked for again before a sensitive act."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from faceauth import outcomes
from faceauth.audit.log import record
from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal, sentence
from faceauth.ratelimit import limits
from faceauth.web.attempts import ask, opens, photos_in
from faceauth.web.http import FACE_VERIFIED, STATUS, finished, given_next, next_url, user_of, varied, wants_json
from faceauth.web.photo_forms import takes_picture

if TYPE_CHECKING:
    pass


# In the session: when its person last opened their second lock (seconds since 1970), which counts for so many seconds.
MFA_VERIFIED = "faceauth.lock_given"


MFA_VERIFIED_FOR = 300


View = Callable[..., HttpResponseBase]


def mfa_verified(request: HttpRequest) -> bool:
    """Whether the signed-in person has opened their second lock in the last five minutes, or has none."""
    if time.time() - request.session.get(MFA_VERIFIED, 0) <= MFA_VERIFIED_FOR:
        return True
    return not authenticators.has_mfa(request.user)  # type: ignore[arg-type]  # they are signed in


def requires_mfa(back: str = "") -> Callable[[View], View]:
    """A view, for people who are signed in, that first asks those for their second lock who have one.

    Then it goes on with the view, or with the page that is called `back`: a form is not sent a second time.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if mfa_verified(request):
                return view(request, *args, **kwargs)
            return ask_for_mfa(request, reverse(back) if back else request.path)

        return asking

    return decorator


def ask_for_mfa(request: HttpRequest, back: str) -> HttpResponse:
    page = f"{reverse('faceauth:second_factor')}?{urlencode({'next': back})}"
    if not wants_json(request):
        return redirect(page)
    content = {
        "outcome": Outcome.REFUSED,
        "reason": Reason.MFA_REQUIRED,
        "message": sentence(Outcome.REFUSED, Reason.MFA_REQUIRED),
        "next": page,
    }
    return JsonResponse(content, status=403)


VERIFIED_FOR = 300


@login_required
def show_reauthentication(
    request: HttpRequest, recognition: Recognition | None = None, message: str = ""
) -> HttpResponse:
    message = message or (sentence(recognition.outcome, recognition.reason) if recognition else "")
    status = STATUS[recognition.outcome] if recognition else 200
    context = {"next": given_next(request), "message": message, "liveness": conf().LIVENESS}
    if wants_json(request) and recognition:
        content = {"outcome": recognition.outcome, "reason": recognition.reason, "message": message}
        return finished(JsonResponse(content, status=status), recognition)
    response = render(request, "faceauth/reauthenticate.html", context, status=status)
    return finished(response, recognition) if recognition else varied(response)


@takes_picture(show_reauthentication, lambda: limits.RECOGNITION_CALLS)
@login_required
def reauthenticate_view(request: HttpRequest) -> HttpResponse:
    """Look at the person once more, before something that cannot be undone. Nobody's session changes by it."""
    if request.method != "POST":
        return show_reauthentication(request)
    photos, method = photos_in(request)
    if isinstance(photos, Refusal):
        recognition = outcomes.refused(photos.reason)
    else:
        with ExitStack() as stack:
            for photo in photos:
                stack.enter_context(photo)
            recognition = ask(request, photos, enrol=False)
        if recognition.outcome == Outcome.STRANGER or (recognition.user and recognition.user != request.user):
            recognition = outcomes.refused(Reason.DIFFERENT_PERSON, recognition.similarity, user_of(request))
        elif not opens(recognition, method):
            recognition = outcomes.refused(Reason.LIVENESS_REQUIRED, recognition.similarity, user_of(request))
    limits.settle(request, recognition.outcome, recognition.reason, recognition.searched)
    record(request, recognition, method)
    if recognition.user is None:
        return show_reauthentication(request, recognition)
    request.session[FACE_VERIFIED] = time.time()
    return redirect(next_url(request))


def face_verified(request: HttpRequest) -> bool:
    return bool(time.time() - request.session.get(FACE_VERIFIED, 0) <= VERIFIED_FOR)


def ask_for_face(back: str) -> HttpResponse:
    return redirect(f"{reverse('faceauth:reauthenticate')}?next={back}")

"""Proof asked for again before a sensitive act: the face, and the second factor where there is one.

Whoever has no face here yet gives their password again, or has signed in just now.

`SENSITIVE` is the one list of these acts. `ReauthenticationMiddleware` asks for the proof before any of them; a test
walks every URL of the site and fails for one that is neither here nor on its list of harmless ones.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from faceauth.audit import changes
from faceauth.audit.changes import Kind
from faceauth.audit.log import record
from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, refused
from faceauth.policy import accounts, photo_logins
from faceauth.ratelimit import limits
from faceauth.web import refused_photos
from faceauth.web.http import (
    FACE_VERIFIED,
    LIVENESS_VERIFIED,
    Result,
    answer,
    given_next,
    next_url,
    note_verified,
    result_of,
    throttled,
    user_of,
)
from faceauth.web.photo_forms import drain, takes_pictures
from faceauth.web.recognise import of_user, recognise
from faceauth.web.uploads import pictures_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE = "faceauth/reauthenticate.html"

# In the session: when its person gave their second factor, and when they signed in or gave their password once more.
# Seconds since 1970.
MFA_VERIFIED = "faceauth.mfa_verified"
SIGNED_IN = "faceauth.signed_in"

PROOF_LASTS = 300  # seconds

# What hands something out or changes who gets in, by the name of its URL; and the page to come back to, for a form is
# not sent a second time. FACEAUTH["SENSITIVE"] adds those of the site.
SENSITIVE: dict[str, str] = {
    "faceauth:end_session": "faceauth:account#devices",
    "faceauth:end_others": "faceauth:account#devices",
    "faceauth:remove_face": "faceauth:account#face",
    "faceauth:add_passkey": "faceauth:add_passkey",
    "faceauth:add_app": "faceauth:add_app",
    "faceauth:recovery_codes": "faceauth:account#second-factors",
    "faceauth:remove_factor": "faceauth:account#second-factors",
    "faceauth:photo_logins": "faceauth:account#face",
    "faceauth:trust_device": "faceauth:trust_device",
    "faceauth:approve_device": "faceauth:account#devices",
    "faceauth:end_device": "faceauth:account#devices",
    "faceauth:end_devices": "faceauth:account#devices",
    "faceauth:take_back": "faceauth:account#changes",
    "faceauth:device_check": "faceauth:account#devices",
    "faceauth:export": "faceauth:export",
    "faceauth:forget": "faceauth:forget",
    "faceauth:withdraw": "faceauth:withdraw",
}
# Sensitive in a POST alone: the page itself only shows.
SENSITIVE_POSTS: dict[str, str] = {"faceauth:faces": "faceauth:faces"}


class ReauthenticationMiddleware:
    """Ask for a fresh proof before a sensitive act of somebody who signed in by their face."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        back = back_of(name, request.method or "")
        if back is None or not request.user.is_authenticated or not accounts.may_sign_in(user_of(request)):
            return None
        asked = ask_for_proof(request, request.path if back == name and not kwargs else url_of(back))
        if asked is not None and request.method == "POST":
            drain(request)
        if asked is None and name in conf().SENSITIVE:
            note_act(request)
        return asked


def note_act(request: HttpRequest) -> None:
    """Note an act of the site's own list, which its view does next."""
    if request.method == "GET":
        changes.record(request, user_of(request), Kind.EXPORTED)
    elif request.method not in ("HEAD", "OPTIONS"):
        changes.record(request, user_of(request), Kind.SITE_ACT)


def back_of(name: str, method: str) -> str | None:
    """The page to come back to after the proof; None where this is no sensitive act."""
    posts = {**SENSITIVE_POSTS} if method not in ("GET", "HEAD") else {}
    return {**SENSITIVE, **posts, **conf().SENSITIVE}.get(name)


def url_of(back: str) -> str:
    """The address of a page, given as the name of its URL and the section of it."""
    name, mark, part = back.partition("#")
    return reverse(name) + mark + part


def ask_for_proof(request: HttpRequest, back: str) -> HttpResponse | None:
    """What to answer instead of the act; None where the proof is fresh."""
    user = user_of(request)
    if not user.faces.exists():
        if not is_fresh(request, SIGNED_IN):
            return demand(request, Reason.PASSWORD_REQUIRED, reverse("faceauth:password"), back)
    elif not face_verified(request):
        return demand(request, Reason.LIVENESS_REQUIRED, reverse("faceauth:reauthenticate"), back)
    if authenticators.has_mfa(user) and not mfa_verified(request):
        return demand(request, Reason.MFA_REQUIRED, reverse("faceauth:second_factor"), back)
    return None


def demand(request: HttpRequest, reason: Reason, page: str, back: str) -> HttpResponse:
    url = f"{page}?{urlencode({'next': back})}"
    return answer(request, Result(Outcome.REFUSED, reason, next=url, page="", status=403))


@receiver(user_logged_in)
def note_signed_in(request: HttpRequest | None, **kwargs: Any) -> None:
    if request is not None and hasattr(request, "session"):
        request.session[SIGNED_IN] = time.time()


def face_verified(request: HttpRequest) -> bool:
    """Whether the face was verified in the last five minutes; by a liveness check, of who has ever passed one."""
    needs_liveness = photo_logins.has_passed_liveness(user_of(request))
    return is_fresh(request, LIVENESS_VERIFIED if needs_liveness else FACE_VERIFIED)


def mfa_verified(request: HttpRequest) -> bool:
    return is_fresh(request, MFA_VERIFIED)


def is_fresh(request: HttpRequest, key: str) -> bool:
    return bool(time.time() - request.session.get(key, 0) <= PROOF_LASTS)


def shown(request: HttpRequest) -> dict[str, Any]:
    return {"next": given_next(request), "photos": conf().PHOTOS, "full": True}


@takes_pictures(PAGE, shown, lambda: limits.RECOGNITION_CALLS, signed_in=True)
def reauthenticate_view(request: HttpRequest) -> HttpResponse:
    """Verify the face of whoever is signed in. Nobody else's session opens by it."""
    if request.method != "POST":
        return render(request, PAGE, shown(request))
    user = user_of(request)
    with limits.attempt(request) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        with pictures_in(request) as pictures:
            recognition = of_user(recognise(pictures.photos), user)
            if recognition.user is not None and not proves(user, pictures.method):
                recognition = refused(Reason.LIVENESS_REQUIRED, recognition.similarity, user, searched=True)
            attempt.settle(recognition.outcome, recognition.reason, recognition.searched)
            record(request, recognition, pictures.method)
            photo = refused_photos.shown_again(pictures, recognition)
    if recognition.user is None:
        result = result_of(recognition, next=request.get_full_path(), page=PAGE, context=shown(request))
        return answer(request, refused_photos.explained(result, pictures.method, photo))
    note_verified(request, pictures.method)
    return answer(request, result_of(recognition, next=next_url(request), page=""))


def proves(user: "User", method: str) -> bool:
    """Whether a picture that came by `method` proves the face: no photo of somebody who has passed a liveness check."""
    return method == SignIn.Method.LIVENESS or (
        not photo_logins.has_passed_liveness(user) and photo_logins.may_sign_in_by(user, method)
    )

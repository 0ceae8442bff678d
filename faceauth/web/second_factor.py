"""The second factor: given after the face, or once more before a sensitive act."""

import json
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from faceauth import outcomes
from faceauth.audit import sessions
from faceauth.audit.log import record
from faceauth.crypto import CannotOpen
from faceauth.mfa import authenticators, trusted_devices, webauthn
from faceauth.mfa.authenticators import Verdict
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.ratelimit import limits
from faceauth.web import pending_login
from faceauth.web.http import MFA_SETTLED, Result, answer, given_next, next_url, open_session, throttled, user_of
from faceauth.web.login import refusal
from faceauth.web.pending_login import Pending
from faceauth.web.reauthentication import MFA_VERIFIED

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

STATUS = {Verdict.WRONG: 422, Verdict.RESTS: 422, Verdict.WAIT: 429}


@never_cache
@sensitive_post_parameters("code", "credential")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_view(request: HttpRequest) -> HttpResponse:
    """The second factor of a sign-in whose face is known; or, in an open session, of its person once more.

    POST takes `credential`, what a passkey has signed, or `code`, of an authenticator app or a recovery code.
    """
    pending = pending_login.current(request)
    if pending is None and not request.user.is_authenticated:
        return redirect(sign_in_url(request))
    user = pending.user if pending else user_of(request)
    if not authenticators.has_mfa(user) and not (pending and trusted_devices.devices_of(user).exists()):
        pending_login.end(request)  # it was removed meanwhile; the face is verified again, and is enough
        return redirect(sign_in_url(request) if pending else next_url(request))
    if request.method != "POST":
        return show_second_factor(request, user)
    with limits.attempt(request, calls=0, kind="second factor") as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded)
        try:
            verdict = verdict_of(request, user)
        except CannotOpen as error:
            logger.error("A one-time code could not be checked: %s", error)
            return show_second_factor(request, user, _("I cannot check one-time codes now. Use a recovery code."), 503)
        if verdict == Verdict.WRONG:
            attempt.settle(Outcome.REFUSED, Reason.MFA_FAILED)
    if verdict == Verdict.OPEN:
        return signed_in(request, user, pending)
    return refused(request, user, pending, verdict)


def sign_in_url(request: HttpRequest) -> str:
    page = reverse("faceauth:login")
    return f"{page}?{urlencode({'next': given_next(request)})}" if given_next(request) else page


@sensitive_variables()
def verdict_of(request: HttpRequest, user: "User") -> Verdict:
    """Whether what was posted is the user's second factor. Raises `CannotOpen`."""
    credential = request.POST.get("credential", "")
    if not credential:
        return authenticators.check(user, request.POST.get("code", ""))
    if not webauthn.opens(request, user, credential):
        return Verdict.WRONG
    authenticators.relent(user)
    return Verdict.OPEN


def signed_in(request: HttpRequest, user: "User", pending: Pending | None) -> HttpResponse:
    """Only now is somebody signed in. The attempt that the log called refused has succeeded after all."""
    url = next_url(request)
    if pending is not None:
        pending_login.end(request)
        open_session(request, user, pending.method, at=pending.verified)
        SignIn.objects.filter(pk=pending.sign_in).update(
            outcome=Outcome.RECOGNISED, reason="", session_key=sessions.stored_key(request.session)
        )
    request.session[MFA_VERIFIED] = time.time()
    request.session[MFA_SETTLED] = str(user.pk)
    return answer(request, Result(Outcome.RECOGNISED, next=url, page=""))


def refused(request: HttpRequest, user: "User", pending: Pending | None, verdict: Verdict) -> HttpResponse:
    """A wrong code is logged, and the fifth ends the sign-in. What was not checked counts for nothing."""
    if verdict == Verdict.WRONG:
        recognition = outcomes.refused(Reason.MFA_FAILED, near=user)
        record(request, recognition, pending.method if pending else "")
        if pending is not None and pending_login.failed(request):
            return answer(request, refusal(request, recognition))
    return show_second_factor(request, user, sentence_for(verdict), STATUS[verdict])


def sentence_for(verdict: Verdict) -> str:
    if verdict == Verdict.WAIT:
        return sentence(Outcome.THROTTLED)
    if verdict == Verdict.RESTS:
        return _("There were too many wrong one-time codes. Use a passkey or a recovery code.")
    return sentence(Outcome.REFUSED, Reason.MFA_FAILED)


def show_second_factor(request: HttpRequest, user: "User", message: str = "", status: int = 200) -> HttpResponse:
    options = webauthn.asking_options(request, user)
    factors = authenticators.factors_of(user)
    reason = {200: Reason.MFA_REQUIRED, 422: Reason.MFA_FAILED}.get(status)
    context = {
        "options": options,
        "app": authenticators.app_of(user) is not None,
        "elsewhere": [factor.host for factor in factors if factor.host] if not options else [],
        "message": message,
        "next": given_next(request),
        "open": request.user.is_authenticated,
        "has_devices": not request.user.is_authenticated and trusted_devices.devices_of(user).exists(),
    }
    result = Result(
        {429: Outcome.THROTTLED, 503: Outcome.UNAVAILABLE}.get(status, Outcome.REFUSED),
        reason,
        message or sentence(Outcome.REFUSED, Reason.MFA_REQUIRED),
        next=request.get_full_path(),
        page="faceauth/second_factor.html",
        context=context,
        data={"passkey": json.loads(options) if options else None},
        status=status,
        retry_after=max(1, authenticators.wait(user)) if status == 429 else None,
    )
    return answer(request, result)

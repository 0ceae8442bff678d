"""The second lock: opening it after the face, and adding, changing and removing it."""

import json
import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from faceauth import outcomes
from faceauth.audit import sessions, user_agents
from faceauth.audit.log import record
from faceauth.crypto import CannotOpen
from faceauth.mfa import authenticators, webauthn
from faceauth.mfa.authenticators import Verdict
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.policy import accounts, capacity, photo_logins
from faceauth.ratelimit import limits
from faceauth.web import pending_login
from faceauth.web.http import given_next, next_url, open_session, user_of, varied, wants_json
from faceauth.web.login import show_answer
from faceauth.web.pending_login import Pending
from faceauth.web.reauthentication import MFA_VERIFIED, ask_for_face, face_verified, requires_mfa

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]

# In the session: the one-time-code app that is being added.
APP = "faceauth.app"

STATUS = {Verdict.WRONG: 422, Verdict.RESTS: 422, Verdict.WAIT: 429}


# At the door ----------------------------------------------------------------------------------------------------------


@never_cache
@sensitive_post_parameters("code", "credential")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@limits.limited(door="second lock")
def second_factor_view(request: HttpRequest) -> HttpResponse:
    """The second lock of a visit whose face is known; or, in an open session, of its person once more.

    POST takes `credential`, what a passkey has signed, or `code`, of an app or a recovery code.
    """
    sign_in = pending_login.current(request)
    if sign_in is None and not request.user.is_authenticated:
        limits.give_back(request)
        return redirect(sign_in_url(request))
    user = sign_in.user if sign_in else user_of(request)
    if not authenticators.has_mfa(user):
        limits.give_back(request)
        pending_login.end(request)  # it was taken away meanwhile; the face shows itself again, and is enough
        return redirect(sign_in_url(request) if sign_in else next_url(request))
    if request.method != "POST":
        return show_second_factor(request, user)
    try:
        verdict = verdict_of(request, user)
    except CannotOpen as error:
        limits.give_back(request)
        logger.error("A one-time code could not be checked: %s", error)
        return show_second_factor(request, user, _("I cannot check one-time codes now. Use a recovery code."), 503)
    if verdict == Verdict.OPEN:
        return signed_in(request, user, sign_in)
    return refused(request, user, sign_in, verdict)


def sign_in_url(request: HttpRequest) -> str:
    door = reverse("faceauth:login")
    return f"{door}?{urlencode({'next': given_next(request)})}" if given_next(request) else door


@sensitive_variables()
def verdict_of(request: HttpRequest, user: "User") -> Verdict:
    """Raises `CannotOpen`."""
    credential = request.POST.get("credential", "")
    if not credential:
        return authenticators.check(user, request.POST.get("code", ""))
    if not webauthn.opens(request, user, credential):
        return Verdict.WRONG
    authenticators.relent(user)
    return Verdict.OPEN


def signed_in(request: HttpRequest, user: "User", sign_in: Pending | None) -> HttpResponse:
    """Only now is somebody signed in. The visit that the log called refused has come in after all."""
    limits.settle(request, Outcome.RECOGNISED)
    url = next_url(request)
    if sign_in is not None:
        pending_login.end(request)
        open_session(request, user, seen=sign_in.seen)
        SignIn.objects.filter(pk=sign_in.sign_in).update(
            outcome=Outcome.RECOGNISED, reason="", session_key=sessions.stored_key(request.session)
        )
    request.session[MFA_VERIFIED] = time.time()
    if not wants_json(request):
        return redirect(url)
    message = sentence(Outcome.RECOGNISED)
    return JsonResponse({"outcome": Outcome.RECOGNISED, "reason": None, "message": message, "next": url})


def refused(request: HttpRequest, user: "User", sign_in: Pending | None, verdict: Verdict) -> HttpResponse:
    """What was not looked at counts for nothing; a wrong code is written down, and the fifth ends the visit."""
    recognition = outcomes.refused(Reason.MFA_FAILED, near=user)
    if verdict == Verdict.WRONG:
        limits.settle(request, recognition.outcome, recognition.reason, recognition.searched)
        record(request, recognition, sign_in.method if sign_in else "")
        if sign_in is not None and pending_login.failed(request):
            return show_answer(request, recognition)
    else:
        limits.give_back(request)
    response = show_second_factor(request, user, sentence_for(verdict), STATUS[verdict])
    if verdict == Verdict.WAIT:
        response.headers["Retry-After"] = str(max(1, authenticators.wait(user)))
    return response


def sentence_for(verdict: Verdict) -> str:
    if verdict == Verdict.WAIT:
        return sentence(Outcome.THROTTLED)
    if verdict == Verdict.RESTS:
        return _("There were too many wrong one-time codes. Use a passkey or a recovery code.")
    return sentence(Outcome.REFUSED, Reason.MFA_FAILED)


def show_second_factor(request: HttpRequest, user: "User", message: str = "", status: int = 200) -> HttpResponse:
    options = webauthn.asking_options(request, user)
    if wants_json(request):
        outcome = {429: Outcome.THROTTLED, 503: Outcome.UNAVAILABLE}.get(status, Outcome.REFUSED)
        reason = {200: Reason.MFA_REQUIRED, 422: Reason.MFA_FAILED}.get(status)
        content = {
            "outcome": outcome,
            "reason": reason,
            "message": message or sentence(Outcome.REFUSED, Reason.MFA_REQUIRED),
            "next": request.get_full_path(),
            "passkey": json.loads(options) if options else None,
        }
        return varied(JsonResponse(content, status=status))
    context = {
        "options": options,
        "app": authenticators.app_of(user) is not None,
        "elsewhere": [lock.host for lock in authenticators.factors_of(user) if lock.host] if not options else [],
        "message": message,
        "next": given_next(request),
        "open": request.user.is_authenticated,
    }
    return varied(render(request, "faceauth/second_factor.html", context, status=status))


# My second lock -------------------------------------------------------------------------------------------------------


def changes_mfa(view: View) -> View:
    """A view that changes the second lock, of people and not operators: who has one gives it, others are looked at."""

    @never_cache
    @login_required
    @wraps(view)
    def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not accounts.may_sign_in(user_of(request)):
            return render(request, "faceauth/mfa.html", {"operator": True}, status=403)
        if not authenticators.has_mfa(user_of(request)) and not face_verified(request):
            return ask_for_face(request.path if request.method in ("GET", "HEAD") else reverse("faceauth:mfa"))
        return cast(HttpResponse, asked(request, *args, **kwargs))

    asked = requires_mfa("faceauth:mfa")(view)
    return asking


@never_cache
@login_required
@require_safe
def mfa_view(request: HttpRequest) -> HttpResponse:
    """What locks there are, and what photos may open. No secret is ever shown again."""
    user = user_of(request)
    if not accounts.may_sign_in(user):
        return render(request, "faceauth/mfa.html", {"operator": True}, status=403)
    return show_mfa(request, user)


def show_mfa(request: HttpRequest, user: "User", message: str = "", status: int = 200) -> HttpResponse:
    context = {
        "locks": list(authenticators.factors_of(user)),
        "app": authenticators.app_of(user) is not None,
        "codes_left": authenticators.codes_left(user),
        "photos": photo_logins.offered(),
        "choice": photo_logins.choice_of(user),
        "choices": photo_logins.Choice.choices,
        "required": capacity.mfa_required(),
        "advice": capacity.advice(user),
        "message": message,
    }
    return render(request, "faceauth/mfa.html", context, status=status)


@sensitive_post_parameters("credential")
@require_http_methods(["GET", "HEAD", "POST"])
@changes_mfa
def passkey_view(request: HttpRequest) -> HttpResponse:
    """GET asks the browser to make a passkey; POST takes the `credential` that it made."""
    user = user_of(request)
    if request.method != "POST":
        return show_passkey(request, user)
    with transaction.atomic():
        made = webauthn.make(request, user, request.POST.get("credential", ""), name_of(request))
        if made is None:
            return show_passkey(request, user, failed=True)
        return added(request, user)


def show_passkey(request: HttpRequest, user: "User", failed: bool = False) -> HttpResponse:
    context = {"options": webauthn.making_options(request, user), "failed": failed}
    return render(request, "faceauth/add_passkey.html", context, status=422 if failed else 200)


@sensitive_post_parameters("code")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@changes_mfa
def app_view(request: HttpRequest) -> HttpResponse:
    """GET shows the secret of a new one-time-code app; POST takes the first `code` that the app made of it."""
    user = user_of(request)
    if authenticators.app_of(user) is not None:
        return redirect("faceauth:mfa")
    app = authenticators.app_to_confirm(user, request.session.get(APP))
    request.session[APP] = app.pk
    verdict = None
    if request.method == "POST":
        with transaction.atomic():
            verdict = authenticators.confirm_app(user, app, request.POST.get("code", ""), name_of(request))
            if verdict == Verdict.OPEN:
                del request.session[APP]
                return added(request, user)
    context = {"drawing": authenticators.drawing(app), "secret": authenticators.secret_text(app), "uri": app.config_url}
    if verdict is not None:
        context["message"] = (
            sentence_for(verdict) if verdict != Verdict.WRONG else _("That was not the code. Try the next one.")
        )
    return render(request, "faceauth/add_authenticator_app.html", context, status=STATUS[verdict] if verdict else 200)


def name_of(request: HttpRequest) -> str:
    """How the person calls it, or the device that it was made with."""
    given = request.POST.get("name", "").replace("\0", "").strip()
    return (given or user_agents.describe(request.headers.get("User-Agent", "")))[:64]


def added(request: HttpRequest, user: "User") -> HttpResponse:
    """A lock was added, so it is given. All other sessions were opened without it: they end."""
    sessions.end_sessions(user, besides=request)
    request.session[MFA_VERIFIED] = time.time()
    if authenticators.codes_left(user):
        return redirect("faceauth:mfa")
    return show_codes(request, user)


@require_POST
@changes_mfa
def codes_view(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes, shown in this answer and never again. Without a lock there is nothing to recover."""
    user = user_of(request)
    return show_codes(request, user) if authenticators.has_mfa(user) else redirect("faceauth:mfa")


@sensitive_variables()
def show_codes(request: HttpRequest, user: "User") -> HttpResponse:
    codes = authenticators.make_recovery_codes(user)
    head = _("Recovery codes of my notebook at %(host)s. Each opens it once, after my face.") % {
        "host": request.get_host()
    }
    context = {"codes": codes, "text": "\r\n".join([head, "", *codes, ""])}
    return render(request, "faceauth/recovery_codes.html", context)


@require_POST
@changes_mfa
def remove_view(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Remove one lock; with the last of them go the recovery codes. Where a lock is required the last one stays."""
    user = user_of(request)
    if kind not in authenticators.KINDS:
        raise Http404
    if authenticators.remove(user, kind, pk, keep_last=capacity.mfa_required()):
        return redirect("faceauth:mfa")
    if authenticators.KINDS[kind].objects.filter(user_id=user.pk, pk=pk).exists():
        message = _("This lock stays, for without it your notebook would not open. Add another one first.")
        return show_mfa(request, user, message, 422)
    raise Http404


@require_POST
@changes_mfa
def photo_logins_view(request: HttpRequest) -> HttpResponse:
    """What photos of the person may open."""
    user = user_of(request)
    choice = request.POST.get("choice")
    if choice not in photo_logins.Choice.values or not photo_logins.offered():
        raise Http404
    if choice == photo_logins.Choice.WITH_LOCK and not authenticators.has_mfa(user):
        return show_mfa(request, user, _("You have no second lock yet. Add one first."), 422)
    photo_logins.choose(user, photo_logins.Choice(choice))
    return redirect("faceauth:mfa")

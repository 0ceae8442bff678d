"""The second factors of a person: adding, renaming and removing them."""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from faceauth.audit import changes, sessions, user_agents
from faceauth.audit.changes import Kind
from faceauth.mfa import authenticators, webauthn
from faceauth.mfa.authenticators import Verdict
from faceauth.models import RecoveryCode
from faceauth.policy import accounts, capacity, photo_logins
from faceauth.web import account
from faceauth.web.http import user_of
from faceauth.web.reauthentication import MFA_VERIFIED
from faceauth.web.second_factor import STATUS, sentence_for

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]

# In the session: the authenticator app that is being added.
APP = "faceauth.app"


def changes_mfa(view: View) -> View:
    """A view that changes the second factors of a person. Operators have none here. The proof that it needs is asked
    for before: see `faceauth.web.reauthentication`."""

    @never_cache
    @login_required
    @wraps(view)
    def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not accounts.may_sign_in(user_of(request)):
            return account.show(request, _("Operators sign in with a password, and have no second factor here."), 403)
        return view(request, *args, **kwargs)

    return asking


@never_cache
@login_required
@require_safe
def mfa_view(request: HttpRequest) -> HttpResponse:
    """Where the second factors were before there was one page of settings."""
    return account.back(request, "second-factors")


@sensitive_post_parameters("credential")
@require_http_methods(["GET", "HEAD", "POST"])
@changes_mfa
def passkey_view(request: HttpRequest) -> HttpResponse:
    """GET asks the browser to make a passkey; POST takes the `credential` that it made."""
    user = user_of(request)
    if not webauthn.AVAILABLE:
        raise Http404("Passkeys need the extra mfa of django-faceauth.")
    if request.method != "POST":
        return show_passkey(request, user)
    with transaction.atomic():
        made = webauthn.make(request, user, request.POST.get("credential", ""), name_of(request))
        if made is None:
            return show_passkey(request, user, failed=True)
        return added(request, user, Kind.PASSKEY_ADDED, made.pk)


def show_passkey(request: HttpRequest, user: "User", failed: bool = False) -> HttpResponse:
    context = {"options": webauthn.making_options(request, user), "failed": failed}
    return render(request, "faceauth/add_passkey.html", context, status=422 if failed else 200)


@sensitive_post_parameters("code")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
@changes_mfa
def app_view(request: HttpRequest) -> HttpResponse:
    """GET shows the secret of a new authenticator app; POST takes the first `code` that the app made of it."""
    user = user_of(request)
    if authenticators.app_of(user) is not None:
        return account.back(request, "second-factors")
    app = authenticators.app_to_confirm(user, request.session.get(APP))
    request.session[APP] = app.pk
    verdict = None
    if request.method == "POST":
        with transaction.atomic():
            verdict = authenticators.confirm_app(user, app, request.POST.get("code", ""), name_of(request))
            if verdict == Verdict.OPEN:
                del request.session[APP]
                return added(request, user, Kind.APP_ADDED, app.pk)
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


def added(request: HttpRequest, user: "User", kind: Kind, pk: int) -> HttpResponse:
    """A factor was added, so it is given. All other sessions were opened without it: they end."""
    changes.record(request, user, kind, name_of(request), pk)
    sessions.end_sessions(user, besides=request)
    request.session[MFA_VERIFIED] = time.time()
    if authenticators.codes_left(user):
        return account.back(request, "second-factors")
    return show_codes(request, user)


@require_POST
@changes_mfa
def codes_view(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes, shown in this answer and never again. Without a factor there is nothing to recover."""
    user = user_of(request)
    if not authenticators.has_mfa(user):
        return account.back(request, "second-factors")
    response = show_codes(request, user)
    changes.record(
        request, user, Kind.CODES_MADE, subject=RecoveryCode.objects.filter(user_id=user.pk).latest("pk").salt
    )
    return response


@sensitive_variables()
def show_codes(request: HttpRequest, user: "User") -> HttpResponse:
    codes = authenticators.make_recovery_codes(user)
    head = _("Recovery codes of my notebook at %(host)s. Each works once, after my face.") % {
        "host": request.get_host()
    }
    context = {"codes": codes, "text": "\r\n".join([head, "", *codes, ""])}
    return render(request, "faceauth/recovery_codes.html", context)


@require_POST
@changes_mfa
def remove_view(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Remove one factor; with the last go the recovery codes. Where a factor is required the last one stays."""
    user = user_of(request)
    if kind not in authenticators.KINDS:
        raise Http404
    name = next((it.name for it in authenticators.factors_of(user) if (it.kind, it.pk) == (kind, pk)), "")
    if authenticators.remove(user, kind, pk, keep_last=capacity.mfa_required()):
        changes.record(request, user, Kind.FACTOR_REMOVED, name, f"{kind} {pk}")
        return account.back(request, "second-factors")
    if authenticators.KINDS[kind]._default_manager.filter(user_id=user.pk, pk=pk).exists():
        message = _("This second factor stays: without it your notebook would not open. Add another one first.")
        return account.show(request, message, 422)
    raise Http404


@require_POST
@changes_mfa
def photo_logins_view(request: HttpRequest) -> HttpResponse:
    """What photos of the person may open."""
    user = user_of(request)
    choice = request.POST.get("choice")
    if choice not in photo_logins.Choice.values or not photo_logins.offered():
        raise Http404
    if choice == photo_logins.Choice.WITH_MFA and not authenticators.has_mfa(user):
        return account.show(request, _("You have no second factor yet. Add one first."), 422)
    before = photo_logins.choice_of(user)
    if choice != before:
        photo_logins.choose(user, photo_logins.Choice(choice))
        changes.record(request, user, Kind.PHOTOS_CHANGED, subject=before)
    return account.back(request, "face")

"""The question after a sign-in: may this device know its person?"""

import time

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from faceauth.audit import changes, user_agents
from faceauth.audit.changes import Kind
from faceauth.conf import conf
from faceauth.mfa import trusted_devices
from faceauth.mfa.trusted_devices import COOKIE_AGE
from faceauth.policy import accounts
from faceauth.web import account
from faceauth.web.http import LIVENESS_VERIFIED, given_next, next_url, user_of

LIVENESS_LASTS = 300  # seconds


def name_of(request: HttpRequest) -> str:
    return user_agents.describe(request.headers.get("User-Agent", ""))


def asked_cookie(request: HttpRequest) -> str:
    return "__Host-device_asked" if request.is_secure() else "device_asked"


def should_ask(request: HttpRequest) -> bool:
    """Whether to ask who has just signed in if they trust this device: once, after a liveness check."""
    return (
        conf().PHOTOS != "open"
        and liveness_verified(request)
        and asked_cookie(request) not in request.COOKIES
        and accounts.may_sign_in(user_of(request))
        and not trusted_devices.is_trusted(request, user_of(request))
    )


def question_url(where: str) -> str:
    """The page with the question, which then goes on to `where`."""
    return f"{reverse('faceauth:trust_device')}?{urlencode({'next': where})}"


def liveness_verified(request: HttpRequest) -> bool:
    return bool(time.time() - request.session.get(LIVENESS_VERIFIED, 0) <= LIVENESS_LASTS)


@never_cache
@login_required
@sensitive_post_parameters("public_key", "signature")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def trust_view(request: HttpRequest) -> HttpResponse:
    """GET asks whether this device may know its person. POST takes the `answer`, and a new key of the browser."""
    user = user_of(request)
    if not accounts.may_sign_in(user) or conf().PHOTOS == "open":
        raise Http404
    if not liveness_verified(request):  # of a no as well: it silences the question for more than a year
        page = reverse("faceauth:reauthenticate")
        return redirect(f"{page}?{urlencode({'next': reverse('faceauth:trust_device')})}")
    if request.method == "POST" and request.POST.get("answer") != "yes":
        return declined(request)
    if request.method != "POST":
        context = {"challenge": trusted_devices.challenge(request), "next": given_next(request)}
        return render(request, "faceauth/trust_device.html", context)
    given = (request.POST.get("public_key", ""), request.POST.get("signature", ""))
    key = trusted_devices.new_key(request, *given) if all(given) else None
    response = onwards(request)
    trusted_devices.set_cookie(request, response, trusted_devices.trust(request, user, name_of(request), key))
    trusted = trusted_devices.devices_of(user)[0]
    changes.record(request, user, Kind.DEVICE_TRUSTED, trusted.name, trusted.pk)
    return response


def onwards(request: HttpRequest) -> HttpResponse:
    return redirect(next_url(request)) if given_next(request) else account.back(request, "devices")


def declined(request: HttpRequest) -> HttpResponse:
    """The browser keeps that it was asked, and nothing of whom."""
    response = onwards(request)
    response.set_cookie(
        asked_cookie(request), "1", COOKIE_AGE, secure=request.is_secure(), httponly=True, samesite="Strict"
    )
    return response

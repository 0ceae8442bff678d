"""Trusted devices: the key's answer at sign-in, a yes to a new device, and their end."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from faceauth.audit import changes
from faceauth.audit.changes import Kind
from faceauth.liveness import requests
from faceauth.mfa import device_approvals, trusted_devices
from faceauth.outcomes import Outcome, Reason
from faceauth.policy import accounts, quick_checks
from faceauth.ratelimit import limits
from faceauth.web import account, device_question, pending_login
from faceauth.web.http import given_next, throttled, user_of, varied
from faceauth.web.second_factor import sign_in_url, signed_in
from privatekit.negotiation import wants_json

View = Callable[..., HttpResponse]


# At sign-in -----------------------------------------------------------------------------------------------------------


@never_cache
@sensitive_post_parameters("signature")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def proof_view(request: HttpRequest) -> JsonResponse:
    """GET answers a fresh challenge for a browser that has a key, POST takes its `signature`."""
    if request.method == "POST":
        return JsonResponse({"proven": trusted_devices.prove(request, request.POST.get("signature", ""))})
    asks = trusted_devices.asks_for_proof(request)
    return JsonResponse({"challenge": trusted_devices.challenge(request) if asks else ""})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def approval_view(request: HttpRequest) -> HttpResponse:
    """A sign-in that lacks its second factor asks for a yes on a trusted device: POST asks, or goes on after a yes."""
    pending = pending_login.current(request)
    if pending is None:
        return redirect(sign_in_url(request))
    if not trusted_devices.devices_of(pending.user).exists():
        raise Http404
    if request.method == "POST":
        if device_approvals.taken(request, pending.user):
            return signed_in(request, pending.user, pending)
        if request.POST.get("again") or device_approvals.asked(request, pending.user) is None:
            with limits.attempt(request, calls=0, kind="second factor") as attempt:
                if attempt.exceeded:
                    return throttled(request, attempt.exceeded)
                attempt.settle(
                    Outcome.REFUSED, Reason.MFA_REQUIRED
                )  # a failure, or somebody asks until a yes slips out
                device_approvals.ask(request, pending.user, device_question.name_of(request))
    made = device_approvals.asked(request, pending.user)
    state = "over" if made is None else "waiting" if made.approved_by_id is None else "approved"
    content = {"state": state, "number": made.number if made else None}
    if wants_json(request):
        return varied(JsonResponse(content))
    return varied(render(request, "faceauth/device_approval.html", content | {"next": given_next(request)}))


# The list -------------------------------------------------------------------------------------------------------------


def changes_devices(view: View) -> View:
    """A view that changes the devices of a person. Operators have none. The proof that it needs is asked for before."""

    @never_cache
    @login_required
    @wraps(view)
    def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not accounts.may_sign_in(user_of(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return asking


@never_cache
@login_required
@require_safe
def devices_view(request: HttpRequest) -> HttpResponse:
    """The person's trusted devices as JSON; the page is among the settings."""
    if wants_json(request):
        return varied(JsonResponse({"devices": account.devices_of(request, user_of(request))}))
    return account.back(request, "devices")


@require_POST
@changes_devices
def check_view(request: HttpRequest) -> HttpResponse:
    """Take how much a check asks for on the person's trusted devices: `check`."""
    user, given = user_of(request), request.POST.get("check", "")
    before = quick_checks.choice_of(user)
    if given in dict(quick_checks.choices_for(user)) and given != before:
        quick_checks.choose(user, requests.Kind(given))
        changes.record(request, user, Kind.CHECK_CHANGED, subject=before)
    return account.back(request, "devices")


@require_POST
@changes_devices
def end_device_view(request: HttpRequest, pk: int) -> HttpResponse:
    """End the trust in one device of the person."""
    user = user_of(request)
    device = trusted_devices.devices_of(user).filter(pk=pk).first()
    if not trusted_devices.end(user, pk):
        raise Http404
    changes.record(request, user, Kind.DEVICE_ENDED, device.name if device else "", pk)
    return account.back(request, "devices")


@require_POST
@changes_devices
def end_devices_view(request: HttpRequest) -> HttpResponse:
    """End the trust in all devices of the person."""
    if trusted_devices.end_all(user_of(request)):
        changes.record(request, user_of(request), Kind.DEVICE_ENDED)
    return account.back(request, "devices")


@require_POST
@changes_devices
def approve_view(request: HttpRequest) -> HttpResponse:
    """Answer a new device that waits: `number` is the one that it shows; without one, nobody is let in."""
    user, given = user_of(request), request.POST.get("number", "")
    number = int(given) if given.isascii() and given.isdecimal() and len(given) == 2 else None
    if device_approvals.choose(request, user, number):
        changes.record(request, user, Kind.DEVICE_APPROVED)
        message = _("Your other device may go on now.")
    else:
        message = _("The new device was refused.")
    context = {"message": message, "refused": number is None}
    return render(request, "faceauth/device_approved.html", context)

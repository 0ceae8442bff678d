"""The settings: one page with all that a person can see and change, and their open sessions."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from faceauth.audit import changes, user_agents, words
from faceauth.audit.changes import Kind
from faceauth.audit.sessions import end_session, end_sessions, open_sessions, stored_key
from faceauth.conf import conf
from faceauth.enrolment.faces import MAX_FACES, oldest_stays
from faceauth.mfa import authenticators, device_approvals, trusted_devices, webauthn
from faceauth.models import AccountChange, MFAReset, SignIn, TrustedDevice
from faceauth.policy import accounts, capacity, photo_logins, quick_checks
from faceauth.privacy import forget
from faceauth.web.http import user_of, varied
from privatekit.negotiation import wants_json

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RECENT = 20  # attempts on the page; the export has them all
RECENT_CHANGES = 10
NOTICED = 90  # days for which the page says that an operator reset the second factor; the export says it for ever


def section(name: str) -> str:
    """The address of one section of the page."""
    return f"{reverse('faceauth:account')}#{name}"


def back(request: HttpRequest, name: str) -> HttpResponse:
    """Go back to a section of the page."""
    return redirect(section(name))


@never_cache
@login_required
@require_safe
def account_view(request: HttpRequest) -> HttpResponse:
    """The settings; as JSON, what there is to see in them."""
    return show(request)


def show(request: HttpRequest, message: str = "", status: int = 200) -> HttpResponse:
    """The page, with what could not be done."""
    user = user_of(request)
    seen = activity(request, user)
    if wants_json(request):
        return varied(JsonResponse(seen | {"devices": devices_of(request, user)}, status=status))
    context = {"message": message, "person": accounts.may_sign_in(user), "is_deleted": forget.deletes_account(user)}
    if context["person"]:
        context |= about_face(user) | about_devices(request, user) | about_factors(user)
    return varied(render(request, "faceauth/account.html", context | seen, status=status))


# What it shows --------------------------------------------------------------------------------------------------------


def activity(request: HttpRequest, user: "User") -> dict[str, Any]:
    since = timezone.now() - timedelta(days=NOTICED)
    here = request.META.get("REMOTE_ADDR")
    resets = MFAReset.objects.filter(user_id=user.pk, done__gte=since).values_list("done", flat=True)
    made = AccountChange.objects.filter(user_id=user.pk)[:RECENT_CHANGES]
    sessions = [
        sign_in_row(sign_in, here) | {"pk": sign_in.pk, "this": sign_in.session_key == stored_key(request.session)}
        for sign_in in open_sessions(user)
    ]
    return {
        "attempts": [sign_in_row(sign_in, here) for sign_in in SignIn.objects.filter(user_id=user.pk)[:RECENT]],
        "sessions": sessions,
        "mfa_resets": list(resets),
        "changes": [change_row(change, here) for change in made],
    }


def sign_in_row(sign_in: SignIn, here: str | None) -> dict[str, object]:
    return {
        "at": sign_in.at,
        "outcome": sign_in.outcome,
        "reason": sign_in.reason,
        "method": sign_in.method,
        "method_text": words.method(sign_in),
        "device": user_agents.describe(sign_in.device),
        "place": words.place(sign_in.address, here),
        "text": words.attempt(sign_in),
    }


def change_row(change: AccountChange, here: str | None) -> dict[str, object]:
    return {
        "at": change.at,
        "kind": change.kind,
        "text": change.get_kind_display(),
        "name": change.name,
        "device": user_agents.describe(change.device),
        "place": words.place(change.address, here),
    }


def about_face(user: "User") -> dict[str, Any]:
    choice = photo_logins.choice_of(user)
    alone = photo_logins.offered() and not photo_logins.has_passed_liveness(user)
    return {
        "faces": list(user.faces.order_by("enrolled", "pk")),
        "most": MAX_FACES,
        "oldest_stays": oldest_stays(user),
        "can_withdraw": forget.can_withdraw(user),
        "photos": photo_logins.offered(),
        "opens_by_photo": alone and photo_logins.may_sign_in_by(user, SignIn.Method.FILE),
        "forgotten_after": conf().PHOTO_ENROLMENT_DAYS if photo_logins.is_not_back(user) else None,
        "choice": choice,
        "choices": photo_logins.Choice.choices,
    }


def about_devices(request: HttpRequest, user: "User") -> dict[str, Any]:
    return {
        "devices": devices_of(request, user),
        "here": trusted_devices.device_of(request, user),
        "question": device_approvals.question(request, user),
        "offered": conf().PHOTOS != "open",
        "days": conf().TRUSTED_DEVICE_DAYS,
        "checks": quick_checks.choices_for(user),
        "check": quick_checks.kind_of(user),
    }


def devices_of(request: HttpRequest, user: "User") -> list[dict[str, object]]:
    here = trusted_devices.device_of(request, user)
    return [device_row(device, here) for device in trusted_devices.devices_of(user)]


def device_row(device: TrustedDevice, here: TrustedDevice | None) -> dict[str, object]:
    return {
        "pk": device.pk,
        "name": device.name,
        "first_used": device.created,
        "last_used": device.last_used,
        "keyed": bool(device.public_key),
        "this": here is not None and device.pk == here.pk,
    }


def about_factors(user: "User") -> dict[str, Any]:
    return {
        "factors": list(authenticators.factors_of(user)),
        "passkeys": webauthn.AVAILABLE,
        "app": authenticators.app_of(user) is not None,
        "codes_left": authenticators.codes_left(user),
        "required": capacity.mfa_required(),
        "advice": capacity.advice(user),
    }


# Sessions -------------------------------------------------------------------------------------------------------------


@never_cache
@login_required
@require_POST
def end_session_view(request: HttpRequest, pk: int) -> HttpResponse:
    """End one open session, which must be the person's own."""
    sign_in = get_object_or_404(SignIn.objects.exclude(session_key=""), pk=pk, user_id=user_of(request).pk)
    changes.record(request, user_of(request), Kind.SESSIONS_ENDED, user_agents.describe(sign_in.device))
    if sign_in.session_key == stored_key(request.session):
        logout(request)
    end_session(sign_in)
    return back(request, "devices")


@never_cache
@login_required
@require_POST
def end_others_view(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    changes.record(request, user_of(request), Kind.SESSIONS_ENDED)
    end_sessions(user_of(request), besides=request)
    return back(request, "devices")

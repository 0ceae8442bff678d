"""Changes of other sessions: the person says that it was them, or takes them back."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from faceauth.audit import changes, sessions
from faceauth.audit.changes import Kind
from faceauth.enrolment import faces
from faceauth.liveness import requests
from faceauth.mfa import authenticators, trusted_devices
from faceauth.models import AccountChange, Face
from faceauth.policy import capacity, photo_logins, quick_checks
from faceauth.web import account
from faceauth.web.http import next_url, user_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Undo = Callable[["User", str], bool]


def remove_passkey(user: "User", pk: str) -> bool:
    return remove_factor(user, "passkey", pk)


def remove_app(user: "User", pk: str) -> bool:
    return remove_factor(user, "app", pk)


def remove_factor(user: "User", kind: str, pk: str) -> bool:
    there = authenticators.KINDS[kind]._default_manager.filter(user_id=user.pk, pk=pk).exists()
    return not there or authenticators.remove(user, kind, int(pk), keep_last=capacity.mfa_required())


def remove_codes(user: "User", salt: str) -> bool:
    authenticators.remove_codes(user, salt)
    return True


def remove_face(user: "User", face_id: str) -> bool:
    there = Face.objects.filter(user_id=user.pk, face_id=face_id).exists()
    return not there or faces.remove(user, UUID(face_id))


def end_device(user: "User", pk: str) -> bool:
    trusted_devices.end(user, int(pk))
    return True


def choose_as_before(user: "User", choice: str) -> bool:
    photo_logins.choose(user, photo_logins.Choice(choice))
    return True


def check_as_before(user: "User", kind: str) -> bool:
    quick_checks.choose(user, requests.Kind(kind))
    return True


# How each is undone: False where it cannot be, because it is the last of what the person needs. The rest cannot be
# undone at all. With each, all other sessions end: whoever did it may still be inside.
UNDO: dict[str, Undo] = {
    Kind.PASSKEY_ADDED: remove_passkey,
    Kind.APP_ADDED: remove_app,
    Kind.CODES_MADE: remove_codes,
    Kind.FACE_ADDED: remove_face,
    Kind.DEVICE_TRUSTED: end_device,
    Kind.PHOTOS_CHANGED: choose_as_before,
    Kind.CHECK_CHANGED: check_as_before,
}
TOO_FEW = {
    Kind.FACE_ADDED: gettext_lazy("This is your only appearance now. Add one of yourself, then take this one back."),
}


@never_cache
@login_required
@require_POST
def confirm_view(request: HttpRequest) -> HttpResponse:
    """The person says that what they were `shown` was their own doing; what the page had no room for is shown next."""
    shown = [int(pk) for pk in request.POST.getlist("shown") if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    changes.answer(changes.unanswered(request, user_of(request)).filter(pk__in=shown[: changes.MOST_SHOWN]))
    return redirect(next_url(request))


@never_cache
@login_required
@require_POST
def take_back_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one change where that is possible, and end all other sessions."""
    user = user_of(request)
    change = get_object_or_404(AccountChange, pk=pk, user_id=user.pk, answered=None)
    if not change.is_sealed():
        raise Http404
    undo = UNDO.get(change.kind)
    sessions.end_sessions(user, besides=request)
    if undo is not None and not undo(user, change.subject):
        too_few = _("Without it your notebook would not open. Add another second factor, then take this one back.")
        return account.show(request, str(TOO_FEW.get(Kind(change.kind), too_few)), 422)
    changes.answer(AccountChange.objects.filter(pk=change.pk))
    changes.record(request, user, Kind.TAKEN_BACK, str(change.get_kind_display()))
    undone = _("It was taken back, and all other sessions were ended.")
    messages.success(request, undone if undo else _("All other sessions were ended."), fail_silently=True)
    return account.back(request, "changes")

"""The account pages: sign-ins, sessions, faces, export and forgetting."""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from faceauth import outcomes
from faceauth.audit import user_agents
from faceauth.audit.log import record
from faceauth.audit.sessions import end_session, end_sessions, open_sessions, stored_key
from faceauth.conf import conf
from faceauth.enrolment.faces import MAX_FACES, add, remove
from faceauth.models import Face, MFAReset, Receipt, SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.policy import accounts, photo_logins
from faceauth.privacy import deletion_ledger, export, forget
from faceauth.ratelimit import limits
from faceauth.vision.photos import Photo
from faceauth.web.http import Result, answer, result_of, throttled, user_of, varied, wants_json
from faceauth.web.photo_forms import takes_pictures
from faceauth.web.recognise import answered
from faceauth.web.uploads import pictures_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User


# What a person types to be forgotten, and how long before that I must have seen them (seconds): whoever sits down at
# an open notebook shall not be able to end it.
FORGET = gettext_noop("forget me")


TRY_AGAIN_AFTER = 30  # seconds after being forgotten: it was asked for just now


RECENT = 30  # visits on the page; the export has them all


NOTICED = 90  # days for which the page says that an operator took the second lock away; the export says it for ever


@never_cache
@login_required
@require_safe
def account_view(request: HttpRequest) -> HttpResponse:
    """Recent visits and open sessions."""
    user = user_of(request)
    recent = [sign_in_row(sign_in) for sign_in in SignIn.objects.filter(user_id=user.pk)[:RECENT]]
    sessions = [
        sign_in_row(sign_in) | {"pk": sign_in.pk, "this": sign_in.session_key == stored_key(request.session)}
        for sign_in in open_sessions(user)
    ]
    since = timezone.now() - timedelta(days=NOTICED)
    mfa_resets = list(MFAReset.objects.filter(user_id=user.pk, done__gte=since).values_list("done", flat=True))
    content = {"visits": recent, "sessions": sessions, "mfa_resets": mfa_resets}
    return varied(JsonResponse(content) if wants_json(request) else render(request, "faceauth/account.html", content))


def sign_in_row(sign_in: SignIn) -> dict[str, object]:
    return {
        "at": sign_in.at,
        "method": sign_in.method,
        "way_text": sign_in.get_method_display(),
        "device": user_agents.describe(sign_in.device),
        "outcome": sign_in.outcome,
        "reason": sign_in.reason,
        "text": text_of(sign_in),
    }


def text_of(sign_in: SignIn) -> str:
    if sign_in.reason == Reason.LIVENESS_REQUIRED:
        return _("a photo of you, which I turned away")
    return str(sign_in.get_reason_display() if sign_in.reason else sign_in.get_outcome_display())


@never_cache
@login_required
@require_POST
def end_session_view(request: HttpRequest, pk: int) -> HttpResponse:
    """End one open session, which must be the person's own."""
    sign_in = get_object_or_404(SignIn.objects.exclude(session_key=""), pk=pk, user_id=user_of(request).pk)
    if sign_in.session_key == stored_key(request.session):
        logout(request)
    end_session(sign_in)
    return redirect("faceauth:account")


@never_cache
@login_required
@require_POST
def end_others_view(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    end_sessions(user_of(request), besides=request)
    return redirect("faceauth:account")


FACES = "faceauth/faces.html"


def shown_faces(request: HttpRequest) -> dict[str, Any]:
    return {
        "faces": user_of(request).faces.all(),
        "can_withdraw": forget.can_withdraw(user_of(request)),
        "endpoint": conf().ENDPOINT,
        "most": MAX_FACES,
        "photos": "never" if photo_logins.has_passed_liveness(user_of(request)) else "open",
        "full": True,
    }


def rows_of(faces: Iterable[Face]) -> list[dict[str, object]]:
    return [
        {"face_id": it.face_id, "enrolled": it.enrolled, "brightness": it.brightness, "sharpness": it.sharpness}
        for it in faces
    ]


@takes_pictures(FACES, shown_faces, lambda: limits.ENROLMENT_CALLS, signed_in=True)
def faces_view(request: HttpRequest) -> HttpResponse:
    """GET lists the enrolled faces. POST takes `file` or `image` and adds one, which must be the person's own."""
    user = user_of(request)
    if request.method != "POST":
        return answer(request, faces_result(request))
    with limits.attempt(request, limits.ENROLMENT_CALLS) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, FACES, **shown_faces(request))
        with pictures_in(request) as pictures:
            recognition = add_face(user, pictures.photos, pictures.method, request.POST.get("consent") == "yes")
            attempt.settle(recognition.outcome, recognition.reason, recognition.searched)
            record(request, Recognition(recognition.outcome, recognition.reason, user), pictures.method)
    return answer(request, faces_result(request, recognition))


def add_face(user: "User", photos: Sequence[Photo] | Refusal, method: str, consented: bool = False) -> Recognition:
    if not accounts.may_sign_in(user):  # an operator uses a password, and would be enrolled for nothing
        return outcomes.refused(Reason.INACTIVE)
    if isinstance(photos, Refusal):
        return outcomes.refused(photos.reason)
    if method != SignIn.Method.LIVENESS and photo_logins.has_passed_liveness(user):
        return outcomes.refused(Reason.LIVENESS_REQUIRED)
    if not consented and not user.faces.exists():
        return outcomes.refused(Reason.CONSENT_REQUIRED)
    consent = conf().CONSENT_VERSION if consented else ""
    return answered(lambda: add(user, photos[0], live=method == SignIn.Method.LIVENESS, consent=consent))


def faces_result(request: HttpRequest, recognition: Recognition | None = None) -> Result:
    data = {"faces": rows_of(user_of(request).faces.all()), "most": MAX_FACES}
    url = reverse("faceauth:faces")
    if recognition is None:
        return Result(next=url, page=FACES, context=shown_faces(request), data=data)
    added = recognition.outcome == Outcome.ENROLLED
    message = _("I know this look of you now.") if added else ""
    page = "" if added else FACES
    return result_of(recognition, message=message, next=url, page=page, context=shown_faces(request), data=data)


@never_cache
@login_required
@require_POST
def remove_face_view(request: HttpRequest, face_id: UUID) -> HttpResponse:
    """Forget one look; never the last, which is what "forget me" is for."""
    user = user_of(request)
    if not user.faces.filter(face_id=face_id).exists():
        raise Http404
    if remove(user, face_id):
        return redirect("faceauth:faces")
    context = shown_faces(request) | {"message": _("I keep your last look.")}
    return render(request, FACES, context, status=422)


@never_cache
@login_required
@require_GET
def export_view(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that is held about the person, as one ZIP of JSON and Markdown."""
    response = StreamingHttpResponse(export.archive(user_of(request)), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="export.zip"'
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def forget_view(request: HttpRequest) -> HttpResponse:
    """Forget the person, who must have been seen just now: their faces, their user, and all that hangs on it."""
    user = user_of(request)
    page = "faceauth/forget.html"
    context = {"word": _(FORGET)}
    if not accounts.may_sign_in(user):
        return render(request, page, context | {"operator": True}, status=403)
    if not forget.deletes_account(user):
        return redirect("faceauth:withdraw")
    if request.method != "POST":
        return render(request, page, context)
    if request.POST.get("word", "").strip().casefold() not in (FORGET, _(FORGET)):
        return render(request, page, context | {"mistyped": True}, status=422)
    receipt = forget.forget(user)
    logout(request)
    return redirect("faceauth:receipt", receipt.pk)


@never_cache
@require_safe
def forgotten_view(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The receipt: which faces were deleted, and when Rekognition confirmed it. Only who was forgotten has the link.

    Whoever looks at it later, while something is left to delete, has it asked for again.
    """
    receipt = get_object_or_404(Receipt, pk=pk)
    if time.time() - receipt.at.timestamp() > TRY_AGAIN_AFTER:
        deletion_ledger.settle(receipt.deletions.all())
    deletions = list(receipt.deletions.all())
    pending = any(deletion.confirmed is None for deletion in deletions)
    if wants_json(request):
        content = {
            "outcome": "forgotten",
            "forgotten": receipt.at,
            "complete": not pending,
            "faces": [
                {"face_id": row.face_id, "requested": row.requested, "deleted": row.confirmed} for row in deletions
            ],
        }
        return varied(JsonResponse(content))
    return varied(
        render(request, "faceauth/receipt.html", {"receipt": receipt, "deletions": deletions, "pending": pending})
    )

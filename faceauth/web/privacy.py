"""Export, and being forgotten."""

import time
from uuid import UUID

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from faceauth.audit import changes
from faceauth.audit.changes import Kind
from faceauth.models import Receipt
from faceauth.policy import accounts
from faceauth.privacy import deletion_ledger, export, forget
from faceauth.web.http import user_of, varied
from privatekit.negotiation import wants_json

# What a person types to be forgotten.
FORGET = gettext_noop("forget me")

TRY_AGAIN_AFTER = 30  # seconds after being forgotten: it was asked for just now


@never_cache
@login_required
@require_GET
def export_view(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that is held about the person, as one ZIP of JSON and Markdown."""
    user = user_of(request)
    changes.record(request, user, Kind.EXPORTED)
    response = StreamingHttpResponse(export.archive(user), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="export.zip"'
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def forget_view(request: HttpRequest) -> HttpResponse:
    """Forget the person: their faces, their user, and all that hangs on it. They type a word to confirm it."""
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

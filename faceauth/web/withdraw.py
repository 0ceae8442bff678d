"""Withdraw the face: it is deleted, and the account goes on without it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from faceauth.audit import changes
from faceauth.privacy import forget
from faceauth.web.http import user_of


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_view(request: HttpRequest) -> HttpResponse:
    """Delete the face of somebody whose account is of use without it. They stay signed in."""
    user = user_of(request)
    if not forget.can_withdraw(user):
        raise Http404
    if request.method != "POST":
        return render(request, "faceauth/withdraw.html", {"faces": user.faces.count()})
    receipt = forget.withdraw(user)
    changes.record(request, user, changes.Kind.FACE_REMOVED)
    return redirect("faceauth:receipt", receipt.pk)

"""The person stops a reset of their second factor."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from faceauth.mfa import resets
from faceauth.web import account
from faceauth.web.http import user_of


@never_cache
@login_required
@require_POST
def stop_view(request: HttpRequest) -> HttpResponse:
    """Whoever is signed in has given the second factor, which is not asked for again: stopping opens nothing."""
    resets.stop(user_of(request))
    return account.back(request, "second-factors")

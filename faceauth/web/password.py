"""The password once more, of somebody who has no face here yet, before a sensitive act."""

import time
from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from faceauth import outcomes
from faceauth.audit.log import record
from faceauth.outcomes import Outcome, Reason
from faceauth.ratelimit import limits
from faceauth.web.http import Result, answer, given_next, next_url, result_of, throttled, user_of
from faceauth.web.reauthentication import SIGNED_IN

PAGE = "faceauth/password.html"


@never_cache
@login_required
@sensitive_post_parameters("password")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def password_view(request: HttpRequest) -> HttpResponse:
    """POST takes `password`, the user's own. Where a face is enrolled the face proves who asks, and nothing else."""
    if user_of(request).faces.exists():
        return redirect(next_url(request))
    context = {"next": given_next(request), "usable": user_of(request).has_usable_password()}
    if request.method != "POST":
        return answer(request, Result(next=request.get_full_path(), page=PAGE, context=context))
    with limits.attempt(request, calls=0, kind="password") as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **context)
        right = cast("AbstractBaseUser", request.user).check_password(request.POST.get("password", ""))
        recognition = outcomes.refused(Reason.PASSWORD_FAILED, near=user_of(request))
        attempt.settle(Outcome.RECOGNISED if right else Outcome.REFUSED, recognition.reason)
    if not right:
        record(request, recognition, "")
        return answer(request, result_of(recognition, next=request.get_full_path(), page=PAGE, context=context))
    request.session[SIGNED_IN] = time.time()
    return answer(request, Result(Outcome.RECOGNISED, next=next_url(request), page=""))

"""The second factor after other ways to sign in: whoever has one gives it before anything else opens.

A sign-in by face asks for it before the session begins. A password, or another site's account, opens the session
first; until the second factor is given, `SecondFactorMiddleware` lets that session reach nothing of the site. A site
that protects single views instead has the decorator `second_factor_required`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from faceauth.mfa import authenticators
from faceauth.outcomes import Outcome, Reason
from faceauth.web.http import MFA_SETTLED, Result, answer, user_of
from faceauth.web.photo_forms import drain

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

# What somebody reaches who has not given it: the page that asks, the way out, and what signs in anew.
OPEN = frozenset(f"faceauth:{name}" for name in ("second_factor", "logout", "login", "device_approval", "receipt"))


def second_factor_exempt(view: View) -> View:
    """Let a view be reached before the second factor is given: a page of help, or a way to sign out."""
    view.faceauth_exempt = True  # type: ignore[attr-defined]
    return view


def second_factor_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Ask for the second factor before this view, of whoever is signed in and has one."""

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return demand(request) or view(request, *args, **kwargs)

    return asking


class SecondFactorMiddleware:
    """Ask for the second factor before every view. It comes after AuthenticationMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in OPEN or getattr(view, "faceauth_exempt", False):
            return None
        return None if match.app_name == "admin" and admin_asks() else demand(request)


def admin_asks() -> bool:
    """Whether the admin asks at its own sign-in, by FACEAUTH["OPERATOR_MFA"]: where it is `OperatorSite`."""
    if not apps.is_installed("django.contrib.admin"):
        return False
    from django.contrib import admin

    return getattr(admin.site, "asks_for_second_factor", False)


def demand(request: HttpRequest) -> HttpResponse | None:
    """The answer that asks for the second factor; None where it was given, or there is none.

    A session that began without one stays open when its person adds one: they proved then who they are.
    """
    if not request.user.is_authenticated or request.session.get(MFA_SETTLED) == str(request.user.pk):
        return None
    if not authenticators.has_mfa(user_of(request)):
        request.session[MFA_SETTLED] = str(request.user.pk)
        return None
    if request.method == "POST":
        drain(request)
    where = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    url = reverse("faceauth:second_factor") + (f"?{urlencode({'next': where})}" if where else "")
    return answer(request, Result(Outcome.REFUSED, Reason.MFA_REQUIRED, next=url, page="", status=403))

"""The admin site of operators: Django's, with the dashboard on its first page and a second factor at its sign-in."""

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from faceauth.conf import conf
from faceauth.mfa import authenticators, webauthn
from faceauth.models.operators import is_vouched
from faceauth.operators import actions, dashboard_page, health_checks, second_factor


class OperatorSite(AdminSite):
    asks_for_second_factor = True
    index_template = "admin/faceauth/index.html"
    login_form = second_factor.OperatorLoginForm

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard is for those who may see the sign-in log."""
        board = {}
        if request.user.has_perm("faceauth.view_signin"):
            board = dashboard_page.context(request.GET.get("range", ""), request.user.has_perm(actions.PERMISSION))
        return super().index(request, board | (extra_context or {}))

    def is_for(self, request: HttpRequest) -> bool:
        """Whether this is an operator, by an account that the site itself has made."""
        return super().has_permission(request) and is_vouched(request.user)  # type: ignore[arg-type]  # signed in

    def has_permission(self, request: HttpRequest) -> bool:
        return self.is_for(request) and second_factor.verified(request)

    def get_urls(self) -> list[Any]:
        return [
            path("second-factor/", self.second_factor_view, name="second_factor"),
            path("health-check/", self.admin_view(self.health_check_view), name="faceauth_health_check"),
            *super().get_urls(),
        ]

    def health_check_view(self, request: HttpRequest) -> HttpResponse:
        """POST starts a health check, GET tells how far it is, in JSON."""
        if not request.user.has_perm(actions.PERMISSION):
            raise PermissionDenied
        if request.method != "POST":
            progress = health_checks.running(conf().COLLECTION)
            return JsonResponse({"running": progress is not None} | (asdict(progress) if progress else {}))
        started = health_checks.start(conf().COLLECTION, request.POST.get("repair") == "yes")
        if not started:
            messages.warning(request, _("A health check is running already."))
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Whoever has given the password goes on to the second factor."""
        if request.method == "GET" and self.is_for(request) and not self.has_permission(request):
            query = urlencode({REDIRECT_FIELD_NAME: self.next_url(request)})
            return HttpResponseRedirect(f"{reverse('admin:second_factor', current_app=self.name)}?{query}")
        return super().login(request, extra_context)

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters("code", "credential"))
    def second_factor_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the second factor, or set it up where there is none."""
        if not self.is_for(request) or self.has_permission(request):
            return HttpResponseRedirect(self.next_url(request))
        if not authenticators.has_mfa(request.user):  # type: ignore[arg-type]  # they are signed in
            return self.set_up(request)
        message = ""
        if request.method == "POST":
            message = second_factor.check(request)
            if not message:
                return HttpResponseRedirect(self.next_url(request))
        options = webauthn.asking_options(request, request.user)  # type: ignore[arg-type]
        context = {"title": _("Second factor"), "options": options, "kind": "get", "message": message}
        return self.page(request, "admin/faceauth/second_factor.html", context)

    def set_up(self, request: HttpRequest) -> HttpResponse:
        codes = second_factor.set_up(request) if request.method == "POST" else []
        if codes:
            return self.page(
                request, "admin/faceauth/recovery_codes.html", {"title": _("Recovery codes"), "codes": codes}
            )
        failed = _("That was not right. Please try again.") if request.method == "POST" else ""
        context = {
            "title": _("Set up your second factor"),
            "kind": "create",
            "message": failed,
        } | second_factor.setup_context(request)
        return self.page(request, "admin/faceauth/set_up_second_factor.html", context)

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        context |= {"next": self.next_url(request), "is_popup": True}  # without the navigation, which needs permission
        status = 422 if context.get("message") else 200
        return TemplateResponse(request, template, {**self.each_context(request), **context}, status=status)

    def next_url(self, request: HttpRequest) -> str:
        given = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME, ""))
        safe = url_has_allowed_host_and_scheme(given, {request.get_host()}, require_https=request.is_secure())
        return given if safe else reverse("admin:index", current_app=self.name)

"""The admin site of operators: Django's, with the dashboard on its first page."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse

from faceauth.operators import dashboard_page


class OperatorSite(AdminSite):
    index_template = "admin/faceauth/index.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard is for those who may see the sign-in log."""
        board = dashboard_page.context() if request.user.has_perm("faceauth.view_signin") else {}
        return super().index(request, board | (extra_context or {}))

"""Django's admin for this app: enrolled people and the sign-in log. Never a picture, template, note or secret.

People are in `people_admin`, what operators do to them in `actions`, the first page in `dashboard`.
"""

import ipaddress
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from faceauth.audit import user_agents
from faceauth.conf import conf
from faceauth.models import Consent, Deletion, Enrolment, Face, HealthCheck, MFAReset, SignIn
from faceauth.operators import sign_ins_csv
from faceauth.operators.admin_base import ReadOnlyAdmin, number_text
from faceauth.operators.people_admin import PersonAdmin, people_named

MAX_PEOPLE_FOUND = 500  # whose sign-ins a search shows


@admin.register(Face)
class FaceAdmin(ReadOnlyAdmin):
    list_display = ("short_face_id", "person", "collection_id", "associated", "enrolled")
    list_filter = ("collection_id", "enrolled")
    list_select_related = ("user",)
    search_fields = ("face_id", f"user__{get_user_model().USERNAME_FIELD}")
    filtered_by = ("collection_id", "enrolled")


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    list_display = (
        "at",
        "outcome_text",
        "reason",
        "times",
        "similarity_text",
        "method",
        "address",
        "device_text",
        "person",
    )
    list_filter = ("outcome", "reason", "method")
    list_select_related = ("user",)
    search_fields = ("address",)  # shows the box; what it finds is in `get_search_results`
    search_help_text = _("An IP address, a FaceId, or the beginning of a name.")
    date_hierarchy = "at"
    filtered_by = ("outcome", "reason", "method", "at", "user")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/faceauth/signin/change_list.html"

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_text(self, sign_in: SignIn) -> SafeString:
        return format_html('<span class="outcome {}">{}</span>', sign_in.outcome, sign_in.get_outcome_display())

    @admin.display(description=_("similarity"), ordering="similarity")
    def similarity_text(self, sign_in: SignIn) -> str:
        return number_text(sign_in.similarity)

    @admin.display(description=_("device"))
    def device_text(self, sign_in: SignIn) -> str:
        return user_agents.describe(sign_in.device)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SignIn], search_term: str
    ) -> tuple[QuerySet[SignIn], bool]:
        """Each kind of term by its index. The people are found first: a join would look for them in every row."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(address=str(ipaddress.ip_address(term))), False
        except ValueError:
            found = people_named(term).values_list("pk", flat=True)[:MAX_PEOPLE_FOUND]
            return queryset.filter(user__in=list(found)), False

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/", export, name="faceauth_signin_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """The list with its filters, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:faceauth_signin_changelist") + "?e=1")
        LogEntry.objects.create(
            user_id=request.user.pk or 0,
            content_type=ContentType.objects.get_for_model(SignIn),
            object_repr=str(SignIn._meta.verbose_name_plural),
            action_flag=CHANGE,
            change_message="Exported as CSV.",
        )
        response = StreamingHttpResponse(sign_ins_csv.rows(shown), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="sign-ins-{timezone.localdate()}.csv"'
        return response


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("person", "text", "given")
    list_filter = ("text", "given")
    list_select_related = ("user",)
    filtered_by = ("text", "given")


@admin.register(Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    """The receipt is not shown: its address belongs to the person who was forgotten."""

    list_display = ("short_face_id", "collection_id", "requested", "confirmed", "tries", "error")
    list_filter = (("confirmed", admin.EmptyFieldListFilter), "error", "collection_id")
    search_fields = ("face_id",)
    exclude = ("receipt",)
    filtered_by = ("confirmed", "error", "collection_id")


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "collection_id", "started")


@admin.register(MFAReset)
class MFAResetAdmin(ReadOnlyAdmin):
    list_display = ("at", "person", "requested_by", "approved_by", "reason", "due", "done", "stopped")
    list_filter = (("done", admin.EmptyFieldListFilter), ("stopped", admin.EmptyFieldListFilter))
    list_select_related = ("user", "requested_by", "approved_by")
    filtered_by = ("done", "stopped")


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin):
    list_display = ("at", "collection_id", "faces", "not_repaired", "repaired", "error")

    @admin.display(description=_("not repaired"))
    def not_repaired(self, health_check: HealthCheck) -> int:
        return health_check.left


if conf().ADMIN_PEOPLE:
    # django-otp's pages show secrets, and let an operator make a second factor for somebody. They registered themselves
    # when they were imported above.
    admin.site.unregister((StaticDevice, TOTPDevice))
    if admin.site.is_registered(User):  # a site with its own user model has its own admin for it
        admin.site.unregister(User)
        admin.site.register(User, PersonAdmin)

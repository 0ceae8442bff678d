"""What operators see: who is remembered and what happened at the door. Never a picture, template, note or secret.

The first page is in `faceauth.operators.dashboard`, what operators do to people in `faceauth.operators.actions`.
"""

import ipaddress
import uuid
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from faceauth.audit import sessions, user_agents
from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Consent, Deletion, Enrolment, Face, HealthCheck, MFAReset, Passkey, SignIn
from faceauth.operators import actions, dashboard, sign_ins_csv
from faceauth.policy import accounts

NOTHING = "\N{EN DASH}"
USERNAME = f"user__{get_user_model().USERNAME_FIELD}"


class Guarded(admin.ModelAdmin[Any]):
    """Lists are only filtered by the fields that they name.

    Django would let whoever sees a list filter it by any of its columns in the address: and so guess, a letter at a
    time, the sessions and receipts that no page shows.
    """

    looked_up: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        named = lookup.partition("__")[0] in self.looked_up
        return named and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]


class ReadOnlyAdmin(Guarded):
    """A log or a mirror: what it shows is made elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Face)
class FaceAdmin(ReadOnlyAdmin):
    list_display = ("face_id", "user", "collection_id", "associated", "enrolled")
    list_filter = ("collection_id", "enrolled")
    list_select_related = ("user",)
    search_fields = ("face_id", USERNAME)
    looked_up = ("collection_id", "enrolled")


class AddressFilter(admin.SimpleListFilter):
    """An address that is typed, rather than a list of all there are."""

    title = gettext_lazy("address")
    parameter_name = "address"
    template = "admin/faceauth/address_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.others = [(name, value) for name, value in request.GET.items() if name not in (self.parameter_name, "p")]
        return [("", "")]  # Django leaves out a filter that has nothing to choose from

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignIn]) -> QuerySet[SignIn]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        try:
            return queryset.filter(address=str(ipaddress.ip_address(value)))
        except ValueError:
            return queryset.none()


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    list_display = ("at", "outcome", "reason", "times", "alike", "method", "address", "device_in_words", "user")
    list_filter = ("outcome", "reason", "method", AddressFilter)
    list_select_related = ("user",)
    search_fields = (USERNAME,)
    search_help_text = gettext_lazy("A FaceId, or how a person's name begins.")
    date_hierarchy = "at"
    looked_up = ("outcome", "reason", "method", "at", "user", "address")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/faceauth/signin/change_list.html"

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["faceauth/dashboard.css"]}

    @admin.display(description=gettext_lazy("similarity"), ordering="similarity")
    def alike(self, sign_in: SignIn) -> str:
        return number(sign_in.similarity)

    @admin.display(description=gettext_lazy("device"))
    def device_in_words(self, sign_in: SignIn) -> str:
        return user_agents.describe(sign_in.device)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SignIn], search_term: str
    ) -> tuple[QuerySet[SignIn], bool]:
        """The people first: joined to a million visits, they would be looked for at each."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(user__in=list(named(search_term).values_list("pk", flat=True)[:MOST_FOUND])), False

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/", export, name="faceauth_signin_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """What the list shows, with its filters, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:faceauth_signin_changelist") + "?e=1")
        LogEntry.objects.create(
            user_id=int(request.user.pk or 0),
            content_type=ContentType.objects.get_for_model(SignIn),
            object_repr=str(SignIn._meta.verbose_name_plural),
            action_flag=CHANGE,
            change_message="Exported as CSV.",
        )
        response = StreamingHttpResponse(
            sign_ins_csv.rows(shown.get_queryset(request)), content_type="text/csv; charset=utf-8"
        )
        response.headers["Content-Disposition"] = f'attachment; filename="door-{timezone.localdate()}.csv"'
        return response


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("user", "text", "given")
    list_filter = ("text", "given")
    list_select_related = ("user",)
    looked_up = ("text", "given")


@admin.register(Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    """The receipt is not shown: its address belongs to who was forgotten."""

    list_display = ("face_id", "collection_id", "requested", "confirmed", "tries", "error")
    list_filter = (("confirmed", admin.EmptyFieldListFilter), "error", "collection_id")
    search_fields = ("face_id",)
    exclude = ("receipt",)
    looked_up = ("confirmed", "error", "collection_id")


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "collection_id", "started")


@admin.register(MFAReset)
class MFAResetAdmin(ReadOnlyAdmin):
    """Who did it stands in Django's own log."""

    list_display = ("at", "user")
    list_select_related = ("user",)


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin):
    list_display = ("at", "collection_id", "faces", "left_to_repair", "repaired", "error")

    @admin.display(description=gettext_lazy("left to repair"))
    def left_to_repair(self, health_check: HealthCheck) -> int:
        return health_check.left


# People ---------------------------------------------------------------------------------------------------------------


class MFAFilter(admin.SimpleListFilter):
    title = gettext_lazy("second lock")
    parameter_name = "locked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("yes")), ("no", _("no"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(Q(("locked", self.value() == "yes")))  # as PersonAdmin.get_queryset annotates


class PeopleList(ChangeList):
    """A page of people, with what the other apps hold of each: asked once for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        shown = list(self.result_list)
        held = dashboard.usage([user.pk for user in shown])
        for user in shown:
            user.held = held.get(user.pk, [])
        self.result_list = shown


class PersonAdmin(Guarded, UserAdmin):  # type: ignore[type-arg]
    """Users as Django has them. Nobody edits a person, gives them a password or opens their notebook by it: the page of
    a person is to be read, and what may be done to them is in `care`."""

    list_display = ("username", "is_active", "looks", "has_mfa", "last_login", "consent", "held")
    list_filter = ("is_active", MFAFilter, "is_staff", "date_joined", "last_login")
    search_fields = ("username",)
    search_help_text = gettext_lazy("A FaceId, or how a person's name begins.")
    ordering = ("-date_joined",)
    looked_up = ("is_active", "is_staff", "date_joined", "last_login", "locked")
    show_facets = admin.ShowFacets.NEVER
    facts = (
        "name",
        "active",
        "date_joined",
        "last_login",
        "all_faces",
        "has_mfa",
        "consents",
        "open_sessions",
        "held",
        "last_sign_ins",
    )

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["faceauth/dashboard.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        looks = Face.objects.filter(user=OuterRef("pk")).order_by().values("user").annotate(n=Count("pk")).values("n")
        consents = Consent.objects.filter(user=OuterRef("pk"))
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(
            face_count=Coalesce(Subquery(looks), 0),
            consent_text=Subquery(consents.values("text")[:1]),
            locked=Exists(Passkey.objects.filter(user=OuterRef("pk")))
            | Exists(AuthenticatorApp.objects.filter(user=OuterRef("pk"), confirmed=True)),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=named(search_term).values("pk")), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PeopleList

    # What may be done: nothing but `care`, to people.

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and a_person(obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: people are forgotten, through the ledger."""
        return False

    def has_care_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(actions.PERMISSION)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_care_permission(request):
            return {}
        return {name: (ask_about, name, act.label) for name, act in actions.ACTIONS.items()}

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.action_view)
        return [path("care/<slug:name>/", view, name="auth_user_action"), *super().get_urls()]

    def action_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """GET asks about one person, POST does what was confirmed; with more to do than a request can, it goes on."""
        if not (self.has_view_permission(request) and self.has_care_permission(request)):
            raise PermissionDenied
        if name not in actions.ACTIONS:
            raise Http404
        named = request.POST.get("people", request.GET.get("person", ""))
        keys = [key for key in map(count_in, named.split(",")) if key]
        if not keys:
            return HttpResponseRedirect(reverse("admin:auth_user_changelist"))
        if request.method != "POST" or request.POST.get("confirmed") != "yes":
            return self.confirm(request, name, keys)
        progress = actions.carry_out(name, request.user, keys)  # type: ignore[arg-type]
        for user, why in progress.refused:
            self.message_user(request, f"{user}: {why}", messages.WARNING)
        done = count_in(request.POST.get("done")) + progress.done
        total = max(count_in(request.POST.get("total")), len(keys))
        if progress.left:
            context = {"left": progress.left, "done": done, "total": total, "passed": total - len(progress.left)}
            return self.action_page(request, name, "admin/faceauth/action_progress.html", context)
        self.tell(request, name, done)
        return HttpResponseRedirect(reverse("admin:auth_user_changelist"))

    def confirm(self, request: HttpRequest, name: str, keys: list[int]) -> HttpResponse:
        chosen = User.objects.filter(pk__in=keys[:MOST_NAMED]).order_by("pk")
        rows = [(user, actions.refusal(request.user, user)) for user in chosen]  # type: ignore[arg-type]
        context = {"left": keys, "total": len(keys), "chosen": rows, "more": max(0, len(keys) - MOST_NAMED)}
        return self.action_page(request, name, "admin/faceauth/action.html", context)

    def action_page(self, request: HttpRequest, name: str, template: str, context: dict[str, Any]) -> HttpResponse:
        act = actions.ACTIONS[name]
        common = self.admin_site.each_context(request) | {"opts": self.opts, "title": act.label, "media": self.media}
        keys = ",".join(map(str, context["left"]))
        return TemplateResponse(request, template, common | {"name": name, "act": act, "people": keys} | context)

    def tell(self, request: HttpRequest, name: str, done: int) -> None:
        what = ngettext("%(act)s: %(count)d person.", "%(act)s: %(count)d people.", done)
        self.message_user(request, what % {"act": actions.ACTIONS[name].label, "count": done})
        waiting = Deletion.objects.filter(confirmed=None).count() if name == "forget" else 0
        if waiting:
            what = ngettext(
                "%(count)d face waits to be deleted in Rekognition: it opens nothing.",
                "%(count)d faces wait to be deleted in Rekognition: they open nothing.",
                waiting,
            )
            self.message_user(request, what % {"count": waiting}, messages.WARNING)

    # What is shown.

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        facts = (None, {"fields": self.facts})
        if not self.has_change_permission(request, obj):
            return (facts,)
        account, _personal, permissions, dates = super().get_fieldsets(request, obj)
        rest = [fact for fact in self.facts if fact not in ("name", "active", "last_login", "date_joined")]
        return (account, permissions, dates, (_("Door"), {"fields": rest}))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.facts

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        acts = {}
        if self.has_care_permission(request):
            user = self.get_object(request, object_id)
            senseless = {"deactivate" if user and not user.is_active else "activate"}
            if user is None or not authenticators.has_mfa(user):
                senseless.add("clear_lock")
            acts = {name: act for name, act in actions.ACTIONS.items() if name not in senseless}
        return super().change_view(request, object_id, form_url, {"acts": acts} | (extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was done, in the language of who reads it: the log keeps `care`'s sentences in English."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            for entry in response.context_data["action_list"]:
                entry.change_message = _(entry.change_message)
        return response

    @admin.display(description=gettext_lazy("name"))
    def name(self, user: User) -> str:
        return user.get_username()

    @admin.display(description=gettext_lazy("active"), boolean=True)
    def active(self, user: User) -> bool:
        return user.is_active

    @admin.display(description=gettext_lazy("looks"), ordering="look_count")
    def looks(self, user: User) -> int:
        return int(getattr(user, "look_count", 0))

    @admin.display(description=gettext_lazy("second lock"), boolean=True, ordering="locked")
    def has_mfa(self, user: User) -> bool:
        return authenticators.has_mfa(user) if not hasattr(user, "locked") else bool(user.locked)

    @admin.display(description=gettext_lazy("consent"), ordering="consent_text")
    def consent(self, user: User) -> str:
        return getattr(user, "consent_text", None) or NOTHING

    @admin.display(description=gettext_lazy("holds"))
    def held(self, user: User) -> str:
        """Counts, and nothing else."""
        found = getattr(user, "held", None)
        if found is None:
            found = dashboard.usage([user.pk]).get(user.pk, [])
        return _(", ").join(f"{it.name} {it.count}" for it in found) or NOTHING

    @admin.display(description=gettext_lazy("looks"))
    def all_faces(self, user: User) -> SafeString | str:
        heads = (
            _("FaceId"),
            _("enrolled"),
            _("collection"),
            _("in the user vector"),
            _("brightness"),
            _("sharpness"),
        )
        return table(
            heads,
            (
                (face.face_id, written(face.enrolled), face.collection_id, _("yes") if face.associated else _("no"),
                 number(face.brightness), number(face.sharpness))
                for face in user.faces.all()
            ),
        )  # fmt: skip

    @admin.display(description=gettext_lazy("consents"))
    def consents(self, user: User) -> SafeString | str:
        given = user.consents.all()
        return table((_("version of the text"), _("given")), ((it.text, written(it.given)) for it in given))

    @admin.display(description=gettext_lazy("open sessions"))
    def open_sessions(self, user: User) -> int | str:
        if user.has_usable_password():  # whoever comes in by it is not in the log of the door, which counts them
            return NOTHING
        return sum(1 for _visit in sessions.open_sessions(user))

    @admin.display(description=gettext_lazy("last visits"))
    def last_sign_ins(self, user: User) -> SafeString | str:
        return table(
            (_("at"), _("outcome"), _("reason"), _("similarity"), _("device")),
            (
                (written(it.at), it.get_outcome_display(), it.get_reason_display(), number(it.similarity),
                 user_agents.describe(it.device))
                for it in user.sign_ins.all()[:10]
            ),
        )  # fmt: skip


MOST_FOUND = 500  # people whose visits a search shows
MOST_DIGITS = 18  # of a primary key: what has more does not fit in eight bytes
MOST_NAMED = 50  # people on the page that asks; more are counted


def named(term: str) -> QuerySet[User]:
    """Who has this FaceId, or a name that begins so: by indexes, among a million people too."""
    term = term.strip()
    try:
        face_id = uuid.UUID(term)
    except ValueError:
        return User.objects.filter(username__startswith=term)
    owners = Face.objects.filter(face_id=face_id).values("user")
    return User.objects.filter(Q(username=str(face_id)) | Q(username=term) | Q(pk__in=owners))


def ask_about(model_admin: PersonAdmin, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse:
    """Every action of the list first asks."""
    name = request.POST.get("action", "")
    return model_admin.confirm(request, name, list(queryset.order_by("pk").values_list("pk", flat=True)))


def a_person(user: User) -> bool:
    """Who comes in by a face, or would: not an account that has a password."""
    return not accounts.is_operator(user) and (not user.has_usable_password() or user.faces.exists())


def count_in(text: str | None) -> int:
    """A number that the page has sent back; 0 for anything else, and for what no database can count."""
    return int(text) if text and text.isdecimal() and len(text) <= MOST_DIGITS else 0


def written(at: Any) -> str:
    return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def number(value: float | None) -> str:
    return NOTHING if value is None else formats.number_format(round(value, 1))


def table(heads: tuple[str | Promise, ...], rows: Any) -> SafeString | str:
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    if not body:
        return NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((it,) for it in heads))
    return format_html('<table class="person-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


# django-otp's own pages show secrets, and would let an operator make a lock for somebody. They are registered when they
# are imported, which has happened above.
admin.site.unregister((StaticDevice, TOTPDevice))

if admin.site.is_registered(User):  # a site with a user model of its own has its own admin for it
    admin.site.unregister(User)
    admin.site.register(User, PersonAdmin)

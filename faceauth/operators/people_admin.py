"""The people in Django's admin: to be read, and changed by `actions` alone.

Nobody edits a person, gives them a password or deletes them here. Accounts with a password stay as Django has them.
"""

import uuid
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from faceauth.audit import sessions, user_agents
from faceauth.mfa import resets
from faceauth.models import AuthenticatorApp, Consent, Deletion, Face, Passkey
from faceauth.operators import actions, dashboard
from faceauth.operators.admin_base import NOTHING, FilteredAdmin, date_text, number_text, short_name, table
from faceauth.policy import accounts

MAX_KEY_DIGITS = 18  # of a primary key: a longer number does not fit into eight bytes
MAX_LISTED = 50  # people on the page that asks; the rest are counted


class MFAFilter(admin.SimpleListFilter):
    title = gettext_lazy("second factor")
    parameter_name = "with_mfa"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("yes")), ("no", _("no"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(Q(("with_mfa", self.value() == "yes")))  # annotated by PersonAdmin.get_queryset


class PersonAdmin(FilteredAdmin, UserAdmin):  # type: ignore[type-arg]
    list_display = ("short_username", "is_active", "face_count", "has_mfa", "last_login", "consent")
    list_filter = ("is_active", MFAFilter, "is_staff", "date_joined", "last_login")
    search_fields = ("username",)
    search_help_text = gettext_lazy("A FaceId, or the beginning of a name.")
    ordering = ("-date_joined",)
    filtered_by = ("is_active", "is_staff", "date_joined", "last_login", "with_mfa")
    show_facets = admin.ShowFacets.NEVER
    change_form_template = "admin/faceauth/person/change_form.html"
    account_facts = ("name", "active", "date_joined", "last_login")
    face_facts = ("all_faces", "has_mfa", "consents", "open_sessions", "stored", "last_sign_ins")
    facts = account_facts + face_facts

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["faceauth/dashboard.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        mine = Q(user=OuterRef("pk"))
        faces = Face.objects.filter(mine).order_by().values("user").annotate(n=Count("pk")).values("n")
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(
            faces_enrolled=Coalesce(Subquery(faces), 0),
            consent_text=Subquery(Consent.objects.filter(mine).values("text")[:1]),
            with_mfa=Exists(Passkey.objects.filter(mine))
            | Exists(AuthenticatorApp.objects.filter(mine, confirmed=True)),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=people_named(search_term).values("pk")), False

    # Permissions and actions ------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and is_person(obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: people are forgotten, through the deletion ledger."""
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(actions.PERMISSION)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_act_permission(request):
            return {}
        return {name: (ask_about, name, action.label) for name, action in actions.ACTIONS.items()}

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.action_view)
        return [path("action/<slug:name>/", view, name="auth_user_action"), *super().get_urls()]

    def action_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """GET asks about one person. POST does what was confirmed; what takes longer goes on in further requests."""
        if not (self.has_view_permission(request) and self.has_act_permission(request)):
            raise PermissionDenied
        if name not in actions.ACTIONS:
            raise Http404
        sent = request.POST.get("people", request.GET.get("person", ""))
        keys = [key for key in map(parse_count, sent.split(",")) if key]
        if not keys:
            return HttpResponseRedirect(reverse("admin:auth_user_changelist"))
        if request.method != "POST" or request.POST.get("confirmed") != "yes":
            return self.confirm(request, name, keys)
        order = actions.Order(request.user, reason_in(request))  # type: ignore[arg-type]
        progress = actions.carry_out(name, order, keys)
        for user, why in progress.refused:
            self.message_user(request, f"{user}: {why}", messages.WARNING)
        done = parse_count(request.POST.get("done")) + progress.done
        total = max(parse_count(request.POST.get("total")), len(keys))
        if progress.left:
            context = {"left": progress.left, "done": done, "total": total, "passed": total - len(progress.left)}
            return self.action_page(request, name, "admin/faceauth/action_progress.html", context)
        self.report(request, name, done)
        return HttpResponseRedirect(reverse("admin:auth_user_changelist"))

    def confirm(self, request: HttpRequest, name: str, keys: list[int]) -> HttpResponse:
        chosen = User.objects.filter(pk__in=keys[:MAX_LISTED]).order_by("pk")
        rows = [(user, actions.refusal(request.user, user), resets.pending(user)) for user in chosen]  # type: ignore[arg-type]
        context = {"left": keys, "total": len(keys), "chosen": rows, "more": max(0, len(keys) - MAX_LISTED)}
        return self.action_page(request, name, "admin/faceauth/action.html", context)

    def action_page(self, request: HttpRequest, name: str, template: str, context: dict[str, Any]) -> HttpResponse:
        action = actions.ACTIONS[name]
        common = self.admin_site.each_context(request) | {"opts": self.opts, "title": action.label, "media": self.media}
        common |= {"name": name, "action": action, "people": ",".join(map(str, context["left"]))}
        common |= {"reason": reason_in(request)}
        return TemplateResponse(request, template, common | context)

    def report(self, request: HttpRequest, name: str, done: int) -> None:
        text = ngettext("%(action)s: %(count)d person.", "%(action)s: %(count)d people.", done)
        self.message_user(request, text % {"action": actions.ACTIONS[name].label, "count": done})
        pending = Deletion.objects.filter(confirmed=None).count() if name == "forget" else 0
        if pending:
            self.message_user(request, dashboard.pending_text(pending), messages.WARNING)

    # A person's page --------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": self.facts}),)
        account, _personal, permissions, dates = super().get_fieldsets(request, obj)
        return (account, permissions, dates, (_("Sign-in"), {"fields": self.face_facts}))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.facts

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        user = self.get_object(request, object_id) if self.has_act_permission(request) else None
        offered = {name: it for name, it in actions.ACTIONS.items() if user is not None and it.applies(user)}
        return super().change_view(request, object_id, form_url, {"actions": offered} | (extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """In the reader's language: the log keeps the sentences of `actions` in English."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            for entry in response.context_data["action_list"]:
                entry.change_message = _(entry.change_message)
        return response

    @admin.display(description=gettext_lazy("name"), ordering="username")
    def short_username(self, user: User) -> SafeString | str:
        return short_name(user.get_username())

    @admin.display(description=gettext_lazy("name"))
    def name(self, user: User) -> str:
        return user.get_username()

    @admin.display(description=gettext_lazy("active"), boolean=True)
    def active(self, user: User) -> bool:
        return user.is_active

    @admin.display(description=gettext_lazy("faces"), ordering="faces_enrolled")
    def face_count(self, user: Any) -> int:
        return int(user.faces_enrolled)

    @admin.display(description=gettext_lazy("second factor"), boolean=True, ordering="with_mfa")
    def has_mfa(self, user: Any) -> bool:
        return bool(user.with_mfa)

    @admin.display(description=gettext_lazy("consent"), ordering="consent_text")
    def consent(self, user: Any) -> str:
        return user.consent_text or NOTHING

    @admin.display(description=gettext_lazy("stored"))
    def stored(self, user: User) -> str:
        """Counts, and nothing else."""
        found = dashboard.usage([user.pk]).get(user.pk, [])
        return _(", ").join(f"{it.name} {it.count}" for it in found) or NOTHING

    @admin.display(description=gettext_lazy("faces"))
    def all_faces(self, user: User) -> SafeString | str:
        headings = (
            _("FaceId"),
            _("enrolled"),
            _("collection"),
            _("in the user vector"),
            _("brightness"),
            _("sharpness"),
        )
        return table(
            headings,
            (
                (it.face_id, date_text(it.enrolled), it.collection_id, _("yes") if it.associated else _("no"),
                 number_text(it.brightness), number_text(it.sharpness))
                for it in user.faces.all()
            ),
        )  # fmt: skip

    @admin.display(description=gettext_lazy("consents"))
    def consents(self, user: User) -> SafeString | str:
        rows = ((it.text, date_text(it.given)) for it in user.consents.all())
        return table((_("version of the text"), _("given")), rows)

    @admin.display(description=gettext_lazy("open sessions"))
    def open_sessions(self, user: User) -> int | str:
        if user.has_usable_password():  # sign-ins by password are not in the sign-in log, from which these are counted
            return NOTHING
        return sum(1 for _sign_in in sessions.open_sessions(user))

    @admin.display(description=gettext_lazy("last sign-ins"))
    def last_sign_ins(self, user: User) -> SafeString | str:
        return table(
            (_("at"), _("outcome"), _("reason"), _("similarity"), _("device")),
            (
                (date_text(it.at), it.get_outcome_display(), it.get_reason_display(), number_text(it.similarity),
                 user_agents.describe(it.device))
                for it in user.sign_ins.all()[:10]
            ),
        )  # fmt: skip


def people_named(term: str) -> QuerySet[User]:
    """The users with this FaceId, or whose name begins with the term. Both use an index."""
    term = term.strip()
    users, name = get_user_model()._default_manager, get_user_model().USERNAME_FIELD
    try:
        face_id = uuid.UUID(term)
    except ValueError:
        return users.filter(**{f"{name}__startswith": term})
    owners = Face.objects.filter(face_id=face_id).values("user")
    return users.filter(Q(**{f"{name}__in": [str(face_id), term]}) | Q(pk__in=owners))


def reason_in(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\0", "").strip()[:500]


def ask_about(model_admin: PersonAdmin, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse:
    """Every action of the list asks first."""
    name = request.POST.get("action", "")
    return model_admin.confirm(request, name, list(queryset.order_by("pk").values_list("pk", flat=True)))


def is_person(user: User) -> bool:
    """Whether the account is for signing in by face, not by a password."""
    return not accounts.is_operator(user) and (not user.has_usable_password() or user.faces.exists())


def parse_count(text: str | None) -> int:
    """A number that the page sent back; 0 for anything else, and for what no database can count."""
    return int(text) if text and text.isdecimal() and len(text) <= MAX_KEY_DIGITS else 0

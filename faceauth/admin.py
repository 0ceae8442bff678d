"""What operators see: who is remembered and what happened at the door. Never a picture, template, note or secret."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from faceauth import locks, people
from faceauth.models import Clearing, Consent, Deletion, Enrolment, Face, Login


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    """A log or a mirror: what it shows is made elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Face)
class FaceAdmin(ReadOnlyAdmin):
    list_display = ("face_id", "user", "collection_id", "associated", "remembered")
    list_filter = ("collection_id", "remembered")
    list_select_related = ("user",)
    search_fields = ("face_id", f"user__{get_user_model().USERNAME_FIELD}")


@admin.register(Login)
class LoginAdmin(ReadOnlyAdmin):
    list_display = ("at", "outcome", "reason", "user", "similarity", "way", "address")
    list_filter = ("outcome", "reason", "way", "at")
    list_select_related = ("user",)
    search_fields = (f"user__{get_user_model().USERNAME_FIELD}", "address")
    date_hierarchy = "at"


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("user", "text", "given")
    list_filter = ("text", "given")
    list_select_related = ("user",)


@admin.register(Deletion)
class DeletionAdmin(ReadOnlyAdmin):
    """The receipt is not shown: its address belongs to who was forgotten."""

    list_display = ("face_id", "collection_id", "requested", "confirmed", "tries", "error")
    list_filter = (("confirmed", admin.EmptyFieldListFilter), "error", "collection_id")
    search_fields = ("face_id",)
    exclude = ("receipt",)


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "collection_id", "started")


@admin.register(Clearing)
class ClearingAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "operator")
    list_select_related = ("user", "operator")


@admin.action(description=gettext_lazy("Take the second lock away"), permissions=["change"])
def clear_second_locks(
    modeladmin: admin.ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """For somebody who has lost their passkey and their recovery codes. It asks first, and the person gets to know."""
    locked = [user for user in queryset if locks.has_lock(user)]
    if locked and request.POST.get("confirmed") != "yes":
        context = {
            **modeladmin.admin_site.each_context(request),
            "title": _("Take the second lock away"),
            "people": locked,
            "opts": modeladmin.model._meta,
        }
        return TemplateResponse(request, "admin/faceauth/clear_second_locks.html", context)
    cleared = [user for user in locked if locks.clear(user, cast(User, request.user))]
    for user in cleared:
        modeladmin.log_change(request, user, "Took the second lock away.")
    words = ngettext("The second lock of %d person was taken away.", "%d second locks were taken away.", len(cleared))
    modeladmin.message_user(request, words % len(cleared), messages.SUCCESS if cleared else messages.WARNING)
    return None


class PersonAdmin(UserAdmin[User]):
    """Users as Django has them, but deleting one forgets the person's faces too."""

    actions = (clear_second_locks,)
    list_display = ("username", "is_active", "is_staff", "face_count", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "date_joined", "last_login")
    search_fields = ("username", "faces__face_id")
    ordering = ("-date_joined",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).annotate(face_count=Count("faces"))

    @admin.display(description=gettext_lazy("faces"), ordering="face_count")
    def face_count(self, user: User) -> int:
        return int(getattr(user, "face_count", 0))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Name the users alone: Django's own list would also print what they have written."""
        users = list(objs)
        counts = {
            _("users"): len(users),
            _("faces"): Face.objects.filter(user__in=[user.pk for user in users]).count(),
        }
        return [str(user) for user in users], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Through the ledger, as "forget me" goes: the faces are deleted in Rekognition when this is committed."""
        people.forget(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            people.forget(user)


# django-otp's own pages show secrets, and would let an operator make a lock for somebody. They are registered when they
# are imported, which has happened above.
admin.site.unregister((StaticDevice, TOTPDevice))

if admin.site.is_registered(User):  # a site with a user model of its own has its own admin for it
    admin.site.unregister(User)
    admin.site.register(User, PersonAdmin)

"""What the admin pages of this app share: read-only lists, safe filters and small tables."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

NOTHING = "\N{EN DASH}"


if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


class FilteredAdmin(Base):
    """A list that can be filtered by the fields in `filtered_by` alone.

    Django lets whoever sees a list filter it by any column in the address. That is enough to guess secrets that no
    page shows, such as session keys, one letter at a time.
    """

    filtered_by: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        listed = lookup.partition("__")[0] in self.filtered_by
        return listed and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]


class ReadOnlyAdmin(FilteredAdmin):
    """A log, or rows that other code owns."""

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["faceauth/dashboard.css"]}

    @admin.display(description=gettext_lazy("user"), ordering="user")
    def person(self, row: Any) -> SafeString | str:
        return person_link(row.user)

    @admin.display(description=gettext_lazy("FaceId"), ordering="face_id")
    def short_face_id(self, row: Any) -> SafeString | str:
        return short_name(row.face_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def date_text(at: datetime) -> str:
    return formats.date_format(timezone.localtime(at))  # as Django's own lists show a time


def short_name(name: object) -> SafeString | str:
    """The first part of a UUID, with all of it on hover; any other name as it is."""
    text = str(name)
    try:
        uuid.UUID(text)
    except ValueError:
        return text
    return format_html('<bdi title="{}">{}</bdi>', text, text[:8])


def person_link(user: User | None) -> SafeString | str:
    """The short name of a person, which leads to their page; a dash for nobody."""
    if user is None:
        return NOTHING
    try:
        page = reverse("admin:auth_user_change", args=[user.pk])
    except NoReverseMatch:  # a site with its own user model
        return short_name(user)
    return format_html('<a href="{}">{}</a>', page, short_name(user))


def number_text(value: float | None) -> str:
    return NOTHING if value is None else formats.number_format(round(value, 1))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> SafeString | str:
    """An HTML table; a dash where there are no rows."""
    body = format_html_join("", "<tr>{}</tr>", ((cells("<td>{}</td>", row),) for row in rows))
    if not body:
        return NOTHING
    head = cells('<th scope="col">{}</th>', headings)
    return format_html('<table class="person-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


def cells(markup: str, values: Sequence[object]) -> SafeString:
    return format_html_join("", markup, ((value,) for value in values))

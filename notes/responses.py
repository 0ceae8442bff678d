"""Who may see a page of the notebook, and how every view responds.

Every form gets a page, or JSON (`{"outcome": ..., "message": ...}`) for the script. `STATUS` has all outcomes: `saved`
comes with the note's `url` and `version`, `stale` with a fresh `token` for the form. Text that cannot be saved always
comes back, except to somebody other than its writer.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from notes.encryption import CannotDecrypt
from notes.forms import DraftForm
from notes.models import preferences_of
from notes.storage import StorageDown
from privatekit.negotiation import wants_json

logger = logging.getLogger(__name__)

STATUS = {
    "saved": 200,
    "deleted": 200,
    "restored": 200,
    "pinned": 200,
    "attached": 200,
    "refused": 422,  # empty, too long or broken text; a file that was not attached or imported
    "conflict": 409,  # the note was changed since it was opened
    "gone": 404,  # the person has no such note
    "locked": 403,  # nobody is signed in
    "stale": 403,  # the form's token is too old
    "somebody_else": 403,  # the page was made for another person than the one who is signed in
    "unavailable": 503,  # a key is missing, something was altered, the storage or the database does not answer
}
SENTENCES = {
    "saved": _("Saved."),
    "deleted": _("Moved to the trash."),
    "restored": _("Restored."),
    "attached": _("Attached."),
    "conflict": _("This note was changed elsewhere. Nothing is lost: press Done to see both."),
    "gone": _("This note was deleted elsewhere. Press Done to keep your text as a new note."),
    "locked": _("The notebook is locked, and this text is not saved yet. Unlock it in another tab, then save."),
    "stale": _("Please save once more."),
    "somebody_else": _("Another person has opened their notebook. Your text does not belong in it."),
    "unavailable": _("The notes are unavailable. Nothing is lost. Please try again later."),
}

NO_NOTE = "00000000-0000-0000-0000-000000000000"
"""A placeholder for the id in `address`, the address of any note."""

P = ParamSpec("P")


class OwnerRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


Private = Callable[Concatenate[OwnerRequest, P], HttpResponseBase]


def private(*methods: str) -> Callable[[Private[P]], Callable[..., HttpResponseBase]]:
    """Let in the signed-in person, and only with forms of pages that were made for this person."""

    def decorate(view: Private[P]) -> Callable[..., HttpResponseBase]:
        @require_http_methods(list(methods))
        @sensitive_post_parameters()
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not (request.user.is_authenticated and is_writer(request)):
                return return_text(request) or redirect_to_login(page_of(request))
            try:
                return view(cast(OwnerRequest, request), *args, **kwargs)
            except CannotDecrypt as error:
                logger.error("A notebook cannot be decrypted: %s", error)
                return unavailable(request)
            except (StorageDown, OperationalError) as error:  # the second is also what a full disk is called
                logger.error("The notebook's storage does not answer: %s", error)
                return unavailable(request)

        return guarded

    return decorate


def page_of(request: HttpRequest) -> str:
    """The page that somebody is on, or whose button they pressed: the form says which, and it must be on this site.

    The form's own address may take only POST, and would be a dead end after the sign-in.
    """
    if request.method != "POST":
        return request.get_full_path()
    url = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else reverse("notes:list")


def is_writer(request: HttpRequest) -> bool:
    """Whether the page that was sent, if it says so, was made for the person who is signed in now.

    Two people may share a browser: one's tab stays open while the other signs in.
    """
    return request.POST.get("writer", str(request.user.pk)) == str(request.user.pk)


def json(outcome: str, **more: Any) -> JsonResponse:
    return JsonResponse({"outcome": outcome, "message": SENTENCES.get(outcome, ""), **more}, status=STATUS[outcome])


def page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200, address: str = ""
) -> HttpResponse:
    """Render a page, with whom it was made for, after how many seconds it locks, and where to go then and to sign in.

    `address` is where its buttons lead back to, where the page's own address takes only POST.
    """
    writer = request.POST.get("writer", request.user.pk)
    frame = {
        "writer": writer,
        "hidden": hidden_fields(request, writer, address or request.get_full_path()),
        "address": reverse("notes:note", args=[NO_NOTE]),
        "lock_after": settings.SESSION_COOKIE_AGE,
        "preferences": preferences_of(request.user) if request.user.is_authenticated else None,
        "door": resolve_url(settings.LOGIN_URL),
        "locked": resolve_url(settings.LOGOUT_REDIRECT_URL),
    }
    response = render(request, template, frame | context, status=status)
    add_never_cache_headers(response)  # also where nobody is signed in any more, but text comes back
    return response


def hidden_fields(request: HttpRequest, writer: object, address: str) -> SafeString:
    """What every form of a card sends along, made once for a page instead of once for each of fifty cards."""
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="writer" value="{}"><input type="hidden" name="back" value="{}">',
        get_token(request),
        writer,
        address,
    )


def back(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that the button was on."""
    return redirect(page_of(request))


def return_text(request: HttpRequest) -> HttpResponse | None:
    """Give text back that cannot be saved now: nobody is signed in, or the form is too old. None: there is none.

    It is kept nowhere but in the page of whoever sent it.
    """
    if request.method != "POST" or "writer" not in request.POST or "text" not in request.POST:
        return None
    outcome = "stale" if is_writer(request) else "somebody_else"
    if not request.user.is_authenticated:
        outcome = "locked"
    if wants_json(request):
        return json(outcome, **({"token": get_token(request)} if outcome == "stale" else {}))
    template = "notes/another_person.html" if outcome == "somebody_else" else "notes/not_saved.html"
    return page(request, template, {"outcome": outcome, "draft": DraftForm(request).draft()}, STATUS[outcome])


def unavailable(request: HttpRequest) -> HttpResponse:
    """The notes cannot be read now. Text that was sent comes back, and nothing looks like an empty notebook."""
    if wants_json(request):
        return json("unavailable")
    if "text" in request.POST:
        context = {"outcome": "unavailable", "draft": DraftForm(request).draft()}
        return page(request, "notes/not_saved.html", context, STATUS["unavailable"])
    return page(request, "503.html", {}, STATUS["unavailable"])

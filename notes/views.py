"""The notebook's pages.

Every form answers in two ways: with a page, and with JSON (`{"outcome": ..., "message": ...}`) for the script that
saves while one types. Words that cannot be kept always come back, except to somebody else than who typed them.

| outcome | status | |
| --- | --- | --- |
| `saved` | 200 | JSON has the note's `url` and `version`; a browser is sent to the notebook |
| `refused` | 422 | empty, too long, or broken |
| `conflict` | 409 | the note was changed since it was opened |
| `gone` | 404 | the person has no such note |
| `locked` | 403 | nobody is signed in |
| `stale` | 403 | the form's token is too old; JSON has a fresh `token` |
| `somebody_else` | 403 | the page was made for another person than the one who is signed in |
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from notes import writing
from notes.forms import Sheet, SheetForm
from notes.models import Note
from notes.writing import Conflict, Saved

PER_PAGE = 50

STATUS = {
    "saved": 200,
    "refused": 422,
    "conflict": 409,
    "gone": 404,
    "locked": 403,
    "stale": 403,
    "somebody_else": 403,
}
SENTENCES = {
    "saved": _("Saved."),
    "conflict": _("This note was changed elsewhere. Nothing is lost: press Save to see both."),
    "gone": _("This note was deleted elsewhere. Press Save to keep your words as a new one."),
    "locked": _("I am locked, and these words are not saved yet. Open the door in another tab, then save."),
    "stale": _("Please save once more."),
    "somebody_else": _("Somebody else has opened their notebook. Your words do not belong in it."),
}

P = ParamSpec("P")


class OwnRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def private(view: Callable[Concatenate[OwnRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let in the signed-in person, with nothing but pages that were made for this very person."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @sensitive_post_parameters()
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated and is_writer(request):
            return view(cast(OwnRequest, request), *args, **kwargs)
        return words_back(request) or redirect_to_login(request.get_full_path())

    return guarded


@private
def notebook(request: OwnRequest) -> HttpResponse:
    """The person's notes, newest first, below a blank page."""
    if request.method != "POST":
        return page(request, "notes/list.html", {**openings(request), "sheet": Sheet()})
    form = SheetForm(request)
    sheet = form.sheet()
    if sheet.fault:
        return refused(request, "notes/list.html", {**openings(request), "sheet": sheet})
    return answer(request, sheet, writing.add(request.user, sheet.page, sheet.text))


@private
def note(request: OwnRequest, pk: UUID) -> HttpResponse:
    """One note, to read and to change."""
    if request.method != "POST":
        found = get_object_or_404(Note.objects.of(request.user), pk=pk)
        return page(request, "notes/note.html", {"note": found, "sheet": Sheet(found.text, version=found.version)})
    sheet = SheetForm(request).sheet()
    if not sheet.fault:
        return answer(request, sheet, writing.change(request.user, pk, sheet.version, sheet.text))
    there = Note.objects.of(request.user).filter(pk=pk).first()
    return refused(request, "notes/note.html", {"note": there, "sheet": sheet}) if there else gone(request, sheet)


@private
def delete(request: OwnRequest, pk: UUID) -> HttpResponse:
    """Ask, showing the note; then delete what was shown."""
    shown = get_object_or_404(Note.objects.of(request.user), pk=pk)
    if request.method != "POST":
        return page(request, "notes/delete.html", {"note": shown})
    conflict = writing.delete(request.user, pk, SheetForm(request).sheet().version)
    if conflict:
        return page(request, "notes/delete.html", {"note": conflict.note, "changed": True}, status=409)
    messages.success(request, _("Deleted."))
    return redirect("notes:list")


# What comes back ------------------------------------------------------------------------------------------------------


def answer(request: OwnRequest, sheet: Sheet, result: Saved | Conflict | None) -> HttpResponse:
    match result:
        case Saved():
            if wants_json(request):
                return json("saved", url=reverse("notes:note", args=[result.id]), version=result.version)
            messages.success(request, SENTENCES["saved"])
            return redirect("notes:list")
        case Conflict():
            if wants_json(request):
                return json("conflict")
            context = {"note": result.note, "sheet": Sheet(sheet.text)}
            return page(request, "notes/conflict.html", context, STATUS["conflict"])
        case None:
            return gone(request, sheet)


def refused(request: OwnRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    if wants_json(request):
        return json("refused", message=context["sheet"].fault)
    return page(request, template, context, STATUS["refused"])


def gone(request: OwnRequest, sheet: Sheet) -> HttpResponse:
    """The same for a note that was deleted, is a stranger's, or never was: only the words that came, as a new page."""
    if wants_json(request):
        return json("gone")
    return page(request, "notes/gone.html", {"sheet": Sheet(sheet.text, fault=sheet.fault)}, STATUS["gone"])


def words_back(request: HttpRequest) -> HttpResponse | None:
    """Give words back that cannot be kept now: nobody is signed in, or the form is too old. None: there are none.

    Without a signature nobody can be asked to keep them, so they stay where they are: in the page of whoever sent them.
    """
    if request.method != "POST" or "writer" not in request.POST or "text" not in request.POST:
        return None
    outcome = "stale" if is_writer(request) else "somebody_else"
    if not request.user.is_authenticated:
        outcome = "locked"
    if wants_json(request):
        return json(outcome, **({"token": get_token(request)} if outcome == "stale" else {}))
    template = "notes/somebody_else.html" if outcome == "somebody_else" else "notes/kept.html"
    return page(request, template, {"outcome": outcome, "sheet": SheetForm(request).sheet()}, STATUS[outcome])


def is_writer(request: HttpRequest) -> bool:
    """Whether the page that was sent, if it says so, was made for the person who is signed in now.

    Two people may share a browser: one's tab stays open while the other signs in.
    """
    return request.POST.get("writer", str(request.user.pk)) == str(request.user.pk)


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def json(outcome: str, **more: Any) -> JsonResponse:
    return JsonResponse({"outcome": outcome, "message": SENTENCES.get(outcome, ""), **more}, status=STATUS[outcome])


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Every page knows whom it was made for, when it locks (seconds of silence) and where the door is."""
    frame = {
        "writer": request.POST.get("writer", request.user.pk),
        "lock_after": settings.SESSION_COOKIE_AGE,
        "door": resolve_url(settings.LOGIN_URL),
    }
    response = render(request, template, frame | context, status=status)
    add_never_cache_headers(response)  # also where nobody is signed in any more, but words come back
    return response


def openings(request: OwnRequest) -> dict[str, Any]:
    """The page of the list that was asked for; the nearest one where there is no such page."""
    pages = Paginator(Note.objects.of(request.user).openings(), PER_PAGE)
    return {"notes": pages.get_page(request.GET.get("page"))}

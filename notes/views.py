"""The notebook's pages. `notes.responses` says how they answer."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from notes import editing, exporting, importing, quotas, trash
from notes.editing import Conflict, Saved
from notes.forms import Draft, DraftForm, PreferencesForm, TickForm, whole_number
from notes.importing import ARCHIVES, MAX_LOOSE, MAX_ZIPPED, Refused, Result
from notes.models import TRASH_DAYS, Note, key_of, preferences_of
from notes.notebook import PER_PAGE, notebook_page
from notes.quotas import Full
from notes.responses import SENTENCES, STATUS, OwnerRequest, back, json, page, private
from notes.search import LONGEST, search
from notes.uploads import uploads
from privatekit.negotiation import wants_json
from privatekit.uploads import Limits


@private("GET", "HEAD", "POST")
def notebook(request: OwnerRequest) -> HttpResponse:
    """The person's notes, pinned ones first, then the newest, and beside them a blank page."""
    if request.method != "POST":
        return notebook_page(request, Draft(), **undo(request))
    draft = DraftForm(request).draft()
    if draft.fault:
        return refused(request, None, draft)
    result = editing.add(request.user, draft.page, draft.text)
    if isinstance(result, Full):
        return refused(request, None, replace(draft, fault=str(result.value)))
    return answer(request, draft, result)


@private("GET", "HEAD")
def new(request: OwnerRequest) -> HttpResponse:
    """The blank page: beside the list where there is room, otherwise alone."""
    return notebook_page(request, Draft(), alone=True)


@private("GET", "HEAD", "POST")
def note(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """One note, to read and to change."""
    if request.method != "POST":
        found = get_object_or_404(Note.objects.of(request.user).with_attachments(), pk=pk)
        if "card" in request.GET:  # for the script, which puts it back into the list
            return page(request, "notes/card.html", {"note": found})
        return notebook_page(request, Draft(found.text, version=found.version), found)
    draft = DraftForm(request).draft()
    if not draft.fault:
        result = editing.change(request.user, pk, draft.version, draft.text)
        if not isinstance(result, Full):
            return answer(request, draft, result)
        draft = replace(draft, fault=str(result.value))
    there = Note.objects.of(request.user).with_attachments().filter(pk=pk).first()
    return refused(request, there, draft) if there else gone(request, draft)


@private("POST")
def tick(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """Tick one check box of what was shown."""
    form = TickForm(request.POST)
    if not form.is_valid():
        raise Http404
    result = editing.tick(request.user, pk, form.cleaned_data["version"], form.cleaned_data["line"])
    match result:
        case None:
            raise Http404
        case Saved():
            return json("saved", version=result.version) if wants_json(request) else back(request)
        case Full():
            raise Http404  # a tick makes no text longer
        case Conflict():
            if wants_json(request):
                return json("conflict")
            messages.warning(request, _("This note was changed elsewhere. This is its current text."))
            return redirect("notes:note", result.note.pk)


@private("POST")
def pin(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """Keep a note above the others (`pinned` is 1), or no longer."""
    if not editing.pin(request.user, pk, request.POST.get("pinned") == "1"):
        raise Http404
    return json("pinned") if wants_json(request) else back(request)


@private("POST")
def delete(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """Put into the trash what was shown. What was changed meanwhile is shown first."""
    shown = get_object_or_404(Note.objects.of(request.user), pk=pk)
    trash.delete_expired(request.user)
    conflict = editing.delete(request.user, pk, DraftForm(request).draft().version)
    if conflict and wants_json(request):
        return json("conflict")
    if conflict:
        return page(request, "notes/delete.html", {"note": conflict.note}, STATUS["conflict"])
    if wants_json(request):
        return json("deleted", restore=reverse("notes:restore", args=[shown.pk]))
    return redirect(reverse("notes:list", query={"deleted": str(shown.pk)}))


@private("POST")
def find(request: OwnerRequest) -> HttpResponse:
    """Search. By POST, because an address stays in the browser's history and in every log on its way."""
    words = (request.POST.get("tag") or request.POST.get("words", "")).replace("\0", "")[:LONGEST]
    start = whole_number(request.POST.get("start"))
    found = search(request.user, words, start, PER_PAGE + 1)
    more = start + PER_PAGE if len(found) > PER_PAGE else None
    context = {"words": words, "found": found[:PER_PAGE], "more": more, "start": start, "draft": Draft()}
    return page(request, "notes/list.html", context, address=reverse("notes:list"))


@private("GET", "HEAD", "POST")
def preferences(request: OwnerRequest) -> HttpResponse:
    """Keep what the person chose on the site's page of settings, which SETTINGS_URL names."""
    form = PreferencesForm(request.POST if request.method == "POST" else None, instance=preferences_of(request.user))
    if request.method == "POST" and not form.is_valid():
        raise Http404
    if request.method == "POST":
        form.save()
        messages.success(request, SENTENCES["saved"])
    return redirect(f"{resolve_url(settings.SETTINGS_URL)}#locking")


# The trash ------------------------------------------------------------------------------------------------------------


@private("GET", "HEAD", "POST")
def trash_page(request: OwnerRequest) -> HttpResponse:
    """What was deleted. A POST empties it, and asks first."""
    trashed = Note.objects.trashed(request.user).openings()
    if request.method == "POST":
        if request.POST.get("sure") != "1":
            return page(request, "notes/delete_forever.html", {"count": trashed.count(), "all": True})
        trash.empty(request.user)
        messages.success(request, _("The trash is empty."))
        return redirect("notes:trash")
    trash.delete_expired(request.user)
    pages = Paginator(trashed, PER_PAGE)
    return page(request, "notes/trash.html", {"notes": pages.get_page(request.GET.get("page")), "days": TRASH_DAYS})


@private("POST")
def restore(request: OwnerRequest, pk: UUID) -> HttpResponse:
    if not trash.restore(request.user, pk):
        raise Http404
    if wants_json(request):
        return json("restored")
    messages.success(request, SENTENCES["restored"])
    return back(request)


@private("POST")
def delete_forever(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """Delete one note of the trash for good, after a question."""
    if request.POST.get("sure") != "1":
        found = get_object_or_404(Note.objects.trashed(request.user).openings(), pk=pk)
        return page(request, "notes/delete_forever.html", {"count": 1, "note": found})
    if not trash.delete_forever(request.user, pk):
        raise Http404
    return redirect("notes:trash")


# Taking it away -------------------------------------------------------------------------------------------------------


@private("GET", "HEAD")
def export_page(request: OwnerRequest) -> HttpResponse:
    """The page for export and import."""
    return page(request, "notes/export.html", {})


@private("GET", "HEAD")
def export_zip(request: OwnerRequest) -> HttpResponseBase:
    """All notes and attachments, as a ZIP that is made while it is sent."""
    key_of(request.user).secret  # noqa: B018 - a key that is missing is said now: later, half a ZIP would be sent
    name = f"secretly-{timezone.now():%Y-%m-%d}.zip"
    response = StreamingHttpResponse(exporting.export_zip(request.user), content_type="application/zip")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@uploads(Limits(each=MAX_LOOSE, together=MAX_LOOSE, spooled=MAX_ZIPPED, archives=ARCHIVES))
@private("POST")
def import_files(request: OwnerRequest) -> HttpResponse:
    """Import archives, Markdown and text files, and what other notebooks export."""
    files = request.FILES.getlist("file")
    if full := quotas.send_import(request.user):
        return page(request, "notes/export.html", {"fault": full.value}, 429)
    if any((file.size or 0) > importing.max_bytes(file) for file in files):
        result: Result | Refused = Refused.TOO_LARGE
    else:
        result = importing.import_files(request.user, files)
    if isinstance(result, Refused):
        return page(request, "notes/export.html", {"fault": result.value}, STATUS["refused"])
    return page(request, "notes/export.html", {"result": result})


# What comes back ------------------------------------------------------------------------------------------------------


def answer(request: OwnerRequest, draft: Draft, result: Saved | Conflict | None) -> HttpResponse:
    match result:
        case Saved():
            if wants_json(request):
                return json("saved", url=reverse("notes:note", args=[result.id]), version=result.version)
            messages.success(request, SENTENCES["saved"])
            return redirect("notes:list")
        case Conflict():
            if wants_json(request):
                return json("conflict")
            context = {"note": result.note, "draft": Draft(draft.text)}
            return page(request, "notes/conflict.html", context, STATUS["conflict"])
        case None:
            return gone(request, draft)


def refused(request: OwnerRequest, note: Note | None, draft: Draft) -> HttpResponse:
    if wants_json(request):
        return json("refused", message=draft.fault)
    return notebook_page(request, draft, note, STATUS["refused"], alone=True)


def gone(request: OwnerRequest, draft: Draft) -> HttpResponse:
    """The same for a note that was deleted, is a stranger's, or never was: only the words that came, as a new page."""
    if wants_json(request):
        return json("gone")
    return page(request, "notes/gone.html", {"draft": Draft(draft.text, fault=draft.fault)}, STATUS["gone"])


def undo(request: OwnerRequest) -> dict[str, Any]:
    """The note that was put into the trash a moment ago, for the button that takes it out again."""
    try:
        deleted = UUID(request.GET.get("deleted", ""))
    except ValueError:
        return {}
    return {"deleted": Note.objects.trashed(request.user).filter(pk=deleted).openings().first()}

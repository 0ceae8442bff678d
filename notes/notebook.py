"""The notebook's page: the list at the side, and beside it one note, or a blank page."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse

from notes.forms import Draft
from notes.models import Note
from notes.responses import OwnerRequest, page

PER_PAGE = 50


def notebook_page(
    request: OwnerRequest,
    draft: Draft,
    note: Note | None = None,
    status: int = 200,
    alone: bool = False,
    **more: Any,
) -> HttpResponse:
    """The list and `note`, or a blank page. Where there is no room for both, the list alone, or the note.

    The script asks for the note without the list, by `pane` in the address.
    """
    context = {"note": note, "draft": draft, **more}
    address = reverse("notes:note", args=[note.pk]) if note else ""
    if "pane" in request.GET:
        return page(request, "notes/_note.html", context, status, address)
    listed = Paginator(Note.objects.of(request.user).openings().with_attachments(), PER_PAGE)
    asked = request.GET.get("page") or (page_of_list(note) if note else 1)
    notes = listed.get_page(asked)
    context |= {"notes": notes, "alone": alone or note is not None or not notes}
    return page(request, "notes/list.html", context, status, address)


def page_of_list(note: Note) -> int:
    """On which page of the list a note stands: links to a note, and a reload, lead to its place."""
    same = Q(pinned=note.pinned)
    above = (same & Q(created__gt=note.created)) | (same & Q(created=note.created, id__gt=note.pk))
    if not note.pinned:
        above |= Q(pinned=True)
    return Note.objects.of(note.owner).filter(above).count() // PER_PAGE + 1

"""Earlier versions of a note: to read, and to restore."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from notes import editing
from notes.editing import Saved
from notes.models import Version
from notes.quotas import Full
from notes.responses import STATUS, OwnerRequest, page, private


@private("GET", "HEAD", "POST")
def version(request: OwnerRequest, pk: UUID, number: int) -> HttpResponse:
    """What a note said. A POST makes it what the note says now, as a new version; what it said until then is kept."""
    found = get_object_or_404(Version.objects.of(request.user), note_id=pk, number=number)
    found.note.owner = request.user  # who has the key at hand
    if request.method != "POST":
        return page(request, "notes/version.html", {"version": found})
    match editing.restore_version(request.user, pk, number):
        case Saved():
            messages.success(request, _("The earlier version is back. What the note said until now is kept as well."))
            return redirect("notes:note", pk)
        case Full() as full:
            return page(request, "notes/version.html", {"version": found, "fault": full.value}, STATUS["refused"])
        case None:
            raise Http404
        case _:
            fault = _("The note was changed at this moment. Please try again.")
            return page(request, "notes/version.html", {"version": found, "fault": fault}, STATUS["conflict"])

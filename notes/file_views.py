"""Attachments: their pages, and the files themselves."""

import re
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header

from notes import attachments, audio, quotas
from notes.attachments import MAX_BYTES, Fault, tidy
from notes.forms import Draft
from notes.models import Attachment, Note
from notes.notebook import notebook_page
from notes.quotas import Full
from notes.responses import STATUS, OwnerRequest, json, page, private
from notes.uploads import uploads
from privatekit.negotiation import wants_json
from privatekit.uploads import Limits


@uploads(Limits(each=MAX_BYTES, together=3 * MAX_BYTES))
@private("POST")
def attach(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """Attach the files of the form to a note. Each one that cannot be attached is named."""
    get_object_or_404(Note.objects.of(request.user).openings(), pk=pk)
    files = request.FILES.getlist("file")
    if full := quotas.send_files(request.user):
        return too_often(request, full) if wants_json(request) else attach_faults(request, pk, [str(full.value)], 429)
    results = [(file.name or "", attachments.attach(request.user, pk, file.name or "", file)) for file in files]
    faults = [str(fault.value) % {"name": tidy(name)} for name, fault in results if isinstance(fault, Fault)]
    if wants_json(request):
        return json("refused", message=" ".join(faults)) if faults else json("attached")
    if not faults:
        return redirect("notes:note", pk)
    return attach_faults(request, pk, faults, STATUS["refused"])


def attach_faults(request: OwnerRequest, pk: UUID, faults: list[str], status: int) -> HttpResponse:
    """The note's page. No message in the session: a file's name is as secret as its content."""
    there = get_object_or_404(Note.objects.of(request.user).with_attachments(), pk=pk)
    return notebook_page(request, Draft(there.text, version=there.version), there, status, faults=faults)


def too_often(request: OwnerRequest, full: Full) -> HttpResponse:
    response = json("refused", message=full.value)
    response.status_code = 429
    return response


@private("GET", "HEAD")
def attachment(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """The file itself: shown when it is a picture that was drawn here or a sound, otherwise only ever downloaded."""
    found = get_object_or_404(Attachment.objects.of(request.user), pk=pk)
    found.note.owner = request.user  # who has the key at hand
    content = attachments.read(found)
    # Rows of former times may have any type, and a sound's name says nothing.
    sound = None if found.thumbnail_path else audio.sniff(content)
    content_type = sound or attachments.harmless(found.content_type)
    shown = bool(found.thumbnail_path or sound)
    return part_of(request, file_answer(content, content_type, found.name, shown=shown))


@private("GET", "HEAD")
def thumbnail(request: OwnerRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Attachment.objects.of(request.user).exclude(thumbnail_path=""), pk=pk)
    found.note.owner = request.user
    return file_answer(attachments.read_thumbnail(found), "image/webp", "thumbnail.webp", shown=True)


@private("POST")
def detach(request: OwnerRequest, pk: UUID) -> HttpResponse:
    """Take a file off its note, for good; so it asks first."""
    found = get_object_or_404(Attachment.objects.of(request.user), pk=pk)
    if request.POST.get("sure") != "1":
        return page(request, "notes/detach.html", {"attachments": [found]})
    found.delete()
    return redirect("notes:note", found.note_id)


def file_answer(content: bytes, content_type: str, name: str, shown: bool) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(not shown, name) or "attachment"
    # Were it to be opened as a page all the same, it could do nothing there.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def part_of(request: OwnerRequest, response: HttpResponse) -> HttpResponse:
    """The bytes that were asked for (RFC 9110, 14): players jump, and Safari plays nothing that comes whole."""
    response.headers["Accept-Ranges"] = "bytes"
    asked = re.fullmatch(r"bytes=(\d{1,9})-(\d{0,9})", request.headers.get("Range", ""))
    if not asked:
        return response
    size = len(response.content)
    first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    if first > last:
        response.status_code, response.content = 416, b""
        response.headers["Content-Range"] = f"bytes */{size}"
    else:
        response.status_code, response.content = 206, response.content[first : last + 1]
        response.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    response.headers["Content-Length"] = str(len(response.content))
    return response

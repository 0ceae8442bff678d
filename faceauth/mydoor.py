"""What a person may see and do about themselves: their door, their looks, a copy of everything, and being forgotten.

Their second lock is in `faceauth.locking`.
"""

import time
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from faceauth import doorman, export, ledger, looks, people, visits
from faceauth.conf import conf
from faceauth.fresh import with_second_lock
from faceauth.models import Clearing, Login, Receipt
from faceauth.outcomes import Outcome, Reason, Refusal, sentence
from faceauth.people import Recognition
from faceauth.views import (
    SEEN,
    STATUS,
    ask,
    finished,
    given_next,
    keep,
    next_url,
    opens,
    photo_in,
    photos_in,
    takes_picture,
    unbroken,
    wants_json,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# What a person types to be forgotten, and how long before that I must have seen them (seconds): whoever sits down at
# an open notebook shall not be able to end it.
FORGET = gettext_noop("forget me")
SEEN_FOR = 300

TRY_AGAIN_AFTER = 30  # seconds after being forgotten: it was asked for just now

RECENT = 30  # visits on the page; the export has them all
NOTICED = 90  # days for which the page says that an operator took the second lock away; the export says it for ever


def user_of(request: HttpRequest) -> "User":
    return cast("User", request.user)


# My door --------------------------------------------------------------------------------------------------------------


@never_cache
@login_required
@require_safe
def door_view(request: HttpRequest) -> HttpResponse:
    """Recent visits and open sessions."""
    user = user_of(request)
    recent = [visit_row(visit) for visit in Login.objects.filter(user_id=user.pk)[:RECENT]]
    sessions = [
        visit_row(visit) | {"pk": visit.pk, "this": visit.session_key == request.session.session_key}
        for visit in visits.open_sessions(user)
    ]
    since = timezone.now() - timedelta(days=NOTICED)
    clearings = [clearing.at for clearing in Clearing.objects.filter(user_id=user.pk, at__gte=since)]
    content = {"visits": recent, "sessions": sessions, "clearings": clearings}
    return varied(JsonResponse(content) if wants_json(request) else render(request, "faceauth/door.html", content))


def visit_row(visit: Login) -> dict[str, object]:
    return {
        "at": visit.at,
        "way": visit.way,
        "way_text": visit.get_way_display(),
        "device": visits.device(visit.device),
        "outcome": visit.outcome,
        "reason": visit.reason,
        "text": text_of(visit),
    }


def text_of(visit: Login) -> str:
    if visit.reason == Reason.LOOK_NEEDED:
        return _("a photo of you, which I turned away")
    return str(visit.get_reason_display() if visit.reason else visit.get_outcome_display())


@never_cache
@login_required
@with_second_lock("faceauth:door")
@require_POST
def end_session_view(request: HttpRequest, pk: int) -> HttpResponse:
    """End one open session, which must be the person's own."""
    visit = get_object_or_404(Login.objects.exclude(session_key=""), pk=pk, user_id=user_of(request).pk)
    if visit.session_key == request.session.session_key:
        logout(request)
    visits.end_session(visit)
    return redirect("faceauth:door")


@never_cache
@login_required
@with_second_lock("faceauth:door")
@require_POST
def end_others_view(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    visits.end_sessions(user_of(request), besides=request)
    return redirect("faceauth:door")


# Looks ----------------------------------------------------------------------------------------------------------------


@login_required
def show_looks(request: HttpRequest, recognition: Recognition | None = None, message: str = "") -> HttpResponse:
    faces = user_of(request).faces.all()
    status = 200
    if recognition is not None:
        added = recognition.outcome == Outcome.REMEMBERED
        said = _("I know this look of you now.") if added else sentence(recognition.outcome, recognition.reason)
        message, status = message or said, STATUS[recognition.outcome]
    if wants_json(request):
        rows = [
            {
                "face_id": face.face_id,
                "remembered": face.remembered,
                "brightness": face.brightness,
                "sharpness": face.sharpness,
            }
            for face in faces
        ]
        content: dict[str, object] = {"looks": rows, "most": people.MOST_LOOKS}
        if recognition is not None:
            content |= {"outcome": recognition.outcome, "reason": recognition.reason, "message": message}
        response: HttpResponse = JsonResponse(content, status=status)
    else:
        context = {"faces": faces, "most": people.MOST_LOOKS, "message": message}
        response = render(request, "faceauth/looks.html", context, status=status)
    return finished(response, recognition) if recognition else varied(response)


@takes_picture(show_looks, lambda: doorman.REMEMBERING)
@login_required
def looks_view(request: HttpRequest) -> HttpResponse:
    """GET lists the looks. POST takes `file` or `image` and adds one, on which the person must be recognised."""
    if request.method != "POST":
        return show_looks(request)
    user = user_of(request)
    photo, way = photo_in(request)
    if not people.may_enter(user):  # an operator uses a password, and would be remembered for nothing
        recognition = people.refused(Reason.INACTIVE)
    elif isinstance(photo, Refusal):
        recognition = people.refused(photo.reason)
    else:
        with photo, unbroken() as broken:
            recognition = looks.add(user, photo)
        recognition = broken[0] if broken else recognition
    keep(request, Recognition(recognition.outcome, recognition.reason, user), way)
    if recognition.outcome == Outcome.REMEMBERED and not wants_json(request):
        return redirect("faceauth:looks")
    return show_looks(request, recognition)


@never_cache
@login_required
@require_POST
def remove_look_view(request: HttpRequest, face_id: UUID) -> HttpResponse:
    """Forget one look; never the last, which is what "forget me" is for."""
    user = user_of(request)
    if not user.faces.filter(face_id=face_id).exists():
        raise Http404
    if looks.remove(user, face_id):
        return redirect("faceauth:looks")
    context = {"faces": user.faces.all(), "most": people.MOST_LOOKS, "message": _("I keep your last look.")}
    return render(request, "faceauth/looks.html", context, status=422)


# A copy of everything -------------------------------------------------------------------------------------------------


@never_cache
@login_required
@with_second_lock()
@require_GET
def export_view(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that is held about the person, as one ZIP of JSON and Markdown."""
    response = StreamingHttpResponse(export.archive(user_of(request)), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="secretly.zip"'
    return response


# Being forgotten ------------------------------------------------------------------------------------------------------


@login_required
def show_again(request: HttpRequest, recognition: Recognition | None = None, message: str = "") -> HttpResponse:
    message = message or (sentence(recognition.outcome, recognition.reason) if recognition else "")
    status = STATUS[recognition.outcome] if recognition else 200
    context = {"next": given_next(request), "message": message, "look": conf().LOOK}
    if wants_json(request) and recognition:
        content = {"outcome": recognition.outcome, "reason": recognition.reason, "message": message}
        return finished(JsonResponse(content, status=status), recognition)
    response = render(request, "faceauth/again.html", context, status=status)
    return finished(response, recognition) if recognition else varied(response)


@takes_picture(show_again, lambda: doorman.RECOGNISING)
@login_required
def again_view(request: HttpRequest) -> HttpResponse:
    """Look at the person once more, before something that cannot be undone. Nobody's session changes by it."""
    if request.method != "POST":
        return show_again(request)
    photos, way = photos_in(request)
    if isinstance(photos, Refusal):
        recognition = people.refused(photos.reason)
    else:
        with ExitStack() as stack:
            for photo in photos:
                stack.enter_context(photo)
            recognition = ask(request, photos, remember=False)
        if recognition.outcome == Outcome.STRANGER or (recognition.user and recognition.user != request.user):
            recognition = people.refused(Reason.SOMEBODY_ELSE, recognition.similarity, user_of(request))
        elif not opens(recognition, way):
            recognition = people.refused(Reason.LOOK_NEEDED, recognition.similarity, user_of(request))
    keep(request, recognition, way)
    if recognition.user is None:
        return show_again(request, recognition)
    request.session[SEEN] = time.time()
    return redirect(next_url(request))


def seen_just_now(request: HttpRequest) -> bool:
    return bool(time.time() - request.session.get(SEEN, 0) <= SEEN_FOR)


def look_again(back: str) -> HttpResponse:
    return redirect(f"{reverse('faceauth:again')}?next={back}")


@never_cache
@login_required
@with_second_lock()
@require_http_methods(["GET", "HEAD", "POST"])
def forget_view(request: HttpRequest) -> HttpResponse:
    """Forget the person, who must have been seen just now: their faces, their user, and all that hangs on it."""
    user = user_of(request)
    page = "faceauth/forget.html"
    context = {"word": _(FORGET)}
    if not people.may_enter(user):
        return render(request, page, context | {"operator": True}, status=403)
    if not seen_just_now(request):
        return look_again(reverse("faceauth:forget"))
    if request.method != "POST":
        return render(request, page, context)
    if request.POST.get("word", "").strip().casefold() not in (FORGET, _(FORGET)):
        return render(request, page, context | {"mistyped": True}, status=422)
    receipt = people.forget(user)
    logout(request)
    return redirect("faceauth:forgotten", receipt.pk)


@never_cache
@require_safe
def forgotten_view(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The receipt: which faces were deleted, and when Rekognition confirmed it. Only who was forgotten has the link.

    Whoever looks at it later, while something is left to delete, has it asked for again.
    """
    receipt = get_object_or_404(Receipt, pk=pk)
    if time.time() - receipt.at.timestamp() > TRY_AGAIN_AFTER:
        ledger.settle(receipt.deletions.all())
    deletions = list(receipt.deletions.all())
    pending = any(deletion.confirmed is None for deletion in deletions)
    if wants_json(request):
        content = {
            "outcome": "forgotten",
            "forgotten": receipt.at,
            "complete": not pending,
            "faces": [
                {"face_id": row.face_id, "requested": row.requested, "deleted": row.confirmed} for row in deletions
            ],
        }
        return varied(JsonResponse(content))
    return varied(
        render(request, "faceauth/forgotten.html", {"receipt": receipt, "deletions": deletions, "pending": pending})
    )


def varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept"])
    return response

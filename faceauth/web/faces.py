"""The appearances of a person: add, rename and remove them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from faceauth import outcomes
from faceauth.audit import changes
from faceauth.audit.changes import Kind
from faceauth.audit.log import record
from faceauth.conf import conf
from faceauth.enrolment.faces import MAX_FACES, add, remove
from faceauth.models import Face, SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.policy import accounts, photo_logins
from faceauth.ratelimit import limits
from faceauth.vision.photos import Photo
from faceauth.web import account
from faceauth.web.http import Result, answer, result_of, throttled, user_of
from faceauth.web.photo_forms import takes_pictures
from faceauth.web.recognise import answered
from faceauth.web.uploads import pictures_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE = "faceauth/faces.html"

LAST_STAYS = gettext_lazy("The last appearance stays: without it nothing would recognise you.")
OLDEST_STAYS = gettext_lazy("The oldest appearance stays until you have signed in once with the camera.")


def shown(request: HttpRequest) -> dict[str, Any]:
    user = user_of(request)
    return {
        "room": user.faces.count() < MAX_FACES,
        "first": not user.faces.exists(),
        "endpoint": conf().ENDPOINT,
        "most": MAX_FACES,
        "photos": "never" if photo_logins.has_passed_liveness(user) else "open",
        "full": True,
    }


def rows_of(faces: Iterable[Face]) -> list[dict[str, object]]:
    return [
        {
            "face_id": it.face_id,
            "name": it.name,
            "enrolled": it.enrolled,
            "brightness": it.brightness,
            "sharpness": it.sharpness,
        }
        for it in faces
    ]


@takes_pictures(PAGE, shown, lambda: limits.ENROLMENT_CALLS, signed_in=True)
def faces_view(request: HttpRequest) -> HttpResponse:
    """GET is the page to add an appearance. POST takes `frame`s, `file` or `image`, which must be the person's own."""
    user = user_of(request)
    if request.method != "POST":
        return answer(request, faces_result(request))
    with limits.attempt(request, limits.ENROLMENT_CALLS) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        with pictures_in(request) as pictures:
            recognition = add_face(user, pictures.photos, pictures.method, request.POST.get("consent") == "yes")
            attempt.settle(recognition.outcome, recognition.reason, recognition.searched)
            record(request, Recognition(recognition.outcome, recognition.reason, user), pictures.method)
    newest = user.faces.order_by("-pk").first()
    if recognition.outcome == Outcome.ENROLLED and newest is not None:
        changes.record(request, user, Kind.FACE_ADDED, subject=newest.face_id)
    return answer(request, faces_result(request, recognition))


def add_face(user: "User", photos: Sequence[Photo] | Refusal, method: str, consented: bool = False) -> Recognition:
    if not accounts.may_sign_in(user):  # an operator uses a password, and would be enrolled for nothing
        return outcomes.refused(Reason.INACTIVE)
    if isinstance(photos, Refusal):
        return outcomes.refused(photos.reason)
    if method != SignIn.Method.LIVENESS and photo_logins.has_passed_liveness(user):
        return outcomes.refused(Reason.LIVENESS_REQUIRED)
    if not consented and not user.faces.exists():
        return outcomes.refused(Reason.CONSENT_REQUIRED)
    consent = conf().CONSENT_VERSION if consented else ""
    return answered(lambda: add(user, photos[0], live=method == SignIn.Method.LIVENESS, consent=consent))


def faces_result(request: HttpRequest, recognition: Recognition | None = None) -> Result:
    data = {"faces": rows_of(user_of(request).faces.all()), "most": MAX_FACES}
    if recognition is None:
        return Result(next=request.path, page=PAGE, context=shown(request), data=data)
    added = recognition.outcome == Outcome.ENROLLED
    message = _("The new appearance is enrolled.") if added else ""
    url = account.section("face") if added else request.path
    page = "" if added else PAGE
    return result_of(recognition, message=message, next=url, page=page, context=shown(request), data=data)


@never_cache
@login_required
@require_POST
def rename_face_view(request: HttpRequest, face_id: UUID) -> HttpResponse:
    """Give an appearance the `name` that the person calls it by; an empty one takes it away."""
    name = request.POST.get("name", "").replace("\0", "").strip()[:64]
    if not user_of(request).faces.filter(face_id=face_id).update(name=name):
        raise Http404
    return account.back(request, "face")


@never_cache
@login_required
@require_POST
def remove_face_view(request: HttpRequest, face_id: UUID) -> HttpResponse:
    """Remove one appearance; never the last, which is what "forget me" is for."""
    user = user_of(request)
    face = user.faces.filter(face_id=face_id).first()
    if face is None:
        raise Http404
    if not remove(user, face_id):
        last = user.faces.count() == 1
        return account.show(request, str(LAST_STAYS if last else OLDEST_STAYS), 422)
    changes.record(request, user, Kind.FACE_REMOVED, face.name)
    return account.back(request, "face")

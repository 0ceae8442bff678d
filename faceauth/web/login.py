"""Sign in by face."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from faceauth import outcomes
from faceauth.audit.log import record
from faceauth.audit.sessions import stored_key
from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal, sentence
from faceauth.policy import capacity
from faceauth.ratelimit import limits
from faceauth.vision.photos import Photo, reopen_photo
from faceauth.web import pending_login
from faceauth.web.attempts import as_stranger, ask, opens, photos_in
from faceauth.web.consent import seal, unseal
from faceauth.web.http import STATUS, finished, given_next, next_url, open_session, wants_json
from faceauth.web.photo_forms import takes_picture, turn_away

if TYPE_CHECKING:
    from django.contrib.auth.models import User


# The version of the text in templates/faceauth/consent.html. Change it with the text: it is kept with each face.
CONSENT_VERSION = "2026-11-23.2"


NEAR_MATCH_TOLD = "faceauth.familiar"


def show_answer(request: HttpRequest, recognition: Recognition, message: str = "", sealed: str = "") -> HttpResponse:
    """What came of a visit, as a page or as JSON."""
    message = message or sentence(recognition.outcome, recognition.reason)
    answer_as = answer_json if wants_json(request) else answer_page
    return finished(answer_as(request, recognition, message, sealed), recognition)


def calls_to_sign_in_here() -> int:
    return limits.calls_to_sign_in(conf().ENROLMENT)


@takes_picture(show_answer, calls_to_sign_in_here)
def login_view(request: HttpRequest) -> HttpResponse:
    """GET shows the door. POST takes the frames of a look, a `file` or an `image`, and says who it is."""
    if request.method != "POST":
        return redirect(next_url(request)) if request.user.is_authenticated else show_sign_in(request)
    photos, method = photos_in(request)
    if isinstance(photos, Refusal):
        return answer(request, outcomes.refused(photos.reason), method)
    with ExitStack() as stack:
        for photo in photos:
            stack.enter_context(photo)
        truth = recognise(request, photos)
        recognition = truth if opens(truth, method) else as_stranger(photos)
        stranger = recognition.outcome == Outcome.STRANGER
        sealed = seal([photo.jpeg for photo in photos], request.session) if stranger else ""
        return answer(request, recognition, method, sealed, truth)


@never_cache
@sensitive_post_parameters("sealed")
@sensitive_variables()
@require_POST
def enrol_view(request: HttpRequest) -> HttpResponse:
    """The answer to the consent question: `sealed` holds the photos that the question came with."""
    if request.POST.get("answer") != "yes":
        request.session.flush()
        return say_goodbye(request)
    turned_away = limits.admit(request, limits.ENROLMENT_CALLS)
    if turned_away:
        return turn_away(request, turned_away, show_answer)
    jpegs = unseal(request.POST.get("sealed", ""), request.session)
    if jpegs is None and request.user.is_authenticated:  # a second click, after the first has let them in
        limits.settle(request, Outcome.REFUSED, Reason.EXPIRED)
        return redirect(next_url(request))
    if jpegs is None:
        return answer(request, outcomes.refused(Reason.EXPIRED), "")
    with ExitStack() as stack:
        photos = [stack.enter_context(reopen_photo(jpeg)) for jpeg in jpegs]
        return answer(request, recognise(request, photos, enrol=True, consent=CONSENT_VERSION), "")


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """Lock the notebook."""
    SignIn.objects.filter(session_key=stored_key(request.session) or "-").update(session_key="")
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL or reverse("faceauth:login"))


@sensitive_variables()
def recognise(request: HttpRequest, photos: Sequence[Photo], enrol: bool = False, consent: str = "") -> Recognition:
    """Ask the authentication backends who is on the photos, and remember a stranger if that needs no asking."""
    recognition = ask(request, photos, enrol, consent)
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    if recognition.near is not None and NEAR_MATCH_TOLD not in request.session:
        request.session[NEAR_MATCH_TOLD] = True
        return outcomes.refused(Reason.NEAR_MATCH, recognition.similarity, recognition.near)
    if capacity.enrolment_closed():
        return outcomes.refused(Reason.CLOSED, recognition.similarity)
    if conf().ENROLMENT == "open":
        return ask(request, photos, enrol=True)
    return recognition


@sensitive_variables("sealed")
def answer(
    request: HttpRequest, recognition: Recognition, method: str, sealed: str = "", truth: Recognition | None = None
) -> HttpResponse:
    """Open the session if there is a user, write the visit down, and answer as a page or as JSON.

    `truth` is what the log of the door says, where the visitor hears something else.
    """
    truth = checked(truth or recognition, method)
    recognition = truth if recognition.user is not None else recognition
    # By what the visitor hears: the limits must not tell a photo that is turned away from a stranger's either.
    limits.settle(request, recognition.outcome, recognition.reason, recognition.searched)
    if recognition.user is not None and authenticators.has_mfa(recognition.user):
        return ask_for_mfa(request, recognition, method)
    if recognition.user is not None:
        open_session(request, recognition.user)
    record(request, truth, method, opened=recognition.user is not None)
    return show_answer(request, recognition, sealed=sealed)


def checked(recognition: Recognition, method: str) -> Recognition:
    """Refused where the face alone is not enough: on a photo that may not open this notebook, or by the odds."""
    user = recognition.user
    if user is None:
        return recognition
    if not opens(recognition, method):
        return outcomes.refused(Reason.LIVENESS_REQUIRED, recognition.similarity, user, searched=True)
    if recognition.lock and not authenticators.has_mfa(user):
        return outcomes.refused(Reason.MFA_REQUIRED, recognition.similarity, user)
    return recognition


def ask_for_mfa(request: HttpRequest, recognition: Recognition, method: str) -> HttpResponse:
    """The face is known, and the second lock comes now. Until it is open the log says that it was needed."""
    user = cast("User", recognition.user)
    sign_in = record(request, outcomes.refused(Reason.MFA_REQUIRED, recognition.similarity, user), method)
    page = reverse("faceauth:second_factor")
    if given_next(request):
        page = f"{page}?{urlencode({'next': given_next(request)})}"
    pending_login.begin(request, user, sign_in)
    if not wants_json(request):
        return finished(redirect(page), recognition)
    message = _("I know you. Now your second lock.")
    content = {"outcome": Outcome.RECOGNISED, "reason": None, "message": message, "next": page}
    return finished(JsonResponse(content), recognition)


def answer_page(request: HttpRequest, recognition: Recognition, message: str, sealed: str) -> HttpResponse:
    if recognition.user is not None:
        return redirect(inside(request, recognition))
    if recognition.outcome == Outcome.STRANGER:
        context = {"sealed": sealed, "next": given_next(request), "endpoint": conf().ENDPOINT}
        return render(request, "faceauth/consent.html", context)
    return show_sign_in(request, recognition, message)


def answer_json(request: HttpRequest, recognition: Recognition, message: str, sealed: str) -> HttpResponse:
    content = {
        "outcome": recognition.outcome,
        "reason": recognition.reason,
        "message": message,
        "next": reverse("faceauth:login"),
    }
    if recognition.user is not None:
        content["next"] = inside(request, recognition)
    if recognition.outcome == Outcome.STRANGER:
        content |= {"next": reverse("faceauth:enrol"), "sealed": sealed}
    return JsonResponse(content, status=STATUS[recognition.outcome])


def show_sign_in(request: HttpRequest, recognition: Recognition | None = None, message: str = "") -> HttpResponse:
    context: dict[str, str] = {"next": given_next(request), "liveness": conf().LIVENESS}
    status = 200
    if recognition is not None:
        context["message"] = message
        context["outcome"] = recognition.outcome
        status = STATUS[recognition.outcome]
    return render(request, "faceauth/login.html", context, status=status)


def say_goodbye(request: HttpRequest) -> HttpResponse:
    message = _("Then I keep nothing. Goodbye.")
    if wants_json(request):
        return JsonResponse({"outcome": None, "reason": None, "message": message, "next": reverse("faceauth:login")})
    return render(request, "faceauth/goodbye.html", {"message": message})


def inside(request: HttpRequest, recognition: Recognition) -> str:
    """Where whoever comes in goes. A newcomer who will not come in again by their face alone adds a second lock now."""
    newcomer = recognition.outcome == Outcome.ENROLLED
    return reverse("faceauth:mfa") if newcomer and capacity.mfa_required() else next_url(request)

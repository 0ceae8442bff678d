"""The door: reads the form, answers the person."""

import logging
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from faceauth import people
from faceauth.conf import conf
from faceauth.images import Photo, read_photo, reopen_photo
from faceauth.models import Login
from faceauth.outcomes import Outcome, Reason, Refusal, sentence
from faceauth.people import Recognition
from faceauth.rekognition.errors import RekognitionError, Throttled
from faceauth.seal import seal, unseal
from faceauth.uploads import MemoryUploadHandler, picture_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

STATUS = {
    Outcome.RECOGNISED: 200,
    Outcome.REMEMBERED: 200,
    Outcome.STRANGER: 200,
    Outcome.REFUSED: 422,
    Outcome.THROTTLED: 429,
    Outcome.UNAVAILABLE: 503,
}
RETRY_AFTER = 5  # seconds; Rekognition's quotas are per second, and a person needs that long to try again anyway

# The version of the text in templates/faceauth/stranger.html. Change it with the text: it is kept with each face.
CONSENT = "2026-11-22"

# What a person types to be forgotten.
FORGET = "forget me"


@never_cache
@sensitive_post_parameters("image", "sealed")
@require_http_methods(["GET", "HEAD", "POST"])
@csrf_exempt  # only until the upload handler is set, which must come before the token is read; `door` is protected
def login_view(request: HttpRequest) -> HttpResponse:
    """GET shows the door. POST takes `file` or `image` and says who it is."""
    request.upload_handlers = [MemoryUploadHandler(request)]
    try:
        return door(request)
    except RequestDataTooBig:
        drain(request)
        return answer(request, people.refused(Reason.TOO_LARGE), Login.Way.CAMERA)


@csrf_protect
@sensitive_variables()
def door(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect(next_url(request)) if request.user.is_authenticated else show_door(request)
    picture, way = picture_in(request)
    photo = read_photo(picture) if isinstance(picture, bytes) else picture
    if isinstance(photo, Refusal):
        return answer(request, people.refused(photo.reason), way)
    with photo:
        recognition = recognise(request, photo)
        if recognition.outcome == Outcome.STRANGER:
            return answer(request, recognition, way, sealed=seal(photo.jpeg, request.session))
        return answer(request, recognition, way)


@never_cache
@sensitive_post_parameters("sealed")
@sensitive_variables()
@require_POST
def remember_view(request: HttpRequest) -> HttpResponse:
    """The answer to the consent question: `sealed` is the photo that the question came with."""
    jpeg = unseal(request.POST.get("sealed", ""), request.session)
    if request.POST.get("answer") != "yes":
        request.session.flush()
        return say_goodbye(request)
    if jpeg is None:
        return answer(request, people.refused(Reason.LOOK_EXPIRED), "")
    with reopen_photo(jpeg) as photo:
        return answer(request, recognise(request, photo, remember=True, consent=CONSENT), "")


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """Lock the notebook."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL or reverse("faceauth:login"))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def forget_view(request: HttpRequest) -> HttpResponse:
    """Forget the person: their faces, their user, and all that hangs on it."""
    context = {"word": FORGET, "faces": request.user.faces.all()}  # type: ignore[union-attr]
    if request.method != "POST":
        return render(request, "faceauth/forget.html", context)
    if request.POST.get("word", "").strip().casefold() != FORGET:
        return render(request, "faceauth/forget.html", context | {"mistyped": True}, status=422)
    user = cast("User", request.user)
    if not people.may_enter(user):
        return render(request, "faceauth/forget.html", context | {"operator": True}, status=403)
    try:
        face_ids = people.forget(user)
    except RekognitionError as error:
        logger.error("Nobody was forgotten: %s", error)
        return render(request, "faceauth/forget.html", context | {"unavailable": True}, status=503)
    logout(request)
    return render(request, "faceauth/forgotten.html", {"face_ids": face_ids})


@sensitive_variables()
def recognise(request: HttpRequest, photo: Photo, remember: bool = False, consent: str = "") -> Recognition:
    """Ask the authentication backends who is on the photo. What is broken becomes `throttled` or `unavailable`."""
    remember = remember or conf().ENROLMENT == "open"
    try:
        authenticate(request, photo=photo.copy(), remember=remember, consent=consent)
    except Throttled as error:
        logger.warning("Somebody was turned away at the door: %s", error)
        return Recognition(Outcome.THROTTLED)
    except RekognitionError as error:
        logger.error("The door cannot see: %s", error)
        return Recognition(Outcome.UNAVAILABLE)
    recognition = cast(Recognition, request.recognition)  # type: ignore[attr-defined]
    if recognition.outcome == Outcome.STRANGER and conf().ENROLMENT == "closed":
        return people.refused(Reason.CLOSED, recognition.similarity)
    return recognition


def answer(request: HttpRequest, recognition: Recognition, way: str, sealed: str = "") -> HttpResponse:
    """Write the visit down, open the session if there is a user, and answer as a page or as JSON."""
    keep(request, recognition, way)
    if recognition.user is not None:
        login(request, recognition.user, backend="faceauth.backends.FaceBackend")
    response = (
        answer_json(request, recognition, sealed) if wants_json(request) else answer_page(request, recognition, sealed)
    )
    if recognition.outcome == Outcome.THROTTLED:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    patch_vary_headers(response, ["Accept"])
    return response


def keep(request: HttpRequest, recognition: Recognition, way: str) -> None:
    Login.objects.create(
        outcome=recognition.outcome,
        reason=recognition.reason or "",
        user=recognition.user,
        similarity=recognition.similarity,
        way=way,
        address=request.META.get("REMOTE_ADDR") or None,
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],
    )


def answer_page(request: HttpRequest, recognition: Recognition, sealed: str) -> HttpResponse:
    if recognition.user is not None:
        return redirect(next_url(request))
    if recognition.outcome == Outcome.STRANGER:
        context = {"sealed": sealed, "next": given_next(request), "endpoint": conf().ENDPOINT}
        return render(request, "faceauth/stranger.html", context)
    return show_door(request, recognition)


def answer_json(request: HttpRequest, recognition: Recognition, sealed: str) -> HttpResponse:
    content = {
        "outcome": recognition.outcome,
        "reason": recognition.reason,
        "message": sentence(recognition.outcome, recognition.reason),
        "next": reverse("faceauth:login"),
    }
    if recognition.user is not None:
        content["next"] = next_url(request)
    if recognition.outcome == Outcome.STRANGER:
        content |= {"next": reverse("faceauth:remember"), "sealed": sealed}
    return JsonResponse(content, status=STATUS[recognition.outcome])


def show_door(request: HttpRequest, recognition: Recognition | None = None) -> HttpResponse:
    context: dict[str, str] = {"next": given_next(request)}
    status = 200
    if recognition is not None:
        context["message"] = sentence(recognition.outcome, recognition.reason)
        context["outcome"] = recognition.outcome
        status = STATUS[recognition.outcome]
    return render(request, "faceauth/login.html", context, status=status)


def say_goodbye(request: HttpRequest) -> HttpResponse:
    message = _("Then I keep nothing. Goodbye.")
    if wants_json(request):
        return JsonResponse({"outcome": None, "reason": None, "message": message, "next": reverse("faceauth:login")})
    return render(request, "faceauth/goodbye.html", {"message": message})


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def given_next(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else ""


def next_url(request: HttpRequest) -> str:
    return given_next(request) or resolve_url(settings.LOGIN_REDIRECT_URL)


def drain(request: HttpRequest) -> None:
    """Read on, and keep nothing, so that the browser gets to see the answer; but not for ever."""
    for _chunk in range(1024):
        if not request.read(64 * 1024):
            return

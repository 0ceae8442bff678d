"""The door: reads the form, answers the person."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
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

from faceauth import crowd, doorman, locks, pending, people, photo_path, sight
from faceauth.conf import conf
from faceauth.images import Photo, read_photo, reopen_photo
from faceauth.models import Login
from faceauth.outcomes import Outcome, Reason, Refusal, sentence
from faceauth.people import Recognition
from faceauth.rekognition import metering
from faceauth.rekognition.errors import RekognitionError, Throttled
from faceauth.seal import seal, unseal
from faceauth.uploads import LIMITS, frames_in, picture_in
from privatekit.uploads import MemoryUploadHandler

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
CONSENT = "2026-11-23.2"

# In the session: when its person was last recognised (seconds since 1970), and that a visitor has heard that they look
# familiar, which is said once.
SEEN = "faceauth.seen"
FAMILIAR = "faceauth.familiar"


View = Callable[[HttpRequest], HttpResponse]
Show = Callable[..., HttpResponse]  # of a request, a Recognition and, where it is not the ordinary one, a sentence


def takes_picture(show: Show, calls: Callable[[], int]) -> Callable[[View], View]:
    """A view that is posted a picture, which stays in memory. A flood of them is turned away before it is read.

    `show` answers what does not come to the view, and `calls` is how many calls to Rekognition the view makes at most.
    """

    def decorator(view: View) -> View:
        def admitted(request: HttpRequest) -> HttpResponse:
            turned_away = doorman.admit(request, calls()) if request.method == "POST" else None
            if turned_away:
                return turn_away(request, turned_away, show)
            response = view(request)
            doorman.give_back(request)  # of whoever was sent elsewhere, such as to sign in
            return response

        protected = sensitive_variables()(csrf_protect(admitted))

        @never_cache
        @sensitive_post_parameters("frame", "image", "sealed")
        @require_http_methods(["GET", "HEAD", "POST"])
        @csrf_exempt  # only until the upload handler is set, which must come before the token is read
        @wraps(view)
        def taking(request: HttpRequest) -> HttpResponse:
            request.upload_handlers = [MemoryUploadHandler(request, LIMITS)]
            turned_away = doorman.peek(request, calls()) if request.method == "POST" else None
            if turned_away:
                drain(request)
                return turn_away(request, turned_away, show)
            try:
                return protected(request)
            except RequestDataTooBig:
                drain(request)
                turned_away = doorman.admit(request, calls())
                return turn_away(request, turned_away, show) if turned_away else too_large(request, show)

        return taking

    return decorator


def turn_away(request: HttpRequest, turned_away: doorman.TurnedAway, show: Show) -> HttpResponse:
    doorman.write_down(request, turned_away)
    response = show(request, Recognition(Outcome.THROTTLED), doorman.spoken(turned_away))
    return doorman.waiting(response, turned_away)


def too_large(request: HttpRequest, show: Show) -> HttpResponse:
    recognition = people.refused(Reason.TOO_LARGE)
    keep(request, recognition, Login.Way.CAMERA)
    return show(request, recognition)


def show_answer(request: HttpRequest, recognition: Recognition, message: str = "", sealed: str = "") -> HttpResponse:
    """What came of a visit, as a page or as JSON."""
    message = message or sentence(recognition.outcome, recognition.reason)
    answer_as = answer_json if wants_json(request) else answer_page
    return finished(answer_as(request, recognition, message, sealed), recognition)


def calls_to_sign_in() -> int:
    return doorman.calls_to_sign_in(conf().ENROLMENT)


@takes_picture(show_answer, calls_to_sign_in)
def login_view(request: HttpRequest) -> HttpResponse:
    """GET shows the door. POST takes the frames of a look, a `file` or an `image`, and says who it is."""
    if request.method != "POST":
        return redirect(next_url(request)) if request.user.is_authenticated else show_door(request)
    photos, way = photos_in(request)
    if isinstance(photos, Refusal):
        return answer(request, people.refused(photos.reason), way)
    with ExitStack() as stack:
        for photo in photos:
            stack.enter_context(photo)
        truth = recognise(request, photos)
        recognition = truth if opens(truth, way) else as_stranger(photos)
        stranger = recognition.outcome == Outcome.STRANGER
        sealed = seal([photo.jpeg for photo in photos], request.session) if stranger else ""
        return answer(request, recognition, way, sealed, truth)


@sensitive_variables()
def photos_in(request: HttpRequest) -> tuple[list[Photo] | Refusal, Login.Way]:
    """The photos that somebody wants to be recognised by: the frames of a look, or one that needs no look here."""
    frames = frames_in(request)
    if frames is not None:
        return (sight.redeem(request.session, frames) if isinstance(frames, list) else frames), Login.Way.LOOK
    photo, way = photo_in(request)
    if isinstance(photo, Refusal):
        return photo, way
    if conf().LOOK == "always" or (conf().LOOK == "camera" and way == Login.Way.CAMERA):
        photo.close()
        return Refusal(Reason.LOOK_NEEDED), way
    return [photo], way


@sensitive_variables()
def photo_in(request: HttpRequest) -> tuple[Photo | Refusal, Login.Way]:
    picture, way = picture_in(request)
    return (read_photo(picture) if isinstance(picture, bytes) else picture), way


@never_cache
@sensitive_post_parameters("sealed")
@sensitive_variables()
@require_POST
def remember_view(request: HttpRequest) -> HttpResponse:
    """The answer to the consent question: `sealed` holds the photos that the question came with."""
    if request.POST.get("answer") != "yes":
        request.session.flush()
        return say_goodbye(request)
    turned_away = doorman.admit(request, doorman.REMEMBERING)
    if turned_away:
        return turn_away(request, turned_away, show_answer)
    jpegs = unseal(request.POST.get("sealed", ""), request.session)
    if jpegs is None and request.user.is_authenticated:  # a second click, after the first has let them in
        doorman.settle(request, Outcome.REFUSED, Reason.LOOK_EXPIRED)
        return redirect(next_url(request))
    if jpegs is None:
        return answer(request, people.refused(Reason.LOOK_EXPIRED), "")
    with ExitStack() as stack:
        photos = [stack.enter_context(reopen_photo(jpeg)) for jpeg in jpegs]
        return answer(request, recognise(request, photos, remember=True, consent=CONSENT), "")


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """Lock the notebook."""
    Login.objects.filter(session_key=request.session.session_key or "-").update(session_key="")
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL or reverse("faceauth:login"))


@sensitive_variables()
def recognise(request: HttpRequest, photos: Sequence[Photo], remember: bool = False, consent: str = "") -> Recognition:
    """Ask the authentication backends who is on the photos, and remember a stranger if that needs no asking."""
    recognition = ask(request, photos, remember, consent)
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    if recognition.near is not None and FAMILIAR not in request.session:
        request.session[FAMILIAR] = True
        return people.refused(Reason.FAMILIAR, recognition.similarity, recognition.near)
    if people.closed():
        return people.refused(Reason.CLOSED, recognition.similarity)
    if conf().ENROLMENT == "open":
        return ask(request, photos, remember=True)
    return recognition


@sensitive_variables()
def ask(request: HttpRequest, photos: Sequence[Photo], remember: bool, consent: str = "") -> Recognition:
    """What the authentication backends say. What is broken becomes `throttled` or `unavailable`."""
    with unbroken() as broken:
        authenticate(request, photos=[photo.copy() for photo in photos], remember=remember, consent=consent)
    return broken[0] if broken else cast(Recognition, request.recognition)  # type: ignore[attr-defined]


def opens(recognition: Recognition, way: str) -> bool:
    """False for somebody on a photo that their notebook does not open for."""
    return recognition.user is None or photo_path.may_open(recognition.user, way)


def as_stranger(photos: Sequence[Photo]) -> Recognition:
    """What a stranger hears. Whoever shows somebody's photo shall not learn that they have a notebook here."""
    with unbroken() as broken:
        bad = people.as_stranger(photos)
    if broken:
        return broken[0]
    if people.closed():
        return people.refused(Reason.CLOSED)
    if bad is not None:
        return people.refused(bad.reason, searched=True)
    # An open house would remember a stranger now. That would be a second notebook of one person, so here it shows.
    if conf().ENROLMENT == "open":
        return people.refused(Reason.LOOK_NEEDED, searched=True)
    return Recognition(Outcome.STRANGER)


@contextmanager
def unbroken() -> Iterator[list[Recognition]]:
    """What a person hears of it when Rekognition cannot answer; the log says more."""
    broken: list[Recognition] = []
    try:
        yield broken
    except Throttled as error:
        logger.warning("Somebody was turned away at the door: %s", error)
        broken.append(Recognition(Outcome.THROTTLED))
    except RekognitionError as error:
        logger.error("The door cannot see: %s", error)
        broken.append(Recognition(Outcome.UNAVAILABLE))


@sensitive_variables("sealed")
def answer(
    request: HttpRequest, recognition: Recognition, way: str, sealed: str = "", truth: Recognition | None = None
) -> HttpResponse:
    """Open the session if there is a user, write the visit down, and answer as a page or as JSON.

    `truth` is what the log of the door says, where the visitor hears something else.
    """
    truth = checked(truth or recognition, way)
    recognition = truth if recognition.user is not None else recognition
    # By what the visitor hears: the limits must not tell a photo that is turned away from a stranger's either.
    doorman.settle(request, recognition.outcome, recognition.reason, recognition.searched)
    if recognition.user is not None and locks.has_lock(recognition.user):
        return ask_for_lock(request, recognition, way)
    if recognition.user is not None:
        open_session(request, recognition.user)
    keep(request, truth, way, opened=recognition.user is not None)
    return show_answer(request, recognition, sealed=sealed)


def checked(recognition: Recognition, way: str) -> Recognition:
    """Refused where the face alone is not enough: on a photo that may not open this notebook, or by the odds."""
    user = recognition.user
    if user is None:
        return recognition
    if not opens(recognition, way):
        return people.refused(Reason.LOOK_NEEDED, recognition.similarity, user, searched=True)
    if recognition.lock and not locks.has_lock(user):
        return people.refused(Reason.LOCK_NEEDED, recognition.similarity, user)
    return recognition


def open_session(request: HttpRequest, user: "User", seen: float | None = None) -> None:
    """Sign somebody in of whom all is known that there is to know. `seen` is when their face was, if not now."""
    login(request, user, backend="faceauth.backends.FaceBackend")
    request.session[SEEN] = time.time() if seen is None else seen


def ask_for_lock(request: HttpRequest, recognition: Recognition, way: str) -> HttpResponse:
    """The face is known, and the second lock comes now. Until it is open the log says that it was needed."""
    user = cast("User", recognition.user)
    visit = keep(request, people.refused(Reason.LOCK_NEEDED, recognition.similarity, user), way)
    page = reverse("faceauth:second_lock")
    if given_next(request):
        page = f"{page}?{urlencode({'next': given_next(request)})}"
    pending.begin(request, user, visit)
    if not wants_json(request):
        return finished(redirect(page), recognition)
    message = _("I know you. Now your second lock.")
    content = {"outcome": Outcome.RECOGNISED, "reason": None, "message": message, "next": page}
    return finished(JsonResponse(content), recognition)


def finished(response: HttpResponse, recognition: Recognition) -> HttpResponse:
    if recognition.outcome == Outcome.THROTTLED:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    patch_vary_headers(response, ["Accept"])
    return response


def keep(request: HttpRequest, recognition: Recognition, way: str, opened: bool = False) -> Login:
    """Write the visit down: as that of who came in, or, when refused, of whom the photo was like."""
    doorman.settle(request, recognition.outcome, recognition.reason, recognition.searched)
    return Login.objects.create(
        outcome=recognition.outcome,
        reason=recognition.reason or "",
        user=recognition.user or (recognition.near if recognition.outcome == Outcome.REFUSED else None),
        similarity=recognition.similarity,
        way=way,
        address=request.META.get("REMOTE_ADDR") or None,
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],
        session_key=request.session.session_key or "" if opened else "",
        rekognition_ms=metering.milliseconds(),
    )


def answer_page(request: HttpRequest, recognition: Recognition, message: str, sealed: str) -> HttpResponse:
    if recognition.user is not None:
        return redirect(inside(request, recognition))
    if recognition.outcome == Outcome.STRANGER:
        context = {"sealed": sealed, "next": given_next(request), "endpoint": conf().ENDPOINT}
        return render(request, "faceauth/stranger.html", context)
    return show_door(request, recognition, message)


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
        content |= {"next": reverse("faceauth:remember"), "sealed": sealed}
    return JsonResponse(content, status=STATUS[recognition.outcome])


def show_door(request: HttpRequest, recognition: Recognition | None = None, message: str = "") -> HttpResponse:
    context: dict[str, str] = {"next": given_next(request), "look": conf().LOOK}
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


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def given_next(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else ""


def inside(request: HttpRequest, recognition: Recognition) -> str:
    """Where whoever comes in goes. A newcomer who will not come in again by their face alone adds a second lock now."""
    newcomer = recognition.outcome == Outcome.REMEMBERED
    return reverse("faceauth:locks") if newcomer and crowd.required() else next_url(request)


def next_url(request: HttpRequest) -> str:
    return given_next(request) or resolve_url(settings.LOGIN_REDIRECT_URL)


def drain(request: HttpRequest) -> None:
    """Read on, and keep nothing, so that the browser gets to see the answer; but not for ever."""
    for _chunk in range(1024):
        if not request.read(64 * 1024):
            return

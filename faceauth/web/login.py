"""Sign in by face. Read from top to bottom, this is the whole way:

request -> pictures -> recognition -> policy -> session -> sign-in log -> answer.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
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
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.policy import capacity, sign_in
from faceauth.policy.sign_in import Access, Decision
from faceauth.ratelimit import limits
from faceauth.vision.photos import Photo, reopen_photo
from faceauth.web import consent, pending_login, recognise
from faceauth.web.http import Result, answer, given_next, next_url, open_session, result_of, throttled
from faceauth.web.photo_forms import takes_pictures
from faceauth.web.uploads import Pictures, pictures_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE = "faceauth/login.html"

# The version of the text in faceauth/consent.html. Change it with the text: it is kept with each consent.
CONSENT_VERSION = "2026-11-23.2"

# In the session: the visitor was told that they resemble somebody, which is said once.
NEAR_MATCH_TOLD = "faceauth.near_match_told"


@takes_pictures(PAGE, lambda request: shown(request), lambda: limits.calls_to_sign_in(conf().ENROLMENT))
def login_view(request: HttpRequest) -> HttpResponse:
    """GET shows the page. POST takes `frame`s of a liveness check, a `file` or an `image`, and signs in who it is."""
    if request.method != "POST":
        return redirect(next_url(request)) if request.user.is_authenticated else render(request, PAGE, shown(request))
    with (
        limits.attempt(request, limits.calls_to_sign_in(conf().ENROLMENT)) as attempt,
        pictures_in(request) as pictures,
    ):
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        recognition = identify(request, pictures.photos)
        decision = sign_in.decide(recognition, pictures.method)
        heard = heard_by_visitor(decision, pictures.photos)
        attempt.settle(heard.outcome, heard.reason, heard.searched)
        sealed = sealed_for_consent(request, heard, pictures)
    return answer(request, open_or_refuse(request, decision, heard, pictures.method, sealed))


@never_cache
@sensitive_post_parameters("sealed")
@sensitive_variables()
@require_POST
def enrol_view(request: HttpRequest) -> HttpResponse:
    """The answer to the consent question: `sealed` holds the photos that the question came with."""
    if request.POST.get("answer") != "yes":
        request.session.flush()
        said = _("Then I keep nothing. Goodbye.")
        return answer(request, Result(message=said, page="faceauth/goodbye.html", next=reverse("faceauth:login")))
    with limits.attempt(request, limits.ENROLMENT_CALLS) as attempt, ExitStack() as photos_open:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        unsealed = consent.unseal(request.POST.get("sealed", ""), request.session)
        if unsealed is None and request.user.is_authenticated:  # a second click, after the first has let them in
            return redirect(next_url(request))
        if unsealed is None:
            decision, method = Decision(Access.NONE, outcomes.refused(Reason.EXPIRED)), ""
        else:
            photos = [photos_open.enter_context(reopen_photo(jpeg)) for jpeg in unsealed.jpegs]
            recognition = or_near_match(request, recognise.enrol(photos, CONSENT_VERSION))
            method = unsealed.method
            decision = sign_in.decide(recognition, method)
        heard = decision.recognition
        attempt.settle(heard.outcome, heard.reason, heard.searched)
    return answer(request, open_or_refuse(request, decision, heard, method))


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """Lock the notebook."""
    SignIn.objects.filter(session_key=stored_key(request.session) or "-").update(session_key="")
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL or reverse("faceauth:login"))


# The steps ------------------------------------------------------------------------------------------------------------


@sensitive_variables()
def identify(request: HttpRequest, photos: Sequence[Photo] | Refusal) -> Recognition:
    """Who is on the photos. A stranger is enrolled where that needs no asking."""
    recognition = or_near_match(request, recognise.recognise(photos))
    if recognition.outcome != Outcome.STRANGER or isinstance(photos, Refusal):
        return recognition
    if capacity.enrolment_closed():
        return outcomes.refused(Reason.CLOSED, recognition.similarity)
    return recognise.enrol(photos) if conf().ENROLMENT == "open" else recognition


def or_near_match(request: HttpRequest, recognition: Recognition) -> Recognition:
    """A stranger who resembles somebody is asked once to try again, before they get a second, empty notebook."""
    if recognition.outcome != Outcome.STRANGER or recognition.near is None or NEAR_MATCH_TOLD in request.session:
        return recognition
    request.session[NEAR_MATCH_TOLD] = True
    return outcomes.refused(Reason.NEAR_MATCH, recognition.similarity, recognition.near)


def heard_by_visitor(decision: Decision, photos: Sequence[Photo] | Refusal) -> Recognition:
    """What the visitor hears. The rate limits go by it too: they must not tell a concealed photo from a stranger's."""
    if decision.access != Access.CONCEALED or isinstance(photos, Refusal):
        return decision.recognition
    return recognise.as_stranger(photos)


@sensitive_variables()
def sealed_for_consent(request: HttpRequest, heard: Recognition, pictures: Pictures) -> str:
    """The photos, encrypted, for the page that asks a stranger for consent; "" for anybody else."""
    if heard.outcome != Outcome.STRANGER or isinstance(pictures.photos, Refusal):
        return ""
    return consent.seal([photo.jpeg for photo in pictures.photos], request.session, pictures.method)


@sensitive_variables("sealed")
def open_or_refuse(
    request: HttpRequest, decision: Decision, heard: Recognition, method: str, sealed: str = ""
) -> Result:
    """Do what was decided, and log it."""
    user = decision.recognition.user
    if decision.access == Access.SECOND_FACTOR and user is not None:
        return ask_for_second_factor(request, user, decision.recognition, method)
    opened = decision.access == Access.OPEN and user is not None
    if opened and user is not None:
        open_session(request, user, method)
    record(request, decision.recognition, method, opened)
    if opened:
        return result_of(heard, next=inside(request, heard), page="")
    if heard.outcome == Outcome.STRANGER:
        context = {"sealed": sealed, "next": given_next(request), "endpoint": conf().ENDPOINT}
        page = "faceauth/consent.html"
        return result_of(heard, next=reverse("faceauth:enrol"), page=page, context=context, data={"sealed": sealed})
    return refusal(request, heard)


def refusal(request: HttpRequest, heard: Recognition) -> Result:
    return result_of(heard, next=reverse("faceauth:login"), page=PAGE, context=shown(request))


def ask_for_second_factor(request: HttpRequest, user: "User", recognition: Recognition, method: str) -> Result:
    """The face is known. Until the second factor is given, nobody is signed in and the log says that it was needed."""
    row = record(request, outcomes.refused(Reason.MFA_REQUIRED, recognition.similarity, user), method)
    where = given_next(request)
    url = reverse("faceauth:second_factor") + (f"?{urlencode({'next': where})}" if where else "")
    pending_login.begin(request, user, row)
    return Result(Outcome.RECOGNISED, message=_("I know you. Now your second lock."), next=url, page="")


def inside(request: HttpRequest, heard: Recognition) -> str:
    """Where somebody who comes in goes: a new person first adds a second factor, where one will be required."""
    newcomer = heard.outcome == Outcome.ENROLLED
    return reverse("faceauth:mfa") if newcomer and capacity.mfa_required() else next_url(request)


def shown(request: HttpRequest) -> dict[str, Any]:
    """What the sign-in page shows."""
    return {"next": given_next(request), "liveness": conf().LIVENESS}

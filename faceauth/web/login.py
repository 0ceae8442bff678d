"""Sign in by face. Read from top to bottom, this is the whole way:

request -> pictures -> recognition -> policy -> session -> sign-in log -> answer.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
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
from faceauth.mfa import trusted_devices
from faceauth.models import SignIn
from faceauth.operators import dashboard
from faceauth.outcomes import Outcome, Reason, Recognition, Refusal
from faceauth.policy import capacity, photo_logins, sign_in
from faceauth.policy.sign_in import Access, Decision
from faceauth.ratelimit import limits
from faceauth.recognition.matching import Evidence
from faceauth.vision.photos import reopen_photo
from faceauth.web import consent, device_question, pending_login, recognise, refused_photos
from faceauth.web.http import Result, answer, given_next, next_url, open_session, result_of, throttled
from faceauth.web.photo_forms import takes_pictures
from faceauth.web.uploads import LIVE, Pictures, pictures_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE = "faceauth/login.html"

# In the session: the visitor was told that they resemble somebody, which is said once.
NEAR_MATCH_TOLD = "faceauth.near_match_told"


@takes_pictures(PAGE, lambda request: shown(request), lambda: limits.calls_to_sign_in(conf().ENROLMENT))
def login_view(request: HttpRequest) -> HttpResponse:
    """GET shows the page. POST takes `frame`s of a liveness check, a `file` or an `image`, and signs in who it is."""
    if request.method != "POST":
        return redirect(next_url(request)) if request.user.is_authenticated else render(request, PAGE, shown(request))
    with limits.attempt(request, limits.calls_to_sign_in(conf().ENROLMENT)) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        with pictures_in(request) as pictures:
            recognition = or_near_match(request, recognise.recognise(pictures.photos, evidence_of(request, pictures)))
            decision = decide(request, recognition, pictures.method)
            heard = heard_by_visitor(decision, pictures)
            if heard.outcome == Outcome.STRANGER and conf().ENROLMENT == "open":
                decision = enrol_now(request, pictures, decision)
                heard = decision.recognition
            attempt.settle(heard.outcome, heard.reason, heard.searched)
            sealed = sealed_pictures(request, decision, heard, pictures)
            photo = refused_photos.shown_again(pictures, heard)
    result = open_or_refuse(request, decision, heard, pictures.method, sealed)
    return answer(request, refused_photos.explained(result, pictures.method, photo))


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
    with limits.attempt(request, limits.ENROLMENT_CALLS) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        with unsealed_pictures(request) as pictures:
            if isinstance(pictures.photos, Refusal) and request.user.is_authenticated:
                return redirect(next_url(request))  # a second click, after the first has let them in
            decision = enrol_now(request, pictures, consented=conf().CONSENT_VERSION)
            heard = decision.recognition
            attempt.settle(heard.outcome, heard.reason, heard.searched)
    return answer(request, open_or_refuse(request, decision, heard, pictures.method))


@never_cache
@sensitive_post_parameters("sealed")
@sensitive_variables()
@require_POST
def claim_view(request: HttpRequest) -> HttpResponse:
    """The answer of somebody whose liveness check matches a notebook that only photos have opened: is it theirs?"""
    with limits.attempt(request, limits.ENROLMENT_CALLS) as attempt:
        if attempt.exceeded:
            return throttled(request, attempt.exceeded, PAGE, **shown(request))
        with unsealed_pictures(request) as pictures:
            recognition = recognise.recognise(pictures.photos, evidence_of(request, pictures))
            decision = decide(request, recognition, pictures.method)
            owner = decision.recognition.user
            if decision.access == Access.CLAIM and owner is not None:
                decision = settle_claim(request, owner, pictures, request.POST.get("answer") == "yes")
            heard = decision.recognition
            attempt.settle(heard.outcome, heard.reason, heard.searched)
            sealed = sealed_pictures(request, decision, heard, pictures)
    return answer(request, open_or_refuse(request, decision, heard, pictures.method, sealed))


@never_cache
@require_POST
def logout_view(request: HttpRequest) -> HttpResponse:
    """Lock the notebook."""
    SignIn.objects.filter(session_key=stored_key(request.session) or "-").update(session_key="")
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL or f"{reverse('faceauth:login')}?locked=1")


# The steps ------------------------------------------------------------------------------------------------------------


def evidence_of(request: HttpRequest, pictures: Pictures) -> Evidence:
    """How the pictures came."""
    people = frozenset(device.user.pk for device in trusted_devices.people_of(request))
    return Evidence(live=pictures.method in LIVE, trusted=people)


def decide(request: HttpRequest, recognition: Recognition, method: str) -> Decision:
    """The policy's decision, which knows whether this is a trusted device of the person."""
    user = recognition.user
    return sign_in.decide(recognition, method, user is not None and trusted_devices.is_trusted(request, user))


def or_near_match(request: HttpRequest, recognition: Recognition) -> Recognition:
    """A stranger who resembles somebody is asked once to try again, before they get a second, empty notebook."""
    if recognition.outcome != Outcome.STRANGER:
        return recognition
    if recognition.near is not None and NEAR_MATCH_TOLD not in request.session:
        request.session[NEAR_MATCH_TOLD] = True
        return outcomes.refused(Reason.NEAR_MATCH, recognition.similarity, recognition.near)
    return outcomes.refused(Reason.CLOSED, recognition.similarity) if capacity.enrolment_closed() else recognition


def heard_by_visitor(decision: Decision, pictures: Pictures) -> Recognition:
    """What the visitor hears. The rate limits go by it too: they must not tell a concealed photo from a stranger's.

    A quick check that shows nobody of this device is told to be a full one, whoever it shows.
    """
    if pictures.method == SignIn.Method.QUICK and decision.access != Access.OPEN:
        return outcomes.refused(Reason.LIVENESS_REQUIRED, searched=True)
    if decision.access != Access.CONCEALED or isinstance(pictures.photos, Refusal):
        return decision.recognition
    return recognise.as_stranger(pictures.photos)


@sensitive_variables()
def enrol_now(
    request: HttpRequest, pictures: Pictures, known: Decision | None = None, consented: str = "", counted: bool = False
) -> Decision:
    """Enrol the person on the pictures, who is nobody here.

    Where a photo shows somebody whose notebook it does not open, it makes another notebook, which photos alone open:
    so whoever holds up a photo learns nothing, and the person loses nothing.
    """
    if isinstance(pictures.photos, Refusal):
        return Decision(Access.NONE, outcomes.refused(pictures.photos.reason))
    if not counted and limits.count_enrolment(request):
        return Decision(Access.NONE, Recognition(Outcome.THROTTLED))
    concealed = known.recognition.near if known and known.access == Access.CONCEALED else None
    recognition = recognise.enrol(pictures.photos, consented, pictures.method, concealed)
    decision = decide(request, or_near_match(request, recognition), pictures.method)
    if decision.access == Access.CONCEALED:
        return enrol_now(request, pictures, decision, consented, counted=True)  # a stranger counts once, too
    return decision


@sensitive_variables()
def settle_claim(request: HttpRequest, owner: "User", pictures: Pictures, mine: bool) -> Decision:
    """Give the notebook to whom the liveness check shows; or let it never match one again, and ask as a stranger."""
    if isinstance(pictures.photos, Refusal):
        return Decision(Access.NONE, outcomes.refused(pictures.photos.reason))
    if not mine:
        photo_logins.supersede(owner)
        recognition = recognise.recognise(pictures.photos, evidence_of(request, pictures))
        return decide(request, or_near_match(request, recognition), pictures.method)
    recognition = recognise.claim(owner, pictures.photos)
    access = Access.OPEN if recognition.user is not None else Access.NONE
    return Decision(access, recognition)


@sensitive_variables()
def sealed_pictures(request: HttpRequest, decision: Decision, heard: Recognition, pictures: Pictures) -> str:
    """The photos, encrypted, for a page that asks something before it goes on; "" where nothing is asked."""
    asks = heard.outcome == Outcome.STRANGER or decision.access == Access.CLAIM
    if not asks or isinstance(pictures.photos, Refusal):
        return ""
    return consent.seal([photo.jpeg for photo in pictures.photos], request.session, pictures.method)


@contextmanager
def unsealed_pictures(request: HttpRequest) -> Iterator[Pictures]:
    """The photos that such a page was given."""
    unsealed = consent.unseal(request.POST.get("sealed", ""), request.session)
    if unsealed is None:
        yield Pictures(Refusal(Reason.EXPIRED), "")
        return
    with ExitStack() as photos:
        yield Pictures([photos.enter_context(reopen_photo(jpeg)) for jpeg in unsealed.jpegs], unsealed.method)


@sensitive_variables("sealed")
def open_or_refuse(
    request: HttpRequest, decision: Decision, heard: Recognition, method: str, sealed: str = ""
) -> Result:
    """Do what was decided, and log it."""
    user = decision.recognition.user
    if decision.access == Access.SECOND_FACTOR and user is not None:
        return ask_for_second_factor(request, user, decision.recognition, method)
    if decision.access == Access.CLAIM and user is not None:
        record(request, outcomes.refused(Reason.CLAIM, decision.recognition.similarity, user), method)
        return ask_whose(request, user, sealed)
    if decision.access == Access.OPEN and user is not None:
        with transaction.atomic():  # a commit waits for the disk: one, and not five
            open_session(request, user, method, is_new=heard.outcome == Outcome.ENROLLED)
            request.session.save()  # before the log names it
            record(request, decision.recognition, method, opened=True)
            trusted_devices.used(request, user)
        return result_of(heard, next=inside(request, heard), page="")
    record(request, decision.recognition, method)
    if heard.outcome == Outcome.STRANGER:
        context = {
            "sealed": sealed,
            "next": given_next(request),
            "endpoint": conf().ENDPOINT,
            "photo_days": None if method in LIVE else conf().PHOTO_ENROLMENT_DAYS,
        }
        page = "faceauth/consent.html"
        return result_of(heard, next=reverse("faceauth:enrol"), page=page, context=context, data={"sealed": sealed})
    return refusal(request, heard, method)


def refusal(request: HttpRequest, heard: Recognition, method: str = "") -> Result:
    full = method == SignIn.Method.QUICK and heard.reason == Reason.LIVENESS_REQUIRED
    context = shown(request) | {"full": full, "starts": full}
    return result_of(heard, next=reverse("faceauth:login"), page=PAGE, context=context)


def ask_for_second_factor(request: HttpRequest, user: "User", recognition: Recognition, method: str) -> Result:
    """The face is known. Until the second factor is given, nobody is signed in and the log says that it was needed."""
    row = record(request, outcomes.refused(Reason.MFA_REQUIRED, recognition.similarity, user), method)
    where = given_next(request)
    url = reverse("faceauth:second_factor") + (f"?{urlencode({'next': where})}" if where else "")
    pending_login.begin(request, user, row)
    return Result(Outcome.RECOGNISED, message=_("I know you. Now your second factor."), next=url, page="")


def ask_whose(request: HttpRequest, user: "User", sealed: str) -> Result:
    """Ask whose notebook it is that only photos have opened: when it was made and how much is in it, no words."""
    made = user.faces.order_by("enrolled").values_list("enrolled", flat=True).first()
    usage = [{"name": str(one.name), "count": one.count} for one in dashboard.usage([user.pk]).get(user.pk, [])]
    context = {"sealed": sealed, "next": given_next(request), "made": made, "usage": usage}
    data = {"sealed": sealed, "made": made, "usage": usage}
    said = _("A photo made a notebook for a face like yours. Is it yours?")
    return Result(
        Outcome.REFUSED, Reason.CLAIM, said, reverse("faceauth:claim"), "faceauth/claim.html", context, data, status=200
    )


def inside(request: HttpRequest, heard: Recognition) -> str:
    """Where somebody who comes in goes: a new person first adds a second factor, where one will be required."""
    newcomer = heard.outcome == Outcome.ENROLLED
    where = reverse("faceauth:mfa") if newcomer and capacity.mfa_required() else next_url(request)
    return device_question.question_url(where) if device_question.should_ask(request) else where


def shown(request: HttpRequest) -> dict[str, Any]:
    """What the sign-in page shows."""
    quick = trusted_devices.asks_for_proof(request) or bool(trusted_devices.people_of(request))
    return {"next": given_next(request), "photos": conf().PHOTOS, "starts": quick and "locked" not in request.GET}

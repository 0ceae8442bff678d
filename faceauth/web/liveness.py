"""The liveness check, as the page leads it: start, then one small frame after the other.

`faceauth.web.login` takes the last frames.
"""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from faceauth import outcomes
from faceauth.audit.log import record
from faceauth.liveness import sessions
from faceauth.liveness.requests import Ask, Hint, Kind
from faceauth.liveness.sessions import Taken
from faceauth.mfa import trusted_devices
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.ratelimit import limits
from faceauth.web.http import STATUS, throttled

# Bytes of one frame: a JPEG of 480 px height has 30,000 to 80,000.
MAX_FRAME_BYTES = 400_000

SENTENCES: dict[Ask | Hint, Promise] = {
    Ask.STRAIGHT: _("Look straight at me."),
    Ask.LEFT: _("Turn your head to your left, slowly."),
    Ask.RIGHT: _("Turn your head to your right, slowly."),
    Ask.UP: _("Raise your chin a little."),
    Ask.CLOSER: _("Come a little closer."),
    Hint.LESS: _("Not quite so far, please."),
    Hint.OTHER: _("Not quite. Let us try something else."),
    Hint.DONE: _("Thank you. Let me think …"),
}


@never_cache
@require_POST
def start_view(request: HttpRequest) -> HttpResponse:
    """Begin a liveness check. It asks for nothing yet: the first frame must show the person looking straight.

    On a trusted device it is a quick one, unless `kind` is "full".
    """
    with limits.attempt(request, calls=0, kind="liveness") as attempt:  # no failure before it has asked for anything
        if attempt.exceeded:
            return throttled(request, attempt.exceeded)
    limits.release(request.session, failed=True)  # the one before, if there was one, was left
    quick = request.POST.get("kind") != Kind.FULL and trusted_devices.people_of(request)
    sessions.start(request.session, Kind.SINGLE if quick else Kind.FULL)
    return JsonResponse({"state": "looking", "say": Ask.STRAIGHT, "message": str(SENTENCES[Ask.STRAIGHT])})


@never_cache
@sensitive_variables()
@require_POST
def frame_view(request: HttpRequest) -> HttpResponse:
    """Take one frame, the JPEG itself as the body. `?number=` counts them from 1.

    `keep` says that the browser shall keep it, and `best`, at the end, which of those that it kept shall be sent to
    sign in: their positions, the best first.

    From its first instruction until it is passed a check counts as a failure: whoever has a recording that does not fit
    this time would otherwise just begin again.
    """
    exceeded = limits.count_frame(request)
    if exceeded:
        return throttled(request, exceeded)
    taken = take_frame(request)
    if taken.code:
        return answer_failure(request, taken)
    if taken.begins:
        with limits.attempt_again(request, kind="liveness") as attempt:
            if attempt.exceeded:
                sessions.end(request.session)
                return throttled(request, attempt.exceeded)
            attempt.hold(request.session)
    if taken.state.passed:
        limits.release(request.session, failed=False)
    return JsonResponse(progress_of(taken))


@sensitive_variables()
def take_frame(request: HttpRequest) -> Taken:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_FRAME_BYTES:
        return sessions.over(request.session, sessions.Broken.OVERSIZED)
    given = request.GET.get("number", "")
    return sessions.take(request.session, int(given) if given.isdecimal() and len(given) < 5 else 0, request.body)


def progress_of(taken: Taken) -> dict[str, object]:
    state = taken.state
    return {
        "state": "passed" if state.passed else "looking",
        "say": taken.say,
        "message": message(taken),
        "progress": round(state.progress, 3),
        "keep": taken.final,
        "best": [state.kept.index(digest) for digest in state.best] if state.passed else [],
        "live": asdict(taken.live) if taken.live else None,
        "hint": taken.help,
    }


def message(taken: Taken) -> str:
    if isinstance(taken.say, Ask | Hint):
        return str(SENTENCES[taken.say])
    return sentence(Outcome.REFUSED, Reason(taken.say))


def answer_failure(request: HttpRequest, taken: Taken) -> HttpResponse:
    reason = Reason(taken.say)
    if not limits.release(request.session, failed=True):  # it has failed before it asked for anything
        with limits.attempt(request, calls=0, kind="liveness") as attempt:
            if attempt.exceeded:
                return throttled(request, attempt.exceeded)
            attempt.settle(Outcome.REFUSED, reason)
    record(request, outcomes.refused(reason), SignIn.Method.LIVENESS)
    content = {
        "state": "failed",
        "say": reason,
        "why": taken.why,
        "message": sentence(Outcome.REFUSED, reason),
        "progress": 0,
    }
    return JsonResponse(content, status=STATUS[Outcome.REFUSED])

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
from faceauth.liveness.hints import Help
from faceauth.liveness.requests import Ask, Code, Hint, Kind
from faceauth.liveness.sessions import Broken, Taken
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.policy import quick_checks
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

HELP: dict[Help, Promise] = {
    Help.FURTHER: _("Move back a little."),
    Help.CLOSER: _("Come a little closer, until your face fills the oval."),
    Help.BRIGHTER: _("It is too dark here. Turn towards a window or a lamp."),
    Help.DARKER: _("It is too bright here. Turn away from the light."),
    Help.COVERED: _("Something covers the camera. Is it a finger or a shutter?"),
    Help.PHONE_HIGHER: _("Hold the camera higher, at the height of your eyes."),
    Help.PHONE_LOWER: _("Hold the camera lower, at the height of your eyes."),
    Help.STILL: _("The picture is blurred. Hold still for a moment."),
    Help.ALONE: _("I see more than one face. Let only yours be in the picture."),
    Help.CENTRE: _("Move into the middle, so that your face is in the oval."),
}

WHY: dict[Code | Broken | None, Promise] = {
    Code.FLAT: _("I saw a flat picture, and no living face. Show me your face itself."),
    Code.UNMOVED: _("The time was over, and I had not seen you move your head. Please try again."),
    Code.STILL: _("The picture stood still. If this is your camera, let it run and try again."),
    Code.REPEATED: _("The camera sent the same picture twice. Please try again."),
    Code.ANOTHER_PERSON: _("I saw more than one person during the check. Please try again, alone."),
    Code.JUMP: _("Your head moved faster than I could follow. Please try again, a little slower."),
    Code.WRONG_POSE: _("You moved in another way than I asked for. Please try again."),
    Code.SEVERAL_FACES: _("There was more than one face in the picture. Please try again, alone."),
    Code.LOST: _("I lost sight of your face. Please try again."),
    Code.TOO_SLOW: _("The time was over. Please try again; you can ask for more time."),
    Code.TOO_FAST: _("The pictures came too quickly. Please try again."),
    Broken.REPLAYED: _("I have seen these pictures before. Please try again with a living camera."),
    Broken.OVERSIZED: _("The pictures of this camera are too large. Please choose another camera."),
    Broken.OUT_OF_ORDER: _("The connection mixed up the pictures. Please try again."),
    Broken.NO_LOOK: _("That took too long. Please look at me once more."),
}


@never_cache
@require_POST
def start_view(request: HttpRequest) -> HttpResponse:
    """Begin a liveness check. It asks for nothing yet: the first frame must show the person looking straight.

    On a trusted device it is the one that its people chose, unless `kind` is "full".
    """
    with limits.attempt(request, calls=0, kind="liveness") as attempt:  # no failure before it has asked for anything
        if attempt.exceeded:
            return throttled(request, attempt.exceeded)
    limits.release(request.session, failed=True)  # the one before, if there was one, was left
    full = request.POST.get("kind") == Kind.FULL
    sessions.start(request.session, Kind.FULL if full else quick_checks.kind_on(request))
    return JsonResponse({"state": "looking", "say": Ask.STRAIGHT, "message": str(SENTENCES[Ask.STRAIGHT])})


@never_cache
@require_POST
def extend_view(request: HttpRequest) -> HttpResponse:
    """Give the check that is under way more time, once. `extended` says whether it has it now."""
    return JsonResponse({"extended": sessions.extend(request.session)})


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
    """What the person hears: one concrete hint where nothing has come of their frames for some seconds."""
    if taken.help:
        return str(HELP[taken.help])
    if isinstance(taken.say, Ask | Hint):
        return str(SENTENCES[taken.say])
    return sentence(Outcome.REFUSED, Reason(taken.say))


def why_it_failed(taken: Taken) -> str:
    """The real reason, and what helps against it where that is known."""
    if isinstance(taken.why, Help):
        return f"{why_of(taken.code)} {HELP[taken.why]}"
    return why_of(taken.code)


def why_of(code: Code | Broken | None) -> str:
    return str(WHY[code]) if code in WHY else sentence(Outcome.REFUSED, Reason.LIVENESS_FAILED)


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
        "message": why_it_failed(taken),
        "progress": 0,
    }
    return JsonResponse(content, status=STATUS[Outcome.REFUSED])

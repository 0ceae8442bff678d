"""The look, as the page leads it: start, and one small frame after the other. `faceauth.views` takes the last ones."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from faceauth import doorman, people, sight
from faceauth.look import Ask, Hint
from faceauth.models import Login
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.sight import Taken
from faceauth.views import STATUS, keep

# Bytes of one frame: a JPEG of 480 px height has 30,000 to 80,000.
MOST_BYTES = 400_000

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
    """Begin a look. It asks for nothing yet: first comes a frame on which the person looks straight."""
    turned_away = doorman.admit(request, calls=0, door="look")
    if turned_away:
        return doorman.turn_away(request, turned_away)
    doorman.give_back(request)  # it is no failure before it has asked for anything
    doorman.let_go(request, failed=True)  # the one before, if there was one, was left
    sight.start(request.session)
    return JsonResponse({"state": "looking", "say": Ask.STRAIGHT, "message": str(SENTENCES[Ask.STRAIGHT])})


@never_cache
@sensitive_variables()
@require_POST
def frame_view(request: HttpRequest) -> HttpResponse:
    """Take one frame, the JPEG itself as the body. `?number=` counts them from 1.

    `keep` says that the browser shall keep it, and `best`, at the end, which of those that it kept shall be sent to the
    door: their places, the best first.

    From the first thing that it asks for a look counts as a failure until it is passed: whoever has a recording that
    does not fit this time would otherwise just begin again.
    """
    turned_away = doorman.admit_frame(request)
    if turned_away:
        return doorman.turn_away(request, turned_away)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        taken = sight.over(request.session, sight.Broken.OVERSIZED)
    else:
        given = request.GET.get("number", "")
        taken = sight.take(request.session, int(given) if given.isdecimal() and len(given) < 5 else 0, request.body)
    if taken.code:
        return answer_failure(request, taken)
    if taken.begins:
        turned_away = doorman.admit_again(request, door="look")
        if turned_away:
            sight.end(request.session)
            return doorman.turn_away(request, turned_away)
        doorman.hold(request)
    state = taken.state
    if state.passed:
        doorman.let_go(request, failed=False)
    content = {
        "state": "passed" if state.passed else "looking",
        "say": taken.say,
        "message": message(taken),
        "progress": round(state.progress, 3),
        "keep": taken.final,
        "best": [state.kept.index(digest) for digest in state.best] if state.passed else [],
        "live": asdict(taken.live) if taken.live else None,
        "hint": taken.help,
    }
    return JsonResponse(content)


def message(taken: Taken) -> str:
    if isinstance(taken.say, Ask | Hint):
        return str(SENTENCES[taken.say])
    return sentence(Outcome.REFUSED, Reason(taken.say))


def answer_failure(request: HttpRequest, taken: Taken) -> HttpResponse:
    reason = Reason(taken.say)
    if not doorman.let_go(request, failed=True):  # it has failed before it asked for anything
        turned_away = doorman.admit(request, calls=0, door="look")
        if turned_away:
            return doorman.turn_away(request, turned_away)
    keep(request, people.refused(reason), Login.Way.LOOK)
    content = {
        "state": "failed",
        "say": reason,
        "why": taken.why,
        "message": sentence(Outcome.REFUSED, reason),
        "progress": 0,
    }
    return JsonResponse(content, status=STATUS[Outcome.REFUSED])

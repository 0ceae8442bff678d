"""The doorman: how many may try, from one address, in one session, and overall.

    turned_away = doorman.admit(request)       # counts the attempt, or says for how long there is no more room
    doorman.settle(request, outcome, reason)   # gives back what was not used

Five limits, each a setting such as "60/m" or "30/h, 120/d" (s, m, h, d; commas between; "off" for none):

* ATTEMPTS_PER_ADDRESS and ATTEMPTS_PER_SESSION: whatever comes of them. They keep the processors free.
* FAILURES_PER_ADDRESS: attempts in which a face was looked up and opened nothing. They are guesses, and the chance
  that one of n guesses opens somebody's notebook is at most n times the odds of one. People who are recognised, and
  pictures in which no face could be looked up, do not count, so that an office behind one address can sign in all
  morning. A look counts from the first thing that it asks for until it is passed (`hold`, `let_go`).
* CALL_BUDGET: calls to Rekognition, of everybody together. They cost money. As many as an attempt can make are set
  aside, and what it did not make is given back.
* FRAMES_PER_ADDRESS: frames of looks (`admit_frame`), which cost no call.

Faces, looks, second locks and passwords each have counts of their own (`door`), but for the calls.

A limit counts in fixed windows, so that the wait can be told exactly; in any span as long as a window at most twice
the limit fits. The windows of different addresses do not start together.

Counted are numbers, under keyed hashes of addresses and sessions: no address, no field of a form, no picture. (Lockout
libraries store more: django-axes keeps the POST data of a failed attempt, in which a camera's frame would be.)
"""

import ipaddress
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from faceauth.conf import conf
from faceauth.counting import Meter, counted
from faceauth.models import Login
from faceauth.odds import MOST_FRAMES
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.rekognition import metering

View = Callable[..., HttpResponse]

# The most calls to Rekognition that an attempt makes; tests/test_doorman.py counts them. Recognising asks, for each
# frame, for the vectors and for the single faces. Remembering does that, indexes each frame, searches for faces alike,
# makes the user and associates the faces.
RECOGNISING = 2 * MOST_FRAMES
REMEMBERING = RECOGNISING + MOST_FRAMES + 3


def calls_to_sign_in(enrolment: str) -> int:
    """The most calls of a sign-in: where the house is open, a stranger is remembered at once."""
    return RECOGNISING + (REMEMBERING if enrolment == "open" else 0)


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LIMIT = re.compile(r"([1-9][0-9]{0,8})/([smhd])")

# What is said of a picture that was not looked up, and was no guess. Some of it is also said of one that was.
NOT_LOOKED_UP = {
    Reason.NO_FACE,
    Reason.SEVERAL_FACES,
    Reason.TOO_SMALL,
    Reason.TOO_DARK,
    Reason.TOO_BRIGHT,
    Reason.BLURRED,
    Reason.TURNED_AWAY,
    Reason.UNCLEAR,
    Reason.NOT_AN_IMAGE,
    Reason.UNSUPPORTED_FORMAT,
    Reason.TOO_LARGE,
    Reason.LOOK_EXPIRED,
    Reason.LOOK_NEEDED,
    Reason.ENOUGH_LOOKS,
}


@dataclass(frozen=True, slots=True)
class Limit:
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """There is no more room for so many seconds. `key` names the window that is full."""

    seconds: int
    key: str
    ends: float


def limits(text: str) -> list[Limit]:
    """The limits that a setting spells: "60/m" or "30/h, 120/d"; none for "off". Raises ValueError otherwise."""
    if text.strip() == "off":
        return []
    found = [LIMIT.fullmatch(word.strip()) for word in text.split(",")]
    if None in found:
        raise ValueError(text)
    return [Limit(int(match[1]), SECONDS[match[2]]) for match in found if match]


# Admitting ------------------------------------------------------------------------------------------------------------


def admit(request: HttpRequest, calls: int = RECOGNISING, door: str = "face") -> TurnedAway | None:
    """Count an attempt that makes at most so many calls to Rekognition; or turn it away, counting nothing.

    Another `door`, such as that of passwords or codes, has counts of its own, except for the calls. Follow it up with
    `settle` when it is known what came of it: until then it counts as a failure that made all calls. A request counts
    once, however often it is asked for.
    """
    if hasattr(request, "to_give_back"):
        return None
    return take(request, list(meters(request, calls, door)))


def admit_again(request: HttpRequest, door: str) -> TurnedAway | None:
    """Count a failure of an attempt that an earlier request was admitted for, or turn it away. `settle` it too."""
    return take(request, list(failures(request, door)))


def take(request: HttpRequest, asked: list[Meter]) -> TurnedAway | None:
    if not counted(lambda store: store.take(asked)):
        return no_room(asked) or TurnedAway(1, asked[-1].key, time.time() + 1)  # there was none a moment ago
    request.sent_before = metering.sent.get()  # type: ignore[attr-defined]
    request.to_give_back = [meter for meter in asked if meter.key.startswith(("failures", "calls"))]  # type: ignore[attr-defined]
    return None


def peek(request: HttpRequest, calls: int = RECOGNISING) -> TurnedAway | None:
    """Whether `admit` would turn this away now. Counts nothing, and reads nothing of the request but its head."""
    return no_room(list(meters(request, calls)))


def settle(request: HttpRequest, outcome: str, reason: str | None = None, searched: bool = False) -> None:
    """Give back what the attempt that was admitted did not use; do it when its outcome is known.

    `searched` says that the face was looked up, whatever else was wrong with the picture.
    """
    guessed = searched or reason not in NOT_LOOKED_UP
    give_back(request, failed=guessed and outcome in (Outcome.STRANGER, Outcome.REFUSED))


def give_back(request: HttpRequest, failed: bool = False) -> None:
    """Give back, once, the calls that were not made, and the failure if it was none."""
    taken: list[Meter] = getattr(request, "to_give_back", [])
    if not taken:
        return
    request.to_give_back = []  # type: ignore[attr-defined]
    made = metering.sent.get() - request.sent_before  # type: ignore[attr-defined]
    unused = [replace(meter, amount=max(0, meter.amount - made)) for meter in taken if meter.key.startswith("calls")]
    if not failed:
        unused += [meter for meter in taken if meter.key.startswith("failures")]
    unused = [meter for meter in unused if meter.amount]
    if unused:
        counted(lambda store: store.give_back(unused))


# In the session: what counts until a later request gives it back.
HELD = "faceauth.doorman.held"


def hold(request: HttpRequest) -> None:
    """Let the attempt that was admitted count as a failure until a later request of its session says otherwise.

    For what takes several requests, of which somebody who sees that they fail leaves the last one out.
    """
    request.session[HELD] = [asdict(meter) for meter in request.to_give_back]  # type: ignore[attr-defined]
    request.to_give_back = []  # type: ignore[attr-defined]


def let_go(request: HttpRequest, failed: bool) -> bool:
    """The end of what was held: it was a failure, or it is given back. Whether there was anything."""
    held = request.session.pop(HELD, None)
    if held and not failed:
        counted(lambda store: store.give_back([Meter(**meter) for meter in held]))
    return held is not None


def admit_frame(request: HttpRequest) -> TurnedAway | None:
    """Count one frame of a look, which costs no call but work for the processor; or turn it away.

    Where a look takes so many frames at most, `admit` at its start bounds the frames already; then this is not needed.
    """
    asked = list(windows("frames", address_of(request), conf().FRAMES_PER_ADDRESS, 1))
    return None if counted(lambda store: store.take(asked)) else no_room(asked)


def meters(request: HttpRequest, calls: int, door: str = "face") -> Iterator[Meter]:
    """The windows that an attempt counts in; the broadest last."""
    limit = conf()
    address = address_of(request)
    session = request.session.session_key
    if session:
        yield from windows("attempts", f"{door} session {session}", limit.ATTEMPTS_PER_SESSION, 1)
    yield from windows("attempts", f"{door} {address}", limit.ATTEMPTS_PER_ADDRESS, 1)
    yield from failures(request, door)
    if calls:
        yield from windows("calls", "everybody", limit.CALL_BUDGET, calls)


def failures(request: HttpRequest, door: str) -> Iterator[Meter]:
    yield from windows("failures", f"{door} {address_of(request)}", conf().FAILURES_PER_ADDRESS, 1)


def windows(kind: str, whose: str, text: str, amount: int) -> Iterator[Meter]:
    """The current windows of a limit, under names that tell nobody whose they are."""
    for limit in limits(text):
        name = salted_hmac("faceauth.doorman", f"{kind} {whose} {limit.seconds}", algorithm="sha256").hexdigest()[:32]
        offset = int(name[:8], 16) % limit.seconds
        number = int(time.time() + offset) // limit.seconds
        ends = (number + 1) * limit.seconds - offset
        yield Meter(f"{kind}.{name}.{number}", amount, limit.most, ends)


def no_room(asked: list[Meter]) -> TurnedAway | None:
    """The broadest window that is full, and how long it takes until none is."""
    counts = counted(lambda store: store.counts([meter.key for meter in asked]))
    full = [meter for meter in asked if counts.get(meter.key, 0) + meter.amount > meter.most]
    if not full:
        return None
    seconds = math.ceil(max(meter.ends for meter in full) - time.time())
    return TurnedAway(max(1, seconds), full[-1].key, full[-1].ends)


def address_of(request: HttpRequest) -> str:
    """Whom an address counts for: an IPv4 address, or the /64 of an IPv6 address, which is what one household has."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a server behind a Unix socket has none to tell
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


# Turning away ---------------------------------------------------------------------------------------------------------


def limited(calls: int = 0, door: str = "face") -> Callable[[View], View]:
    """A view whose POSTs are admitted as `admit` does it, or answered with the 429 page, or JSON.

    The view calls `settle` when it knows what came of the attempt.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def limiting(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            turned_away = admit(request, calls, door) if request.method == "POST" else None
            return turn_away(request, turned_away) if turned_away else view(request, *args, **kwargs)

        return limiting

    return decorator


def turn_away(request: HttpRequest, turned_away: TurnedAway) -> HttpResponse:
    """The answer of a page that has none of its own."""
    write_down(request, turned_away)
    message = spoken(turned_away)
    response: HttpResponse
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        response = JsonResponse({"outcome": Outcome.THROTTLED, "reason": None, "message": message}, status=429)
    else:
        response = render(request, "429.html", {"message": message}, status=429)
    patch_vary_headers(response, ["Accept"])
    return waiting(response, turned_away)


def waiting(response: HttpResponse, turned_away: TurnedAway) -> HttpResponse:
    response.headers["Retry-After"] = str(turned_away.seconds)
    return response


def spoken(turned_away: TurnedAway) -> str:
    """What to say to the person: where it takes more than a moment, how long."""
    minutes = math.ceil(turned_away.seconds / 60)
    hours = math.ceil(turned_away.seconds / 3600)
    if minutes <= 1:
        return sentence(Outcome.THROTTLED)
    if minutes <= 90:
        said = ngettext(
            "That was a lot at once. Please try again in %(n)d minute.",
            "That was a lot at once. Please try again in %(n)d minutes.",
            minutes,
        )
        return said % {"n": minutes}
    said = ngettext(
        "That was a lot at once. Please try again in %(n)d hour.",
        "That was a lot at once. Please try again in %(n)d hours.",
        hours,
    )
    return said % {"n": hours}


class Floods:
    """The rows of the log that stand for many: of each full window the row, and how many were turned away since.

    Each process has its own, with its own rows. There are never more than there are full windows, and each of those
    took a limit's worth of admitted attempts.
    """

    lock = threading.Lock()
    rows: dict[str, tuple[int, int, float]] = {}  # noqa: RUF012 - the process's own: by key, the row, times, and the end


def write_down(request: HttpRequest, turned_away: TurnedAway) -> None:
    """Put the first of a window into the log of the door, and how many more there were, without a write for each.

    A flood must not fill the database, nor keep it busy: the row says 1, 2, 4, 8 and so on.
    """
    with Floods.lock:
        row, times, ends = Floods.rows.get(turned_away.key, (0, 0, turned_away.ends))
        times += 1
        if not row:
            now = time.time()
            Floods.rows = {key: flood for key, flood in Floods.rows.items() if flood[2] > now}
            row = visit(request).pk
        Floods.rows[turned_away.key] = row, times, ends
    if times > 1 and times & (times - 1) == 0:
        Login.objects.filter(pk=row, times__lt=times).update(times=times)


def visit(request: HttpRequest) -> Login:
    return Login.objects.create(
        outcome=Outcome.THROTTLED,
        address=request.META.get("REMOTE_ADDR") or None,
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],
    )

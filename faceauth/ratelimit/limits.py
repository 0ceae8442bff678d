"""Rate limits: how many may try, from one address, in one session, and overall.

    with limits.attempt(request) as attempt:      # counts the attempt
        if attempt.exceeded:                      # a limit is used up: for how long
            ...
        attempt.settle(outcome, reason)           # what came of it; what was not used is given back at the end

Limits, each a setting such as "60/m" or "30/h, 120/d" (s, m, h, d; commas between; "off" for none):

* ATTEMPTS_PER_ADDRESS and ATTEMPTS_PER_SESSION: whatever comes of them. They keep the processors free.
* FAILURES_PER_ADDRESS: attempts in which a face was searched for and opened nothing. They are guesses, and the chance
  that one of n guesses opens somebody's notebook is at most n times the chance of one. People who are recognised, and
  pictures in which no face could be searched for, do not count, so that an office behind one address can sign in all
  morning. A liveness check counts from its first instruction until it is passed (`hold`, `release`).
* CALL_BUDGET: calls to Rekognition, of everybody together. They cost money. As many as an attempt can make are set
  aside, and what it did not make is given back.
* ENROLMENTS_PER_ADDRESS and ENROLMENTS: new people, from one address and of the whole site.
* FRAMES_PER_ADDRESS: frames of liveness checks (`count_frame`), which cost no call.

Faces, liveness checks, second factors and passwords each have counts of their own (`kind`), except for the calls.

A limit counts in fixed windows, so that the wait can be told exactly; any span as long as a window holds at most twice
the limit. The windows of different addresses do not start together.

Only numbers are counted, under keyed hashes of addresses and sessions: no address, no field of a form, no picture.
(Lockout libraries store more: django-axes keeps the POST data of a failed attempt, in which a camera's frame would be.)
"""

import ipaddress
import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from faceauth.conf import MAX_FRAMES, conf
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.ratelimit.counters import Meter, count_with
from faceauth.rekognition import metering

# The most calls to Rekognition that an attempt makes; tests/test_limits.py counts them. Recognising asks, for each
# frame, for the user vectors and for the single faces. Enrolling does that, indexes each frame, searches for similar
# faces, creates the user and associates the faces.
RECOGNITION_CALLS = 2 * MAX_FRAMES
ENROLMENT_CALLS = RECOGNITION_CALLS + MAX_FRAMES + 3


def calls_to_sign_in(enrolment: str) -> int:
    """The most calls of a sign-in. Where enrolment is open, a stranger is enrolled at once."""
    return RECOGNITION_CALLS + (ENROLMENT_CALLS if enrolment == "open" else 0)


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LIMIT = re.compile(r"([1-9][0-9]{0,8})/([smhd])")

# Reasons for a picture that was not searched for, and so was no guess. `searched` says where it was after all.
NOT_SEARCHED = {
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
    Reason.EXPIRED,
    Reason.LIVENESS_REQUIRED,
    Reason.TOO_MANY_FACES,
    Reason.CONSENT_REQUIRED,
}

# In the session: what counts until a later request gives it back.
HELD = "faceauth.ratelimit.held"


@dataclass(frozen=True, slots=True)
class Limit:
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Exceeded:
    """No more room for so many seconds. `key` names the window that is full, `ends` its end in seconds since 1970."""

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


# Attempts -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Attempt:
    """One attempt. Where `exceeded` is set, nothing was counted and the request must be refused."""

    exceeded: Exceeded | None = None
    taken: list[Meter] = field(default_factory=list)
    sent_before: int = 0
    failed: bool = False

    def settle(self, outcome: str, reason: str | None = None, searched: bool = False) -> None:
        """Say what came of it. `searched`: the face was searched for, whatever else was wrong with the picture."""
        guessed = searched or reason not in NOT_SEARCHED
        self.failed = guessed and outcome in (Outcome.STRANGER, Outcome.REFUSED)

    def hold(self, session: SessionBase) -> None:
        """Let it count as a failure until a later request of the session says otherwise.

        For what takes several requests, of which somebody who sees that they fail leaves out the last.
        """
        session[HELD] = [asdict(meter) for meter in self.taken]
        self.taken = []

    def calls_made(self) -> int:
        return metering.sent.get() - self.sent_before

    def give_back(self) -> None:
        """Give back the calls that were not made, and the failure if it was none; once."""
        made = self.calls_made()
        unused = [replace(it, amount=max(0, it.amount - made)) for it in self.taken if it.key.startswith("calls")]
        if not self.failed:
            unused += [meter for meter in self.taken if meter.key.startswith("failures")]
        self.taken = []
        unused = [meter for meter in unused if meter.amount]
        if unused:
            count_with(lambda store: store.give_back(unused))


@contextmanager
def attempt(request: HttpRequest, calls: int = RECOGNITION_CALLS, kind: str = "face") -> Iterator[Attempt]:
    """Count an attempt that makes at most so many calls to Rekognition; or turn it away, counting nothing.

    Another `kind`, such as passwords, has counts of its own, except for the calls. Whatever was not used is given back
    when the block ends, by an exception too: that counts as a failure only if Rekognition was asked before.
    """
    with settled(take(list(meters(request, calls, kind)))) as one:
        yield one


@contextmanager
def attempt_again(request: HttpRequest, kind: str) -> Iterator[Attempt]:
    """Count a failure of an attempt that an earlier request was counted for."""
    with settled(take(list(failures(request, kind)))) as one:
        yield one


@contextmanager
def settled(one: Attempt) -> Iterator[Attempt]:
    try:
        yield one
    except BaseException:
        one.failed = one.calls_made() > 0
        raise
    finally:
        one.give_back()


def take(asked: list[Meter]) -> Attempt:
    if not count_with(lambda store: store.take(asked)):
        return Attempt(no_room(asked) or Exceeded(1, asked[-1].key, time.time() + 1))  # there was none a moment ago
    kept = [meter for meter in asked if meter.key.startswith(("failures", "calls"))]
    return Attempt(taken=kept, sent_before=metering.sent.get())


def peek(request: HttpRequest, calls: int = RECOGNITION_CALLS) -> Exceeded | None:
    """Whether `attempt` would turn this away now. Counts nothing, and reads nothing of the request but its head."""
    return no_room(list(meters(request, calls)))


def release(session: SessionBase, failed: bool) -> bool:
    """End what was held: it was a failure, or it is given back. Whether there was anything."""
    held = session.pop(HELD, None)
    if held and not failed:
        count_with(lambda store: store.give_back([Meter(**meter) for meter in held]))
    return held is not None


def count_enrolment(request: HttpRequest) -> Exceeded | None:
    """Count somebody who is about to be enrolled; or turn them away."""
    address = windows("enrolments", address_of(request), conf().ENROLMENTS_PER_ADDRESS, 1)
    asked = [*address, *windows("enrolments", "everybody", conf().ENROLMENTS, 1)]
    return None if count_with(lambda store: store.take(asked)) else no_room(asked)


def count_frame(request: HttpRequest) -> Exceeded | None:
    """Count one frame of a liveness check, which costs no call but work for the processor; or turn it away."""
    asked = list(windows("frames", address_of(request), conf().FRAMES_PER_ADDRESS, 1))
    return None if count_with(lambda store: store.take(asked)) else no_room(asked)


# Windows --------------------------------------------------------------------------------------------------------------


def meters(request: HttpRequest, calls: int, kind: str = "face") -> Iterator[Meter]:
    """The windows that an attempt counts in; the broadest last."""
    limit = conf()
    address = address_of(request)
    session = request.session.session_key
    if session:
        yield from windows("attempts", f"{kind} session {session}", limit.ATTEMPTS_PER_SESSION, 1)
    yield from windows("attempts", f"{kind} {address}", limit.ATTEMPTS_PER_ADDRESS, 1)
    yield from failures(request, kind)
    if calls:
        yield from windows("calls", "everybody", limit.CALL_BUDGET, calls)


def failures(request: HttpRequest, kind: str) -> Iterator[Meter]:
    yield from windows("failures", f"{kind} {address_of(request)}", conf().FAILURES_PER_ADDRESS, 1)


def windows(kind: str, whose: str, text: str, amount: int) -> Iterator[Meter]:
    """The current windows of a limit, under names that tell nobody whose they are."""
    for limit in limits(text):
        name = salted_hmac("faceauth.ratelimit", f"{kind} {whose} {limit.seconds}", algorithm="sha256").hexdigest()[:32]
        offset = int(name[:8], 16) % limit.seconds
        number = int(time.time() + offset) // limit.seconds
        ends = (number + 1) * limit.seconds - offset
        yield Meter(f"{kind}.{name}.{number}", amount, limit.most, ends)


def no_room(asked: list[Meter]) -> Exceeded | None:
    """The broadest window that is full, and how long it takes until none is."""
    counts = count_with(lambda store: store.counts([meter.key for meter in asked]))
    full = [meter for meter in asked if counts.get(meter.key, 0) + meter.amount > meter.most]
    if not full:
        return None
    seconds = math.ceil(max(meter.ends for meter in full) - time.time())
    return Exceeded(max(1, seconds), full[-1].key, full[-1].ends)


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


def sentence_for(exceeded: Exceeded) -> str:
    """What to say to the person: where it takes more than a moment, how long."""
    minutes = math.ceil(exceeded.seconds / 60)
    hours = math.ceil(exceeded.seconds / 3600)
    if minutes <= 1:
        return sentence(Outcome.THROTTLED)
    if minutes <= 90:
        said = ngettext(
            "That was too many attempts. Please try again in %(n)d minute.",
            "That was too many attempts. Please try again in %(n)d minutes.",
            minutes,
        )
        return said % {"n": minutes}
    said = ngettext(
        "That was too many attempts. Please try again in %(n)d hour.",
        "That was too many attempts. Please try again in %(n)d hours.",
        hours,
    )
    return said % {"n": hours}

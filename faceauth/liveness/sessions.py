"""A liveness check on the server: sealed between two frames, bound to its session, taken in order, and used once.

Between two frames a row holds the state, encrypted with a key that is derived from SECRET_KEY and from a nonce in the
person's session (`faceauth.crypto.session_cipher`): the row alone opens for nobody, and in no other session. There is
never a picture in it, only numbers, and they go with the end of the check. What stays for a day is a keyed digest of
the pixels of each frame with a face, so that the very same frames never work again.
"""

import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import time
from typing import NamedTuple

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from faceauth.crypto import derive_key, session_cipher
from faceauth.liveness import challenge, frames
from faceauth.liveness.challenge import MOVES, Kind, Observation, Say, State
from faceauth.liveness.hints import PATIENCE, Help, Live, help_for, live
from faceauth.models import LivenessSession, SpentFrame
from faceauth.outcomes import Reason, Refusal
from faceauth.vision.photos import Photo

logger = logging.getLogger(__name__)

# In the session: which check is under way, and the nonce that its row is sealed with.
LIVENESS = "faceauth.liveness.challenge"

# Seconds that a passed check waits for its frames to be sent once more.
USED_WITHIN = 60
FRAMES_KEPT = timedelta(days=1)


class Broken(StrEnum):
    """Why a check ended, beside what `challenge.Code` says; for the log as well."""

    OUT_OF_ORDER = "out_of_order"  # a frame twice, two at once, or one that was left out
    REPLAYED = "replayed"  # a frame that was seen before, in this check or in another
    SWAPPED = "swapped"  # the last frames are not those of the check
    UNFINISHED = "unfinished"
    OVERSIZED = "oversized"
    NO_LOOK = "no_look"  # used before, of another session, or so long ago that it is gone


EXPIRED = {challenge.Code.TOO_SLOW, challenge.Code.UNMOVED, challenge.Code.STILL, Broken.NO_LOOK}
HELPED = {challenge.Code.LOST, challenge.Code.SEVERAL_FACES}
REASONS = {challenge.Code.SEVERAL_FACES: Reason.SEVERAL_FACES, challenge.Code.LOST: Reason.NO_FACE}


def reason_for(code: challenge.Code | Broken) -> Reason:
    """What the person hears of it, which is little: more would teach how to do better."""
    if code in EXPIRED:
        return Reason.EXPIRED
    return REASONS.get(code, Reason.LIVENESS_FAILED) if isinstance(code, challenge.Code) else Reason.LIVENESS_FAILED


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one frame."""

    state: State
    say: Say
    final: bool = False
    """Whether it may be one of those that the person is recognised by."""
    begins: bool = False
    """Whether from now on the person is asked for something that they could not foresee."""
    code: challenge.Code | Broken | None = None
    """Why the check failed."""
    why: challenge.Code | Broken | Help | None = None
    """The same for the person: what they can do about it, where that is known."""
    live: Live | None = None
    """Where the head is."""
    help: Help | None = None
    """What to do, where nothing has come of it for some seconds."""


class Passed(NamedTuple):
    """A check that was passed."""

    photos: list[Photo]
    kind: Kind


def start(session: SessionBase, kind: Kind = Kind.FULL) -> None:
    """Begin a check of this kind in this session; the one before, if any, is over."""
    sweep()
    end(session)
    nonce = secrets.token_urlsafe(24)
    seconds = challenge.SECONDS + challenge.MORE_SECONDS
    row = LivenessSession.objects.create(
        sealed=sealed(State(started=time(), kind=kind), nonce), expires=timezone.now() + timedelta(seconds=seconds)
    )
    session[LIVENESS] = [str(row.pk), nonce]


def extend(session: SessionBase) -> bool:
    """Give the check of this session more time, once. Return whether there was one that had not been given any."""
    pk, nonce = session.get(LIVENESS) or ("", "")
    row = LivenessSession.objects.filter(pk=pk, passed=False).first() if pk else None
    state = opened(row.sealed, nonce) if row else None
    longer = challenge.extended(state) if state else None
    if row is None or longer is None:
        return False
    # A frame that is being looked at meanwhile has claimed the next number, and will write its own state.
    return bool(
        LivenessSession.objects.filter(pk=pk, sealed=row.sealed, sequence=row.sequence).update(
            sealed=sealed(longer, nonce)
        )
    )


@sensitive_variables()
def take(session: SessionBase, number: int, jpeg: bytes) -> Taken:
    """Take the frame with this number, counted from 1, into account. Raises `vision.ModelError`."""
    at = time()
    pk, nonce = session.get(LIVENESS) or ("", "")
    # The number is claimed before the picture is looked at: of two that come at once, one comes too late.
    if not pk or not LivenessSession.objects.filter(pk=pk, sequence=number - 1, passed=False).update(sequence=number):
        gone = not pk or not LivenessSession.objects.filter(pk=pk).exists()
        return over(session, Broken.NO_LOOK if gone else Broken.OUT_OF_ORDER)
    before = opened(LivenessSession.objects.filter(pk=pk).values_list("sealed", flat=True).first() or "", nonce)
    if before is None:
        return over(session, Broken.NO_LOOK)
    seen = observe_jpeg(jpeg, digest_of(jpeg), at)
    # Only frames with a face: a camera that starts black shows everybody the same.
    if not seen.refusal and not spend(seen.pixels):
        return over(session, Broken.REPLAYED)
    state, say = challenge.step(before, seen)
    if state.failure:
        return over(session, state.failure, advice(before, seen))
    kept = {"sealed": sealed(state, nonce)}
    row = LivenessSession.objects.filter(pk=pk, sequence=number)
    if state.passed:
        written = row.update(**kept, passed=True, expires=timezone.now() + timedelta(seconds=USED_WITHIN))
    else:
        written = row.update(**kept)
    if not written:
        return over(session, Broken.OUT_OF_ORDER)
    stuck = at - (state.moved_on or state.started) >= PATIENCE
    return Taken(
        state,
        say,
        final=seen.digest in state.kept,
        begins=bool(state.asks) and not before.asks,
        live=live(seen, state.base.pitch if state.base else 0.0),
        help=advice(state, seen) if stuck else None,
    )


def advice(state: State, seen: Observation) -> Help | None:
    return help_for(seen, turned=state.asking in MOVES)


@sensitive_variables()
def observe_jpeg(jpeg: bytes, digest: str, at: float) -> Observation:
    photo = frames.decoded(jpeg)
    if isinstance(photo, Refusal):
        return Observation(at, digest, refusal=photo.reason)
    with photo:
        pixels = frames.digest_of_pixels(photo.pixels, derive_key(settings.SECRET_KEY, LIVENESS))
        return challenge.observe(photo.pixels, digest, at, pixels)


@sensitive_variables()
def redeem(session: SessionBase, jpegs: Sequence[bytes]) -> Passed | Refusal:
    """The photos of a check that was passed in this session, from their exact bytes and in its order; once.

    All of them: whoever could leave out the frame of a movement could be recognised by a picture again.
    """
    pk, nonce = session.get(LIVENESS) or ("", "")
    row = LivenessSession.objects.filter(pk=pk).first() if pk else None
    session.pop(LIVENESS, None)
    # Whoever deletes the row uses the check: nobody else can.
    if row is None or not LivenessSession.objects.filter(pk=pk).delete()[0] or row.expires < timezone.now():
        return refused(Broken.NO_LOOK)
    state = opened(row.sealed, nonce)
    if state is None:
        return refused(Broken.NO_LOOK)
    if not state.passed:
        return refused(Broken.UNFINISHED)
    best = state.best
    given = {digest_of(jpeg): jpeg for jpeg in jpegs}
    if not given or len(given) != len(jpegs) or given.keys() != {*best}:
        return refused(Broken.SWAPPED)
    photos = [frames.decoded(given[digest]) for digest in best]
    return Passed([photo for photo in photos if isinstance(photo, Photo)], state.kind)


def end(session: SessionBase) -> None:
    pk, _nonce = session.pop(LIVENESS, None) or ("", "")
    if pk:
        LivenessSession.objects.filter(pk=pk).delete()


def over(session: SessionBase, code: challenge.Code | Broken, help: Help | None = None) -> Taken:
    end(session)
    return Taken(State(0.0), refused(code).reason, code=code, why=(help if code in EXPIRED | HELPED else None) or code)


def refused(code: challenge.Code | Broken) -> Refusal:
    logger.warning("A liveness check failed: %s", code)
    return Refusal(reason_for(code))


def sweep() -> int:
    """Delete unfinished checks and the digests of yesterday's frames. Return how many checks there were."""
    SpentFrame.objects.filter(at__lt=timezone.now() - FRAMES_KEPT).delete()
    return LivenessSession.objects.filter(expires__lt=timezone.now() - timedelta(seconds=USED_WITHIN)).delete()[0]


# Sealing --------------------------------------------------------------------------------------------------------------


def sealed(state: State, nonce: str) -> str:
    return session_cipher(nonce).encrypt(json.dumps(state.as_json()).encode()).decode()


def opened(text: str, nonce: str) -> State | None:
    """The state; None where it is of another session, or was altered."""
    try:
        return State.from_json(json.loads(session_cipher(nonce).decrypt(text.encode())))
    except InvalidToken:
        return None


@sensitive_variables()
def digest_of(jpeg: bytes) -> str:
    return frames.digest(jpeg, derive_key(settings.SECRET_KEY, LIVENESS))


def spend(digest: str) -> bool:
    """Whether this frame is seen for the first time."""
    try:
        with transaction.atomic():
            SpentFrame.objects.create(digest=digest)
    except IntegrityError:
        return False
    return True

"""A look on the server: sealed between two frames, bound to its session, taken in order, and used once.

Between two frames a row holds the state, encrypted with a key that is derived from SECRET_KEY and from a nonce in the
person's session (as in `faceauth.web.consent`): the row alone opens for nobody, and in no other session. There is never a
picture in it, only numbers, and they go with the end of the look. What stays for a day is a keyed digest of each frame,
so that the very same frames never work again.
"""

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import time

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from faceauth.crypto import derive_key, session_cipher
from faceauth.liveness import challenge
from faceauth.liveness.challenge import Observation, Say, State
from faceauth.models import LivenessSession, SpentFrame
from faceauth.outcomes import Reason, Refusal
from faceauth.vision.photos import Photo, read_photo

logger = logging.getLogger(__name__)

# In the session: which look is under way, and the nonce that its row is sealed with.
LIVENESS = "faceauth.liveness.challenge"

# Seconds that a passed look waits for its frames to be sent once more.
USED_WITHIN = 60
FRAMES_KEPT = timedelta(days=1)


class Broken(StrEnum):
    """Why a look ended, beside what `look.Code` says; for the log as well."""

    OUT_OF_ORDER = "out_of_order"  # a frame twice, two at once, or one that was left out
    REPLAYED = "replayed"  # a frame that was seen before, in this look or in another
    SWAPPED = "swapped"  # the last frames are not those of the look
    UNFINISHED = "unfinished"
    OVERSIZED = "oversized"
    NO_LOOK = "no_look"  # used before, of another session, or so long ago that it is gone


EXPIRED = {challenge.Code.TOO_SLOW, challenge.Code.UNMOVED, challenge.Code.STILL, Broken.NO_LOOK}
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
    """Why the look ended without success."""


def start(session: SessionBase) -> None:
    """Begin a look in this session; the one before, if any, is over."""
    sweep()
    end(session)
    nonce = secrets.token_urlsafe(24)
    row = LivenessSession.objects.create(
        sealed=sealed(State(started=time()), nonce), expires=timezone.now() + timedelta(seconds=challenge.SECONDS)
    )
    session[LIVENESS] = [str(row.pk), nonce]


@sensitive_variables()
def take(session: SessionBase, number: int, jpeg: bytes) -> Taken:
    """Take the frame with this number, counted from 1, into account. Raises `vision.ModelError`."""
    at = time()
    pk, nonce = session.get(LIVENESS) or ("", "")
    # The number is claimed before the picture is looked at: of two that come at once, one comes too late.
    if not pk or not LivenessSession.objects.filter(pk=pk, sequence=number - 1, passed=False).update(sequence=number):
        gone = not pk or not LivenessSession.objects.filter(pk=pk).exists()
        return over(session, Broken.NO_LOOK if gone else Broken.OUT_OF_ORDER)
    state = opened(LivenessSession.objects.filter(pk=pk).values_list("sealed", flat=True).first() or "", nonce)
    if state is None:
        return over(session, Broken.NO_LOOK)
    digest = digest_of(jpeg)
    if not spend(digest):
        return over(session, Broken.REPLAYED)
    before = state
    state, say = challenge.step(state, observe_jpeg(jpeg, digest, at))
    if state.failure:
        return over(session, state.failure)
    row = LivenessSession.objects.filter(pk=pk, sequence=number)
    if state.passed:
        expires = timezone.now() + timedelta(seconds=USED_WITHIN)
        kept = row.update(sealed=sealed(state, nonce), passed=True, expires=expires)
    else:
        kept = row.update(sealed=sealed(state, nonce))
    if not kept:
        return over(session, Broken.OUT_OF_ORDER)
    final = any(one.digest == digest for one in state.finals)
    return Taken(state, say, final, begins=bool(state.asks) and not before.asks)


@sensitive_variables()
def observe_jpeg(jpeg: bytes, digest: str, at: float) -> Observation:
    photo = read_photo(jpeg)
    if isinstance(photo, Refusal):
        return Observation(at, digest, refusal=photo.reason)
    with photo:
        return challenge.observe(photo.pixels, digest, at)


@sensitive_variables()
def redeem(session: SessionBase, jpegs: Sequence[bytes]) -> list[Photo] | Refusal:
    """The photos of a look that was passed in this session, the best first, from their exact bytes; once."""
    pk, nonce = session.get(LIVENESS) or ("", "")
    row = LivenessSession.objects.filter(pk=pk).first() if pk else None
    session.pop(LIVENESS, None)
    # Whoever deletes the row uses the look: nobody else can.
    if row is None or not LivenessSession.objects.filter(pk=pk).delete()[0] or row.expires < timezone.now():
        return refused(Broken.NO_LOOK)
    state = opened(row.sealed, nonce)
    if state is None:
        return refused(Broken.NO_LOOK)
    if not state.passed:
        return refused(Broken.UNFINISHED)
    best = state.best
    given = {digest_of(jpeg): jpeg for jpeg in jpegs}
    if not given or len(given) != len(jpegs) or not given.keys() <= {*best}:
        return refused(Broken.SWAPPED)
    photos = [read_photo(given[digest]) for digest in best if digest in given]
    return [photo for photo in photos if isinstance(photo, Photo)]


def end(session: SessionBase) -> None:
    pk, _nonce = session.pop(LIVENESS, None) or ("", "")
    if pk:
        LivenessSession.objects.filter(pk=pk).delete()


def over(session: SessionBase, code: challenge.Code | Broken) -> Taken:
    end(session)
    return Taken(State(0.0), refused(code).reason, code=code)


def refused(code: challenge.Code | Broken) -> Refusal:
    logger.warning("A look ended without success: %s", code)
    return Refusal(reason_for(code))


def sweep() -> int:
    """Delete the looks that nobody has finished, and the digests of yesterday's frames; how many looks there were."""
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
    """HMAC-SHA256 of the exact bytes, 64 hexadecimal digits: without the key nobody can try which frame it was."""
    return hmac.new(derive_key(settings.SECRET_KEY, LIVENESS), jpeg, hashlib.sha256).hexdigest()


def spend(digest: str) -> bool:
    """Whether this frame is seen for the first time."""
    try:
        with transaction.atomic():
            SpentFrame.objects.create(digest=digest)
    except IntegrityError:
        return False
    return True

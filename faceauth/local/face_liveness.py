"""Sessions of Face Liveness: for three minutes, in the memory of this process alone, pictures and templates too.

AWS's own page (Amplify) streams a video to StartFaceLivenessSession, over another protocol. Here a page sends one frame
after the other, and `faceauth.liveness.challenge` decides, as at the site's sign-in.
"""

import secrets
import threading
import uuid
from copy import copy
from dataclasses import dataclass, field
from time import time
from typing import Any

from faceauth.liveness import challenge, frames
from faceauth.liveness.challenge import Code as Failure
from faceauth.liveness.challenge import Observation, State
from faceauth.local.errors import Code, Refused
from faceauth.outcomes import Refusal

SECONDS = 180.0  # the life of a session and of all that belongs to it, by the service model
REMEMBERED = 3600.0  # how long an expired one is EXPIRED, and not unknown
MOST_SESSIONS = 100  # within three minutes: each may hold ten pictures
SPENT_SECONDS = 86_400.0

# Evidence of something that is no living face, whatever it is.
ATTACKS = {
    Failure.FLAT,
    Failure.UNMOVED,
    Failure.STILL,
    Failure.REPEATED,
    Failure.ANOTHER_PERSON,
    Failure.JUMP,
}

KEY = secrets.token_bytes(32)
"""Of the digests of frames, which outlive no process."""


@dataclass(slots=True)
class Session:
    id: str
    token: str | None
    audit_images: int
    created: float
    frames: int = 0
    state: State | None = None
    """None before the first frame."""
    pictures: dict[str, bytes] = field(default_factory=dict, repr=False)
    """By digest, the frames that the person may be recognised by."""

    def status(self, now: float) -> str:
        if now - self.created >= SECONDS:
            return "EXPIRED"
        if self.state is None:
            return "CREATED"
        if not self.state.over:
            return "IN_PROGRESS"
        # At AWS, too, an attack is a check that succeeded, with little Confidence; one that FAILED has none.
        return "SUCCEEDED" if self.state.passed or self.state.failure in ATTACKS else "FAILED"


lock = threading.Lock()
sessions: dict[str, Session] = {}
spent: dict[str, float] = {}
"""Digests of the pixels of frames with a face, and when they came, the oldest first: none works in another check."""


def create(token: str | None, audit_images: int) -> Session:
    """A new session, or the one that this token made. Raises `Refused`."""
    sweep()
    now = time()
    with lock:
        alive = [session for session in sessions.values() if now - session.created < SECONDS]
        for session in alive:
            if token and session.token == token:
                return session
        if len(alive) >= MOST_SESSIONS:
            raise Refused(Code.THROTTLING, "Rate exceeded")
        session = Session(str(uuid.uuid4()), token, audit_images, now)
        sessions[session.id] = session
        return session


def find(session_id: str) -> Session:
    """The session as it is at this moment. Raises `Refused`."""
    sweep()
    with lock:
        return copy(known(session_id))


def known(session_id: str) -> Session:
    if session_id not in sessions:
        raise Refused(Code.SESSION_NOT_FOUND, f"There is no session {session_id:.40}.")
    return sessions[session_id]


def take(session_id: str, number: int, jpeg: bytes) -> dict[str, Any]:
    """Take a frame, counted from 1: what has come of it, for the page. Raises `Refused`."""
    now = time()
    with lock:
        session = known(session_id)
        if session.status(now) not in ("CREATED", "IN_PROGRESS"):
            raise Refused(Code.SESSION_NOT_FOUND, f"The session {session_id} is over.")
        in_order = number == session.frames + 1
        session.frames = number
    seen = observe(jpeg, now)
    with lock:
        before = session.state or State(started=now, more=challenge.MORE_SECONDS)
        if before.over or not in_order or session.frames != number:  # twice, two at once, or one that was left out
            session.state, say = challenge.failed(before, Failure.TOO_FAST)
        elif not seen.refusal and seen.pixels in spent:
            session.state, say = challenge.failed(before, Failure.REPEATED)
        else:
            session.state, say = challenge.step(before, seen)
        if not seen.refusal:  # a camera that starts black shows everybody the same
            spent.setdefault(seen.pixels, now)
        keep_pictures(session, seen, jpeg)
        return {"state": state_of(session.state), "say": say, "progress": round(session.state.progress, 3)}


def keep_pictures(session: Session, seen: Observation, jpeg: bytes) -> None:
    """Keep what may become the reference image, and no more."""
    wanted = session.state.candidates if session.state else set()
    every = session.pictures | {seen.digest: jpeg}
    session.pictures = {digest: picture for digest, picture in every.items() if digest in wanted}


def state_of(state: State) -> str:
    return ("passed" if state.passed else "failed") if state.over else "looking"


def observe(jpeg: bytes, at: float) -> Observation:
    digest, photo = frames.digest(jpeg, KEY), frames.decoded(jpeg)
    if isinstance(photo, Refusal):
        return Observation(at, digest, refusal=photo.reason)
    with photo:
        return challenge.observe(photo.pixels, digest, at, frames.digest_of_pixels(photo.pixels, KEY))


def sweep() -> None:
    """Forget what is over its time. The server calls it twice a second, so no picture waits for a request."""
    now = time()
    with lock:
        for session in list(sessions.values()):
            if now - session.created >= SECONDS:
                session.pictures, session.state = {}, None
            if now - session.created >= SECONDS + REMEMBERED:
                del sessions[session.id]
        while spent and now - spent[oldest := next(iter(spent))] >= SPENT_SECONDS:
            del spent[oldest]

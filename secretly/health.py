"""Health checks for load balancers and monitors.

`/healthz` says that this process answers, and touches nothing else. `/readyz` checks what the site depends on.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple
from uuid import uuid4

from django.core.cache import cache
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from faceauth.conf import conf
from faceauth.rekognition.collection import Collection
from notes import storage

logger = logging.getLogger(__name__)

VALID_FOR = 5.0  # seconds for which a result is reused: several monitors may ask, and must cost nothing
WITHIN = 3.0  # seconds that a part has to answer; monitors wait longer


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def shared_cache() -> None:
    name = f"readyz-{uuid4()}"
    cache.set(name, name, 10)
    if cache.get(name) != name:
        raise LookupError("The cache does not return what was stored.")
    cache.delete(name)


def rekognition() -> None:
    Collection(conf().COLLECTION).describe()


PARTS: dict[str, Callable[[], None]] = {
    "database": database,
    "cache": shared_cache,
    "storage": storage.reach,
    "rekognition": rekognition,
}


class State(NamedTuple):
    ok: bool
    ms: float
    """How long the part took to answer, or how long we waited for it."""


def timed(check: Callable[[], None]) -> float:
    """Run the check and return its milliseconds. Runs in its own thread, with its own database connections."""
    started = time.perf_counter()
    try:
        check()
        return (time.perf_counter() - started) * 1000
    finally:
        connections.close_all()


class HealthCheck:
    """Checks all parts at once and keeps the result. A part that hangs delays nobody for longer than `WITHIN`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(len(PARTS), thread_name_prefix="readyz")
        self.checks: dict[str, Future[float]] = {}
        self.states_seen: dict[str, State] = {}
        self.until = 0.0

    def states(self) -> dict[str, State]:
        """The states of at most `VALID_FOR` seconds ago; while another thread checks, those of before."""
        if time.monotonic() >= self.until and self.lock.acquire(blocking=not self.states_seen):
            try:
                if time.monotonic() >= self.until:
                    self.states_seen = self.check()
                    self.until = time.monotonic() + VALID_FOR
            finally:
                self.lock.release()
        return self.states_seen

    def check(self) -> dict[str, State]:
        deadline = time.monotonic() + WITHIN
        for name, part in PARTS.items():
            # A check that still hangs since last time is not started again.
            if name not in self.checks or self.checks[name].done():
                self.checks[name] = self.pool.submit(timed, part)
        return {name: state_of(name, check, deadline) for name, check in self.checks.items()}


def state_of(name: str, check: "Future[float]", deadline: float) -> State:
    started = time.perf_counter()
    try:
        error = check.exception(timeout=max(deadline - time.monotonic(), 0))
    except TimeoutError as late:
        error = late
    if error is None:
        return State(True, round(check.result(), 1))
    told = error if isinstance(error, storage.StorageDown) else type(error).__name__
    logger.error("Not ready: %s does not answer (%s).", name, told)
    return State(False, round((time.perf_counter() - started) * 1000, 1))


health_check = HealthCheck()


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200, or 503 where a part does not answer. Anybody may ask, so the answer only names the part."""
    states = health_check.states()
    ready = all(state.ok for state in states.values())
    content = {"ready": ready, "parts": {name: state._asdict() for name, state in states.items()}}
    return JsonResponse(content, status=200 if ready else 503)

"""Is the site alive, and can it do its work? For load balancers, monitors and whoever restarts it.

`/healthz` says that this process answers, and touches nothing else. `/readyz` looks at what the site depends on.
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

FRESH = 5.0  # seconds that a look is good for: probes come from several sides, and must cost nothing
WITHIN = 3.0  # seconds that a part has to answer, less than what probes wait


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def shared_cache() -> None:
    name = f"readyz-{uuid4()}"
    cache.set(name, name, 10)
    if cache.get(name) != name:
        raise LookupError("The cache forgets.")
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
    """How long the part took to answer, or how long was waited for it."""


def timed(check: Callable[[], None]) -> float:
    """Milliseconds. In a thread of its own, whose connections are its own as well."""
    started = time.perf_counter()
    try:
        check()
        return (time.perf_counter() - started) * 1000
    finally:
        connections.close_all()


class Watch:
    """Looks at all parts at once and remembers what it saw. A part that hangs holds up nobody for long."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(len(PARTS), thread_name_prefix="readyz")
        self.looks: dict[str, Future[float]] = {}
        self.seen: dict[str, State] = {}
        self.until = 0.0

    def states(self) -> dict[str, State]:
        """As they were at most `FRESH` seconds ago; while another thread looks, as they were before."""
        if time.monotonic() >= self.until and self.lock.acquire(blocking=not self.seen):
            try:
                if time.monotonic() >= self.until:
                    self.seen = self.look()
                    self.until = time.monotonic() + FRESH
            finally:
                self.lock.release()
        return self.seen

    def look(self) -> dict[str, State]:
        deadline = time.monotonic() + WITHIN
        for name, check in PARTS.items():
            # One that still hangs since the last time is not asked again.
            if name not in self.looks or self.looks[name].done():
                self.looks[name] = self.pool.submit(timed, check)
        return {name: self.state(name, look, deadline) for name, look in self.looks.items()}

    def state(self, name: str, look: "Future[float]", deadline: float) -> State:
        started = time.perf_counter()
        try:
            error = look.exception(timeout=max(deadline - time.monotonic(), 0))
        except TimeoutError as late:
            error = late
        if error is None:
            return State(True, round(look.result(), 1))
        logger.error("Not ready: %s does not answer (%s).", name, type(error).__name__)
        return State(False, round((time.perf_counter() - started) * 1000, 1))


watch = Watch()


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200, or 503 where a part does not answer. Which one is said, and nothing else about it: anybody may ask."""
    states = watch.states()
    ready = all(state.ok for state in states.values())
    content = {"ready": ready, "parts": {name: state._asdict() for name, state in states.items()}}
    return JsonResponse(content, status=200 if ready else 503)

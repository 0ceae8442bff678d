"""A health check that an operator starts on the dashboard. It runs beside the requests, and its progress is cached."""

import logging
import threading
import time
from dataclasses import dataclass, replace

from django.db import DatabaseError, connections

from faceauth import cache
from faceauth.models import Face
from faceauth.operators import reconcile
from faceauth.operators.findings import WAITS
from faceauth.rekognition.errors import RekognitionError

logger = logging.getLogger(__name__)

# Seconds after which a check that reports no progress is taken for dead, as when its process was stopped: longer than
# it waits for Rekognition.
SILENT_FOR = 2 * max(WAITS) + 60
EVERY = 0.5  # seconds between two reports


@dataclass(frozen=True, slots=True)
class Running:
    """How far a health check is: faces checked, of so many."""

    checked: int
    expected: int
    repair: bool


def running(collection_id: str) -> Running | None:
    """The health check of this collection that is going on, if one is."""
    found: Running | None = cache.recall(name_of(collection_id))
    return found


def start(collection_id: str, repair: bool) -> bool:
    """Start a health check, unless one is going on. Return whether it was started."""
    if running(collection_id) is not None:
        return False
    progress = Running(0, Face.objects.filter(collection_id=collection_id).count(), repair)
    cache.put(name_of(collection_id), progress, SILENT_FOR)
    threading.Thread(target=run, args=(collection_id, progress), name="health check", daemon=True).start()
    return True


def run(collection_id: str, progress: Running) -> None:
    """Check, and record the result in `HealthCheck`. What ends it early is recorded and logged, not raised."""
    reported = time.monotonic()

    def report(checked: int) -> None:
        nonlocal reported
        if time.monotonic() - reported >= EVERY:
            reported = time.monotonic()
            cache.put(name_of(collection_id), replace(progress, checked=checked), SILENT_FOR)

    try:
        for _finding in reconcile.reconciled(collection_id, progress.repair, report):
            pass
    except (RekognitionError, DatabaseError) as error:
        logger.warning("The health check did not finish: %s", error)
    finally:
        cache.put(name_of(collection_id), None, 1)
        connections.close_all()


def name_of(collection_id: str) -> str:
    return f"faceauth.operators.health_checks:{collection_id}"

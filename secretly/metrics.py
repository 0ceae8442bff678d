"""What is counted and measured, for Prometheus, at `/metrics`. No label names a person, an address, a face or a note.

gunicorn's workers write their numbers into files that they share (see gunicorn.conf.py), so whichever worker is asked
answers for all of them, and for those that are gone.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from faceauth.conf import conf
from faceauth.models import SignIn
from faceauth.rekognition.collection import Collection
from faceauth.rekognition.errors import RekognitionError
from faceauth.signals import called
from notes.signals import saved
from secretly import health

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for the folder that the workers share

# Seconds. A page takes ten milliseconds, the door fifty and more, and nobody waits longer than a minute.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = {"GET", "HEAD", "POST"}  # anybody may invent others

SIZE_FOR = 60.0  # seconds that the size of the collection is not asked for again

# When a counter was made: each would come twice, and the files that workers share know nothing of it.
disable_created_metrics()  # type: ignore[no-untyped-call]

OURS = CollectorRegistry()

sign_ins = Counter("secretly_sign_ins", "Sign-in attempts", ["outcome", "reason", "sign_in_method"], registry=OURS)
requests = Counter("secretly_requests", "Answered requests", ["view", "method", "status"], registry=OURS)
request_seconds = Histogram(
    "secretly_request_seconds", "From request to answer", ["view", "method"], buckets=BUCKETS, registry=OURS
)
in_progress = Gauge(
    "secretly_requests_in_progress", "Requests being answered", registry=OURS, multiprocess_mode="livesum"
)
call_seconds = Histogram(
    "secretly_rekognition_seconds", "Calls of Rekognition, all tries", ["operation"], buckets=BUCKETS, registry=OURS
)
call_errors = Counter(
    "secretly_rekognition_errors", "Calls of Rekognition that failed", ["operation", "error"], registry=OURS
)
notes_saved = Counter("secretly_notes_saved", "Notes that were written or changed", registry=OURS)


@receiver(post_save, sender=SignIn)
def count_visit(instance: SignIn, created: bool, **kwargs: Any) -> None:
    if created:
        sign_ins.labels(instance.outcome, instance.reason, instance.method).inc()


@receiver(called)
def count_call(operation: str, seconds: float, error: str, **kwargs: Any) -> None:
    call_seconds.labels(operation).observe(seconds)
    if error:
        call_errors.labels(operation, error).inc()


@receiver(saved)
def count_note(**kwargs: Any) -> None:
    notes_saved.inc()


def count_request(view: str, method: str, status: int, seconds: float) -> None:
    method = method if method in METHODS else "other"
    requests.labels(view or "none", method, status).inc()
    request_seconds.labels(view or "none", method).observe(seconds)


class AskedNow(Collector):
    """What is not counted as it happens, but asked for when somebody looks."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.until = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("secretly_part_up", "1 where a part of the site answers", labels=["part"])
        for name, state in health.watch.states().items():
            up.add_metric([name], float(state.ok))
        yield up
        if time.monotonic() >= self.until:
            self.size, self.until = size_of_collection(), time.monotonic() + SIZE_FOR
        if self.size is not None:
            faces, vectors = self.size
            yield GaugeMetricFamily("secretly_collection_faces", "Faces in the collection", value=faces)
            yield GaugeMetricFamily("secretly_collection_users", "User vectors in the collection", value=vectors)


def size_of_collection() -> tuple[int, int] | None:
    """Faces and user vectors, or nothing while Rekognition does not say."""
    try:
        description = Collection(conf().COLLECTION).describe()
    except RekognitionError:
        return None
    return description.face_count, description.user_count


asked_now = AskedNow()


def exposition() -> bytes:
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(OURS)
    registry.register(asked_now)
    return generate_latest(registry)


def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever knows SECRETLY_METRICS_TOKEN; without that setting there is nothing here."""
    if not settings.METRICS_TOKEN:
        raise Http404
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)

"""Metrics for Prometheus at `/metrics`. No label names a person, an address, a face or a note.

gunicorn's workers write their numbers into shared files (see gunicorn.conf.py), so the worker that is asked answers for
all of them, and for those that have ended.
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

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the variable in which the library looks for the shared folder

# Seconds. A page takes 10 ms, a sign-in 50 ms and more, and nobody waits longer than a minute.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = {"GET", "HEAD", "POST"}  # clients can invent others, and each would be a new label

SIZE_FOR = 60.0  # seconds for which the size of the collection is kept

# The time at which each counter was made: it doubles the output, and the shared files do not have it.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()

sign_ins = Counter("secretly_sign_ins", "Attempts to sign in", ["outcome", "reason", "method"], registry=REGISTRY)
requests = Counter("secretly_requests", "Answered requests", ["view", "method", "status"], registry=REGISTRY)
request_seconds = Histogram(
    "secretly_request_seconds", "Time to answer a request", ["view", "method"], buckets=BUCKETS, registry=REGISTRY
)
in_progress = Gauge(
    "secretly_requests_in_progress", "Requests being answered", registry=REGISTRY, multiprocess_mode="livesum"
)
call_seconds = Histogram(
    "secretly_rekognition_seconds",
    "Calls to Rekognition, retries included",
    ["operation"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
call_errors = Counter(
    "secretly_rekognition_errors", "Calls to Rekognition that failed", ["operation", "error"], registry=REGISTRY
)
notes_saved = Counter("secretly_notes_saved", "Notes created or changed", registry=REGISTRY)


@receiver(post_save, sender=SignIn)
def count_sign_in(instance: SignIn, created: bool, **kwargs: Any) -> None:
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


class StateCollector(Collector):
    """What is looked up when the metrics are read, instead of being counted as it happens."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.until = 0.0

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("secretly_part_up", "1 if this part of the site answers", labels=["part"])
        for name, state in health.health_check.states().items():
            up.add_metric([name], float(state.ok))
        yield up
        if time.monotonic() >= self.until:
            self.size, self.until = size_of_collection(), time.monotonic() + SIZE_FOR
        if self.size is not None:
            faces, vectors = self.size
            yield GaugeMetricFamily("secretly_collection_faces", "Faces in the collection", value=faces)
            yield GaugeMetricFamily("secretly_collection_users", "User vectors in the collection", value=vectors)


def size_of_collection() -> tuple[int, int] | None:
    """The number of faces and of user vectors; None while Rekognition does not answer."""
    try:
        description = Collection(conf().COLLECTION).describe()
    except RekognitionError:
        return None
    return description.face_count, description.user_count


state_collector = StateCollector()


def exposition() -> bytes:
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(state_collector)
    return generate_latest(registry)


def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics, for clients that send SECRETLY_METRICS_TOKEN; 404 where it is not set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)

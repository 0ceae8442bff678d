"""How long Rekognition takes for a visit: all of its calls since the request began, with their retries."""

import time
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_started
from django.dispatch import receiver

spent: ContextVar[float | None] = ContextVar("spent", default=None)
"""Seconds that the calls of this request have taken; None before the first."""

BEGUN = "faceauth.begun"  # in botocore's context of a call


def listen(events: Any) -> None:
    """Measure every call of a client, by botocore's own events around it."""
    events.register("before-call.rekognition", begin)
    events.register("after-call.rekognition", end)
    events.register("after-call-error.rekognition", end)


def begin(context: dict[str, Any], **kwargs: Any) -> None:
    context[BEGUN] = time.perf_counter()


def end(context: dict[str, Any], **kwargs: Any) -> None:
    spent.set((spent.get() or 0.0) + time.perf_counter() - context[BEGUN])


def milliseconds() -> int | None:
    """What the calls of this request have taken so far; None where there were none."""
    seconds = spent.get()
    return None if seconds is None else round(seconds * 1000)


@receiver(request_started)
def start_afresh(**kwargs: Any) -> None:
    """A thread answers one request after the other."""
    spent.set(None)

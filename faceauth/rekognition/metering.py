"""Calls to Rekognition, measured: how many, how long, and with which error."""

import time
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_started
from django.dispatch import receiver

from faceauth.signals import called

sent: ContextVar[int] = ContextVar("sent", default=0)
"""How many requests this thread has sent, retries included. The difference of two readings is what something cost."""

spent: ContextVar[float | None] = ContextVar("spent", default=None)
"""Seconds that the calls of this request took, retries included; None before the first."""

STARTED = "faceauth.started"  # in the context that botocore passes between the events of one call


def listen(events: Any) -> None:
    """Measure every call of a client by botocore's events, and send `signals.called` after it."""
    events.register("before-call.rekognition", start)
    events.register("request-created.rekognition", count)
    events.register("after-call.rekognition", answered)
    events.register("after-call-error.rekognition", failed)


def milliseconds() -> int | None:
    """What the calls of this request took so far; None if there were none."""
    seconds = spent.get()
    return None if seconds is None else round(seconds * 1000)


def start(context: dict[str, Any], **kwargs: Any) -> None:
    context[STARTED] = time.perf_counter()


def count(**kwargs: Any) -> None:
    sent.set(sent.get() + 1)


def answered(event_name: str, parsed: dict[str, Any], context: dict[str, Any], **kwargs: Any) -> None:
    report(event_name, context, parsed.get("Error", {}).get("Code", ""))


def failed(event_name: str, exception: Exception, context: dict[str, Any], **kwargs: Any) -> None:
    report(event_name, context, type(exception).__name__)


def report(event_name: str, context: dict[str, Any], error: str) -> None:
    seconds = time.perf_counter() - context[STARTED]
    spent.set((spent.get() or 0.0) + seconds)
    called.send(None, operation=event_name.rsplit(".", 1)[1], seconds=seconds, error=error)


@receiver(request_started)
def reset(**kwargs: Any) -> None:
    """A thread serves one request after the other."""
    spent.set(None)

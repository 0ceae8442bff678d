"""The sign-in log: one row for each attempt."""

from django.http import HttpRequest

from faceauth import signals
from faceauth.audit.sessions import stored_key
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Recognition
from faceauth.rekognition import metering


def record_throttled(request: HttpRequest) -> SignIn:
    return write(request, outcome=Outcome.THROTTLED)


def record(request: HttpRequest, recognition: Recognition, method: str, opened: bool = False) -> SignIn:
    """Log an attempt under the person who signed in, or, if it was refused, under the person it resembles.

    A stranger is logged under nobody, however familiar they look.
    """
    resembles = recognition.near if recognition.outcome == Outcome.REFUSED else None
    if recognition.outcome == Outcome.REFUSED:
        signals.refused.send(SignIn, reason=recognition.reason, method=method)
    return write(
        request,
        outcome=recognition.outcome,
        reason=recognition.reason or "",
        user=recognition.user or resembles,
        similarity=recognition.similarity,
        method=method,
        session_key=stored_key(request.session) if opened else "",
        rekognition_ms=metering.milliseconds(),
    )


def write(request: HttpRequest, **fields: object) -> SignIn:
    return SignIn.objects.create(
        address=request.META.get("REMOTE_ADDR") or None,
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],  # PostgreSQL stores no NUL
        **fields,
    )

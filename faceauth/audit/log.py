"""The sign-in log: one row for each attempt."""

from django.http import HttpRequest

from faceauth.audit.sessions import stored_key
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Recognition
from faceauth.rekognition import metering


def record_throttled(request: HttpRequest) -> SignIn:
    return SignIn.objects.create(
        outcome=Outcome.THROTTLED,
        address=request.META.get("REMOTE_ADDR") or None,
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],
    )


def record(request: HttpRequest, recognition: Recognition, method: str, opened: bool = False) -> SignIn:
    """Write the visit down: as that of who came in, or, when refused, of whom the photo was like."""
    return SignIn.objects.create(
        outcome=recognition.outcome,
        reason=recognition.reason or "",
        user=recognition.user or (recognition.near if recognition.outcome == Outcome.REFUSED else None),
        similarity=recognition.similarity,
        method=method,
        address=request.META.get("REMOTE_ADDR") or None,
        device=request.headers.get("User-Agent", "").replace("\0", "")[:200],
        session_key=stored_key(request.session) if opened else "",
        rekognition_ms=metering.milliseconds(),
    )

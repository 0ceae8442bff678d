"""Whether the endpoint's similarities are those of `faceauth.vision.similarity`, whose false match rates are known."""

import json
import urllib.request
from functools import lru_cache
from http.client import HTTPException
from time import monotonic

from faceauth.conf import conf
from faceauth.vision import similarity

ASKED_EVERY = 60.0  # seconds: another service may come to the same address
TIMEOUT = 3.0


def is_own() -> bool:
    """Whether this process answers itself, or a `rekognition_local` that names the same scale."""
    endpoint = conf().ENDPOINT
    if endpoint in ("local", "aws"):
        return endpoint == "local"
    return stated(endpoint, monotonic() // ASKED_EVERY) == similarity.scale_name()


@lru_cache(maxsize=1)
def stated(endpoint: str, minute: float) -> str:
    """The scale that the service at a URL names on its health page; empty where there is none."""
    try:
        url = f"{endpoint.rstrip('/')}/health"
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - the operator's own setting
            told = json.loads(answer.read(10_000))
    except (OSError, ValueError, HTTPException):
        return ""
    return str(told.get("scale", "")) if isinstance(told, dict) else ""

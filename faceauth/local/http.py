"""A WSGI application that verifies the signature of a request and answers it.

It is not a Django view: there are no cookies, middleware or error pages.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.db import close_old_connections

from faceauth.conf import conf
from faceauth.local.errors import Code, Refused
from faceauth.local.service import Answer, answer, refusal
from faceauth.local.signature import read_claim, verify

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

# CompareFaces carries two pictures of 5,242,880 bytes in base64. A tenth more is for everything else, and so that a
# picture that is a little too large is answered with ImageTooLargeException.
MAX_BYTES = 2 * 5_242_880 * 4 // 3 * 11 // 10

BODY_DEADLINE = 30.0  # seconds for a whole body: a slow client holds a thread no longer
CHUNK = 64 * 1024


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    close_old_connections()  # as Django does around its own requests
    try:
        status, headers, body = answer_signed(environ)
    finally:
        close_old_connections()
    start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [body]


def answer_signed(environ: Environ) -> Answer:
    try:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")) != ("POST", "/", ""):
            raise Refused(Code.UNKNOWN_OPERATION, "Requests to Rekognition are POST /, with X-Amz-Target.")
        headers = headers_of(environ)
        # A request without a known key is refused before its body is read.
        claim = read_claim(headers, conf().LOCAL_SECRET_KEYS, datetime.now(UTC))
        body = read_body(environ)
        verify(claim, headers, body)
    except Refused as error:
        return refusal(error, str(uuid.uuid4()))
    return answer(headers.get("x-amz-target", ""), body)


def headers_of(environ: Environ) -> dict[str, str]:
    """The request's headers, their names in lower case."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def read_body(environ: Environ) -> bytes:
    """The whole body. Raises `Refused`."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise Refused(Code.SERIALIZATION, "The request has no Content-Length.")
    if int(length) > MAX_BYTES:
        raise Refused(Code.REQUEST_TOO_LARGE, f"The request has more than {MAX_BYTES} bytes.")
    left, chunks, deadline = int(length), [], time.monotonic() + BODY_DEADLINE
    while left:
        try:
            chunk = environ["wsgi.input"].read(min(left, CHUNK))
        except OSError:  # the client is gone, or silent for too long; see server.py
            chunk = b""
        if not chunk or time.monotonic() > deadline:
            raise Refused(Code.SERIALIZATION, "The body of the request did not come in time.")
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)

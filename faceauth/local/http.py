"""The way in over HTTP: a WSGI application that verifies the signature of a request and answers it.

Nothing of Django's request handling is in between: no cookies, no middleware, no error page.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.db import close_old_connections

from faceauth.conf import conf
from faceauth.local.errors import Refused, RequestTooLarge, Serialization, UnknownOperation
from faceauth.local.service import Answer, answer, refusal
from faceauth.local.signature import read_claim, verify

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

# CompareFaces carries two pictures of 5,242,880 bytes in base64; a tenth more for everything around them, so that a
# picture that is a little too large is still answered with ImageTooLargeException.
MOST_BYTES = 2 * 5_242_880 * 4 // 3 * 11 // 10

READ_WITHIN = 30.0  # seconds for a whole body: a client that trickles does not hold a thread for longer
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
            raise UnknownOperation("Requests to Rekognition are POST /, with X-Amz-Target.")
        headers = headers_of(environ)
        # Whoever cannot sign is told so before anything large is read.
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
    """The body, all of it or an error. Raises `RequestTooLarge` and `Serialization`."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise Serialization("A request has a Content-Length.")
    if int(length) > MOST_BYTES:
        raise RequestTooLarge(f"A request has at most {MOST_BYTES} bytes.")
    left, chunks, deadline = int(length), [], time.monotonic() + READ_WITHIN
    while left:
        try:
            chunk = environ["wsgi.input"].read(min(left, CHUNK))
        except OSError:  # the client is gone, or has been silent for too long; see server.py
            chunk = b""
        if not chunk or time.monotonic() > deadline:
            raise Serialization("The body of the request did not come in time.")
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)

"""The page on which somebody does a check of Face Liveness, and its frames.

`GET /face-liveness/SESSION_ID` is the page. `POST /face-liveness/SESSION_ID?number=1` takes a frame, a JPEG as body.
Whoever knows a SessionId may do the check, once: at AWS the browser needs credentials besides.
"""

import json
import re
import uuid
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from faceauth.local import face_liveness
from faceauth.local.errors import Code, Refused
from faceauth.local.service import Answer, refusal

FOLDER = "/face-liveness/"
MAX_BYTES = 204_800  # of a frame, since a reference image has no more by the service model

SESSION_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PAGE = re.compile(rf"{FOLDER}{SESSION_ID}")
FRAME = re.compile(rf"{FOLDER}({SESSION_ID})\?number=([0-9]{{1,4}})")

FILES = Path(__file__).with_name("face_liveness_page")
TYPES = {"check.html": "text/html; charset=utf-8", "check.css": "text/css", "check.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address has the SessionId
    "Cache-Control": "no-store",
}


def page(path: str) -> Answer:
    name = "check.html" if PAGE.fullmatch(path) else path.removeprefix(FOLDER)
    if name not in TYPES:
        return written(HTTPStatus.NOT_FOUND, "text/plain", b"There is no such page.")
    return written(HTTPStatus.OK, TYPES[name], (FILES / name).read_bytes())


def frame_at(path: str) -> Callable[[bytes], Answer]:
    """What takes the frame for this address. Raises `Refused` before the frame is read."""
    found = FRAME.fullmatch(path)
    if found is None:
        raise Refused(Code.UNKNOWN_OPERATION, f"A frame is POST {FOLDER}SESSION_ID?number=1.")
    session_id, number = face_liveness.find(found[1]).id, int(found[2])

    def take(jpeg: bytes) -> Answer:
        try:
            answer = face_liveness.take(session_id, number, jpeg)
        except Refused as error:
            return refusal(error, str(uuid.uuid4()))
        return written(HTTPStatus.OK, "application/json", json.dumps(answer).encode())

    return take


def written(status: HTTPStatus, kind: str, body: bytes) -> Answer:
    return Answer(status, HEADERS | {"Content-Type": kind, "Content-Length": str(len(body))}, body)

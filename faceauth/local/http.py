"""HTTP for one connection: read requests, verify their signatures, answer.

A request is read by the event loop, however slowly it comes, and only a complete one takes a thread. Its head and its
body each have a deadline.
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from django.db import DatabaseError, close_old_connections

from faceauth.conf import conf
from faceauth.local import arns, liveness_page
from faceauth.local.errors import Code, Refused
from faceauth.local.models import Collection
from faceauth.local.options import options
from faceauth.local.service import Answer, answer, refusal
from faceauth.local.signature import read_claim, stated_region, verify

# CompareFaces carries two pictures of 5,242,880 bytes in base64. A tenth more is for everything else, and so that a
# picture that is a little too large is answered with Rekognition's own error.
MAX_BYTES = 2 * 5_242_880 * 4 // 3 * 11 // 10
MAX_HEAD = 16 * 1024  # asyncio keeps up to twice as much of every connection

KEEP_ALIVE = 60.0  # seconds without a request; SDKs keep their connections open
HEAD_DEADLINE = 10.0  # seconds from the first byte of a request to the end of its head
BODY_DEADLINE = 30.0
WRITE_DEADLINE = 30.0
DISCARD_DEADLINE = 2.0  # for the rest of a refused request, so that the client reads the answer

PIECE = 64 * 1024
PIECE_DEADLINE = 5.0  # seconds for each piece of a body
BODIES = 40_000_000  # bytes of bodies in memory at once; one more may be read beyond that

LOOPBACK = ("localhost", "127.0.0.1", "::1")

HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
REQUEST_LINE = re.compile(r"([A-Z]{1,20}) (/[\x21-\x7e]*) HTTP/1\.([01])")


@dataclass(slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    """By names in lower case."""
    keep_alive: bool
    body: bytes = b""


class Malformed(Exception):
    """Not HTTP/1.1 as this service reads it."""


class Bodies:
    """The bodies of all connections together, which are counted as they come and until they are answered.

    Where they take too much, the oldest alone is read on, and only once nothing is being answered any more: so slow
    clients keep nobody waiting for longer than their deadline.
    """

    def __init__(self, most: int = BODIES) -> None:
        self.left = most
        self.reading: dict[object, None] = {}  # in the order in which they began
        self.answering = 0
        self.changed = asyncio.Condition()

    def may_go_on(self, one: object) -> bool:
        return self.left >= PIECE or (not self.answering and next(iter(self.reading)) is one)

    @asynccontextmanager
    async def read(self, reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
        """Raises `TimeoutError` and `IncompleteReadError`."""
        one, pieces, size, answered = object(), list[bytes](), 0, 0
        self.reading[one] = None
        try:
            async with asyncio.timeout(BODY_DEADLINE):
                while size < length:
                    if not self.may_go_on(one):
                        async with self.changed:
                            await self.changed.wait_for(lambda: self.may_go_on(one))
                    async with asyncio.timeout(PIECE_DEADLINE):
                        pieces.append(await reader.readexactly(min(PIECE, length - size)))
                    size += len(pieces[-1])
                    self.left -= len(pieces[-1])
            body = b"".join(pieces)
            pieces.clear()
            del self.reading[one]
            answered = 1
            self.answering += 1
            yield body
        finally:
            self.reading.pop(one, None)
            self.left += size
            self.answering -= answered
            async with self.changed:
                self.changed.notify_all()


class Connection:
    """One client. `bodies` bounds the memory of all connections together."""

    def __init__(self, executor: Executor, bodies: Bodies) -> None:
        self.executor = executor
        self.bodies = bodies
        self.busy = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read_head(reader):
                self.busy = True
                answered = await self.respond(request, reader, writer)
                await send(writer, answered, request)
                self.busy = False
                if not request.keep_alive:
                    await discard(reader, writer)
                    return
        except Malformed as error:
            await send(writer, plain(HTTPStatus.BAD_REQUEST, str(error)), None)
            await discard(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, MemoryError):
            pass  # the client is too slow, or gone, or there is no room for what it sends
        finally:
            self.busy = False
            writer.close()

    async def respond(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        """The answer; where the body was not read, the connection is not kept alive."""
        if (request.method, request.path) == ("GET", "/health"):
            return await self.in_thread(health)
        if request.method == "GET" and request.path.startswith(liveness_page.FOLDER):
            return liveness_page.page(request.path)
        if request.method == "OPTIONS":
            return Answer(HTTPStatus.NO_CONTENT, {"Access-Control-Max-Age": "600"}, b"")
        try:
            check = check_head(request)
            length = content_length(request)
        except Refused as error:
            request.keep_alive = False
            return refusal(error, str(uuid.uuid4()))
        if request.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async with self.bodies.read(reader, length) as request.body:
            return await self.in_thread(check)

    async def in_thread(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)


def check_head(request: Request) -> Callable[[], Answer]:
    """Check all that can be checked before the body is read; returns the rest of the work. Raises `Refused`."""
    if options().accept_any_credentials and host_name(f"//{request.headers.get('host', '')}") not in LOOPBACK:
        # A web page elsewhere can give this machine a name of its own (DNS rebinding).
        raise Refused(Code.ACCESS_DENIED, "Without credentials this service answers to localhost only.")
    if request.method == "POST" and request.path.startswith(liveness_page.FOLDER):
        take = liveness_page.frame_at(request.path)  # whoever knows the SessionId may do the check
        return lambda: take(request.body)
    if (request.method, request.path) != ("POST", "/"):
        raise Refused(Code.UNKNOWN_OPERATION, "Requests to Rekognition are POST /, with X-Amz-Target.")
    target = request.headers.get("x-amz-target", "")
    if options().accept_any_credentials:
        return lambda: answered(target, request.body, stated_region(request.headers))
    claim = read_claim(request.headers, conf().LOCAL_SECRET_KEYS, datetime.now(UTC))

    def verified() -> Answer:
        try:
            verify(claim, request.headers, request.body)
        except Refused as error:
            return refusal(error, str(uuid.uuid4()))
        return answered(target, request.body, claim.region)

    return verified


def answered(target: str, body: bytes, region: str) -> Answer:
    close_old_connections()  # as Django does around its own requests
    arns.region.set(region)
    try:
        return answer(target, body)
    finally:
        close_old_connections()


def health() -> Answer:
    """Whether the tables can be read."""
    close_old_connections()
    try:
        Collection.objects.exists()
    except DatabaseError:
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, "database")
    finally:
        close_old_connections()
    return plain(HTTPStatus.OK, "ok")


def plain(status: HTTPStatus, text: str) -> Answer:
    body = json.dumps({"status": text}).encode()
    return Answer(status, {"Content-Type": "application/json", "Content-Length": str(len(body))}, body)


# Reading --------------------------------------------------------------------------------------------------------------


async def read_head(reader: asyncio.StreamReader) -> Request | None:
    """The next request without its body; None where the client closes or sends nothing. Raises `Malformed`."""
    try:
        async with asyncio.timeout(KEEP_ALIVE):
            first = await reader.read(1)
    except TimeoutError:
        return None
    if not first:
        return None
    try:
        async with asyncio.timeout(HEAD_DEADLINE):
            return parse_head(first + await reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError as error:
        raise Malformed("The head of the request is too large.") from error


def parse_head(head: bytes) -> Request:
    """Read strictly: what could be understood in two ways is refused. Raises `Malformed`."""
    line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    found = REQUEST_LINE.fullmatch(line)
    headers: dict[str, str] = {}
    for each in lines:
        header = HEADER.fullmatch(each)
        if header is None or header[1].lower() in headers:
            raise Malformed("A header is malformed, or there twice.")
        headers[header[1].lower()] = header[2]
    if found is None or len(headers) > 100:
        raise Malformed("This is not a request of HTTP/1.1.")
    asked = headers.get("connection", "").lower()
    return Request(found[1], found[2], headers, asked == "keep-alive" if found[3] == "0" else asked != "close")


def content_length(request: Request) -> int:
    """Raises `Refused`; a body in chunks is refused too, for SDKs do not send one."""
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or not (length.isascii() and length.isdigit() and len(length) < 20):
        raise Refused(Code.SERIALIZATION, "The request has no Content-Length.")
    if int(length) > MAX_BYTES:
        raise Refused(Code.REQUEST_TOO_LARGE, f"The request has more than {MAX_BYTES} bytes.")
    if request.path != "/" and int(length) > liveness_page.MAX_BYTES:
        raise Refused(Code.REQUEST_TOO_LARGE, f"A frame has at most {liveness_page.MAX_BYTES} bytes.")
    return int(length)


# Writing --------------------------------------------------------------------------------------------------------------


async def send(writer: asyncio.StreamWriter, answered: Answer, request: Request | None) -> None:
    headers = answered.headers | (cross_origin(request.headers.get("origin", "")) if request else {})
    headers |= {"Server": "rekognition-local"}
    if request is None or not request.keep_alive:
        headers |= {"Connection": "close"}
    status = HTTPStatus(answered.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answered.body)
    async with asyncio.timeout(WRITE_DEADLINE):
        await writer.drain()


def cross_origin(origin: str) -> dict[str, str]:
    """The CORS headers for a page's origin: pages of this machine, and those that the options name."""
    if not (host_name(origin) in LOOPBACK or origin in options().origins):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "*, Authorization, Content-Type, X-Amz-Target, X-Amz-Date,"
        " X-Amz-Security-Token, X-Amz-Content-Sha256, X-Amz-User-Agent, Amz-Sdk-Invocation-Id, Amz-Sdk-Request",
        "Access-Control-Expose-Headers": "x-amzn-RequestId, x-amzn-ErrorType",
        "Vary": "Origin",
    }


def host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def discard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read on for a moment: closing with unread bytes would reset the connection before the client has the answer."""
    if writer.can_write_eof():
        writer.write_eof()
    try:
        async with asyncio.timeout(DISCARD_DEADLINE):
            while await reader.read(MAX_HEAD):
                pass
    except TimeoutError:
        pass

"""gunicorn's threaded worker, which slow clients cannot stop.

gunicorn gives a thread to each connection as soon as its first byte is there, so that a few clients who send slowly
hold all threads. Here the main loop reads each request without waiting, and a thread gets it when it is whole. Bodies
too large for that are read in a thread, by at most `LARGE_AT_ONCE` of them, and no client is slower than `SLOWEST`.

It builds on gunicorn 27's `ThreadWorker`; `secretly/tests/test_worker.py` tries it with real slow sockets.
"""

import re
import selectors
import socket
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any

from django.conf import settings
from gunicorn import http  # type: ignore[import-untyped]
from gunicorn.errors import ConfigError  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from privatekit import images, memory

HEAD_WITHIN = 10.0  # seconds for the request line and the headers
WITHIN = 30.0  # seconds for the whole of a body that is read in the main loop, and for each pause of a large one
SLOWEST = 50_000  # bytes a second, after the first `WITHIN` seconds of waiting: 15 MB in five and a half minutes
LARGEST_HEAD = 64 * 1024  # bytes; gunicorn then applies its own limits to each line
LARGEST_BUFFERED = 4 * 1024 * 1024  # bytes of a body that is kept in memory until it is whole: most photos
BUFFERED = 32 * 1024 * 1024  # bytes of all of them; then the connection that has taken longest is closed
LARGE_AT_ONCE = 2  # threads that read larger bodies
SHORT_FOR = 15  # seconds with little memory left, after which a worker is replaced
PIECE = 256 * 1024
SEND_BUFFER = 1024 * 1024  # bytes of an answer that the system takes at once; Linux grants less than half by default

END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?=\r\n)", re.IGNORECASE)
# A body whose end the head does not tell, or for which the client waits to be asked.
OTHER_BODY = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE)


def missing(received: bytearray) -> int | None:
    """How many bytes of the request have not come: at least one before its head has ended.

    None for a body that is not buffered: it is large, or its length is not plainly told.
    """
    head_end = received.find(END_OF_HEAD)
    if head_end < 0:
        return 1
    head = bytes(received[: head_end + 2])
    lengths = LENGTH.findall(head)
    if OTHER_BODY.search(head) or len(lengths) != head.lower().count(b"content-length") or len(lengths) > 1:
        return None
    length = int(lengths[0]) if lengths else 0
    if length > LARGEST_BUFFERED:
        return None
    return max(0, head_end + len(END_OF_HEAD) + length - len(received))


class Socket(socket.socket):
    """A socket that raises `TimeoutError` where the client sends a request, or takes its answer, too slowly."""

    waited = 0.0
    moved = 0

    def setblocking(self, flag: bool) -> None:
        """Let a thread wait, but not for ever. gunicorn calls this before each request."""
        super().setblocking(flag)
        if flag:
            self.settimeout(WITHIN)
            self.waited, self.moved = 0.0, 0

    def recv(self, *args: Any) -> bytes:
        started = time.monotonic()
        data = super().recv(*args)
        self.judge(started, len(data))
        return data

    def sendall(self, data: Any, *args: Any) -> None:
        started = time.monotonic()
        super().sendall(data, *args)
        self.judge(started, len(data))

    def judge(self, started: float, size: int) -> None:
        self.waited += time.monotonic() - started
        self.moved += size
        if self.waited > WITHIN + self.moved / SLOWEST:
            raise TimeoutError("The client is too slow.")


class Connection(TConn):  # type: ignore[misc]
    """A connection, and what has come of its next request."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.parser: Any  # gunicorn's
        self.buffer = bytearray()
        self.is_large = False
        self.await_request()

    def await_request(self, begun: bytes = b"") -> None:
        self.buffer[:] = begun
        self.deadline = time.monotonic() + HEAD_WITHIN
        self.has_head = False

    def hand_over(self) -> None:
        """Give gunicorn's parser what has come."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.sock, self.client)
        self.parser.unreader.unread(bytes(self.buffer))
        self.buffer.clear()
        self.initialized = self.data_ready = True


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """`worker_connections` bounds how many connections are read at once, and `threads` how many are answered."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading: dict[Connection, None] = {}  # in the order in which they began
        self.large: deque[Connection] = deque()  # they wait for a thread that may read them
        self.large_at_work = 0
        self.buffered = 0  # bytes, of all that are being read
        self.short_for = 0  # seconds, of memory

    def init_process(self) -> None:
        images.ROOM.shrink(images.IN_WORKER)
        memory.keep_below(settings.WORKER_MEMORY)
        super().init_process()

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise ConfigError("This worker speaks no TLS: let a proxy do it, as docs/deploy.md shows.")

    def accept(self, listener: socket.socket) -> None:
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker was faster, or the client has gone
            return
        self.nr_conns += 1
        sock = Socket(accepted.family, accepted.type, accepted.proto, accepted.detach())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.read(Connection(self.cfg, sock, client, listener.getsockname()))

    def read(self, conn: Connection) -> None:
        conn.sock.setblocking(False)
        self.reading[conn] = None
        self.buffered += len(conn.buffer)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_readable, conn))

    def on_readable(self, conn: Connection, sock: Socket) -> None:
        try:
            data = sock.recv(PIECE)
            conn.buffer += data
        except BlockingIOError:
            return
        except (OSError, MemoryError):
            data = b""
        self.buffered += len(data)
        if not data or (len(conn.buffer) > LARGEST_HEAD and END_OF_HEAD not in conn.buffer):
            self.drop(conn)
        else:
            self.go_on(conn)

    def go_on(self, conn: Connection) -> None:
        """Answer the request if it is whole, else wait for more of it."""
        rest = missing(conn.buffer)
        if rest is None:
            self.stop_reading(conn)
            conn.is_large = True
            conn.deadline = time.monotonic() + WITHIN
            self.large.append(conn)
            self.begin_large()
        elif rest == 0:
            self.stop_reading(conn)
            conn.hand_over()
            self.enqueue_req(conn)
        elif not conn.has_head and END_OF_HEAD in conn.buffer:
            conn.has_head, conn.deadline = True, time.monotonic() + WITHIN
        while self.buffered > BUFFERED:
            self.drop(next(iter(self.reading)))

    def begin_large(self) -> None:
        while self.large and self.large_at_work < LARGE_AT_ONCE:
            conn = self.large.popleft()
            self.large_at_work += 1
            conn.hand_over()
            self.enqueue_req(conn)

    def stop_reading(self, conn: Connection) -> None:
        del self.reading[conn]
        self.buffered -= len(conn.buffer)
        self.poller.unregister(conn.sock)

    def drop(self, conn: Connection) -> None:
        self.stop_reading(conn)
        self.nr_conns -= 1
        conn.close()

    def on_client_socket_readable(self, conn: Connection, client: Socket) -> None:
        """The next request of a connection that was kept alive."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.await_request()
        self.read(conn)
        self.on_readable(conn, client)

    def finish_request(self, conn: Connection, fs: "Future[Any]") -> None:
        if conn.is_large:
            conn.is_large = False
            self.large_at_work -= 1
            self.begin_large()
        keep = not fs.cancelled() and fs.exception() is None and fs.result()
        begun = conn.parser.unreader.take_buffered() if keep else b""
        if begun:  # the beginning of the next request
            conn.await_request(begun)
            self.read(conn)
            self.go_on(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close the connections that have taken too long. gunicorn calls this every second."""
        now = time.monotonic()
        self.short_for = self.short_for + 1 if images.is_short() else 0
        if self.alive and self.short_for > SHORT_FOR:
            self.log.warning("This worker has little memory left, and is replaced.")
            self.alive = False
        for conn in [one for one in self.reading if one.deadline < now]:
            self.drop(conn)
        while self.large and self.large[0].deadline < now:
            conn = self.large.popleft()
            self.nr_conns -= 1
            conn.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: close what is idle by `deadline`."""
        super()._cap_keepalive(deadline)
        for conn in self.reading:
            if not conn.buffer:
                conn.deadline = min(conn.deadline, deadline)

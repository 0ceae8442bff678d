"""The server: gunicorn starts, watches and stops the processes, and in each an event loop reads the requests.

gunicorn's own workers give every connection that has begun to send a thread, so a few slow clients would stop them.
"""

import asyncio
import os
import resource
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connections
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]

from faceauth.local import face_liveness, http, search_index
from faceauth.local.options import options
from faceauth.vision import networks
from privatekit import images, memory

THREADS = 8  # of a process; recognition itself runs one at a time
MAX_CONNECTIONS = 1000  # of a process; as many are refused at once beyond that
TICK = 0.5
SHORT_FOR = 15.0  # seconds with little memory left, after which a worker is replaced
STOP_WITHIN = 20.0  # seconds for the requests under way


class Server(BaseApplication):  # type: ignore[misc]
    """`ready` is told the address when the server listens."""

    def __init__(self, bind: str, workers: int, ready: Callable[[str], None]) -> None:
        self.given = {
            "bind": bind,
            "workers": workers,
            "worker_class": EventLoopWorker,
            "timeout": 60,
            "graceful_timeout": int(STOP_WITHIN) + 5,
            "preload_app": True,  # the workers share the memory of the models
            "control_socket_disable": True,
            "loglevel": "warning",
            "on_starting": prepare,
            "when_ready": partial(tell_address, ready),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.given.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """gunicorn wants a WSGI application; EventLoopWorker does not use it."""
        return self.load


def prepare(arbiter: Arbiter) -> None:
    """Make what all workers share, and let them give back what a request has used."""
    networks.warm_up()
    memory.give_back()


def tell_address(ready: Callable[[str], None], arbiter: Arbiter) -> None:
    listener = arbiter.LISTENERS[0]
    if listener.sock.family == socket.AF_UNIX:
        return ready(f"unix:{listener.sock.getsockname()}")
    host, port = listener.sock.getsockname()[:2]
    return ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")


class EventLoopWorker(Worker):  # type: ignore[misc]
    def run(self) -> None:
        images.ROOM.shrink(images.IN_WORKER)
        if most := options().memory:
            memory.keep_below(most + search_index.size_of_all())
            connections.close_all()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, MAX_CONNECTIONS + 200)), hard))
        with ThreadPoolExecutor(THREADS) as executor:
            asyncio.run(self.serve(executor))

    async def serve(self, executor: ThreadPoolExecutor) -> None:
        bodies = http.Bodies()
        clients: dict[asyncio.Task[None], http.Connection] = {}

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is None or len(clients) >= MAX_CONNECTIONS:
                writer.close()
                return
            clients[task] = http.Connection(executor, bodies)
            task.add_done_callback(clients.pop)
            await clients[task].serve(reader, writer)

        servers = []
        for listener in self.sockets:
            start = asyncio.start_unix_server if listener.sock.family == socket.AF_UNIX else asyncio.start_server
            servers.append(await start(connected, sock=listener.sock, limit=http.MAX_HEAD, backlog=1024))
        short_for = 0.0
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            face_liveness.sweep()
            await asyncio.sleep(TICK)
            short_for = short_for + TICK if images.is_short() else 0.0
            if short_for > SHORT_FOR:
                self.log.warning("This worker has little memory left, and is replaced.")
                break
        for server in servers:
            server.close()
        busy = [task for task, client in clients.items() if client.busy]
        if busy:
            await asyncio.wait(busy, timeout=STOP_WITHIN)

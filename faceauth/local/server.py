"""The HTTP server: gunicorn, which the site uses too. Python's http.server is not meant for production."""

import socket
import struct
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

from faceauth import vision
from faceauth.local import http

IDLE = 5  # seconds without a byte within a request; callers are programs, which have it ready
THREADS = 16  # most of them wait for clients


class Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, bind: str, workers: int) -> None:
        self.given = {
            "bind": bind,
            "workers": workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 60,  # SDKs keep their connections open
            "timeout": 60,
            "preload_app": True,  # the workers share the memory of the models
            "control_socket_disable": True,
            "on_starting": warm_up,
            "when_ready": limit_silence,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.given.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return http.application


def limit_silence(arbiter: Arbiter) -> None:
    """Let the kernel time out a connection that is silent within a request; accepted sockets inherit this."""
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", IDLE, 0))


def warm_up(arbiter: Arbiter) -> None:
    vision.warm_up()

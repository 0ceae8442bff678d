"""Errors on purpose, so that code with retries can be tested: throttling, and failures at random."""

import random
import threading
import time

from faceauth.local.errors import Code, Refused
from faceauth.local.options import options

RETRYABLE = {
    Code.THROTTLING: "Rate exceeded",
    Code.THROUGHPUT_EXCEEDED: "Provisioned rate exceeded",
    Code.INTERNAL_SERVER_ERROR: "Internal server error.",
}


class TokenBucket:
    """Allows `rate` events a second, and as many at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.left = 0.0
        self.filled = float("-inf")

    def take(self, rate: float, now: float) -> bool:
        with self.lock:
            most = max(1.0, rate)
            self.left = min(most, self.left + (now - self.filled) * rate)
            self.filled = now
            if self.left < 1:
                return False
            self.left -= 1
            return True


bucket = TokenBucket()


def check() -> None:
    """Raise `Refused` for a request that the options let fail."""
    chosen = options()
    if chosen.max_rate and not bucket.take(chosen.max_rate, time.monotonic()):
        raise Refused(Code.THROTTLING, RETRYABLE[Code.THROTTLING])
    if chosen.error_rate and random.random() < chosen.error_rate:  # noqa: S311 - nothing secret
        code = random.choice(list(RETRYABLE))  # noqa: S311
        raise Refused(code, RETRYABLE[code])

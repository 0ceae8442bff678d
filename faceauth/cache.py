"""The cache, and what happens while it does not answer."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache

try:
    from redis.exceptions import RedisError
except ModuleNotFoundError:  # a site that has another cache

    class RedisError(Exception):  # type: ignore[no-redef]
        pass


logger = logging.getLogger(__name__)


T = TypeVar("T")


RETRY = 30  # seconds for which a cache that did not answer is left alone: each try costs a visitor its time-out


class Outage:
    """When a cache that did not answer is asked again (monotonic seconds)."""

    over = 0.0


def recall(name: str) -> Any:
    """What was kept under this name; None if there is nothing, or the cache does not answer."""
    return from_cache(lambda: cache.get(name), lambda: None)


def put(name: str, value: object, seconds: float) -> None:
    """Keep it for so long, where the cache answers: what is kept can be found out again."""
    from_cache(lambda: cache.set(name, value, seconds), lambda: None)


def from_cache(ask: Callable[[], T], otherwise: Callable[[], T]) -> T:
    """What the cache says, or something else while it does not answer: nobody shall stay outside for that."""
    if time.monotonic() >= Outage.over:
        try:
            return ask()
        except (RedisError, OSError) as error:
            Outage.over = time.monotonic() + RETRY
            logger.error("Redis does not answer (%s): the database counts the attempts.", type(error).__name__)
    return otherwise()

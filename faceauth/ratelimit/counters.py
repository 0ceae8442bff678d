"""Counts that hold for all processes at once.

They are kept in the default cache where that is Redis, and in the database otherwise: of Django's caches only Redis
and Memcached count atomically for several processes, and the one that a default installation has is a cache for each
process. While Redis does not answer the database counts. It is there, or nobody could sign in anyway; a limit then
starts anew, so an outage lets through one budget more, and neither a flood nor nobody.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from django.db import transaction
from django.db.models import F

from faceauth.cache import T, from_cache
from faceauth.models import RateCount

PREFIX = "faceauth.ratelimit.limits."


LONGER = 60  # seconds that a count outlives its window, so that none is counted on while it expires


@dataclass(frozen=True, slots=True)
class Meter:
    """One window of one limit: of `most`, `amount` are wanted. It ends at `ends`, in seconds since 1970."""

    key: str
    amount: int
    most: int
    ends: float


class Store(Protocol):
    def take(self, meters: list[Meter]) -> bool:
        """Count all, unless one would be more than its most: then none. Whether they were counted."""

    def give_back(self, meters: list[Meter]) -> None:
        """Count no longer what was taken."""

    def counts(self, keys: list[str]) -> dict[str, int]:
        """What has been counted so far."""


class InCache:
    """Redis, through Django's cache: INCR is atomic. For a moment a refused one counts, which errs to the safe side."""

    def take(self, meters: list[Meter]) -> bool:
        for position, meter in enumerate(meters, 1):
            key = PREFIX + meter.key
            cache.add(key, 0, timeout=max(1, round(meter.ends - time.time())) + LONGER)
            if cache.incr(key, meter.amount) > meter.most:
                self.give_back(meters[:position])
                return False
        return True

    def give_back(self, meters: list[Meter]) -> None:
        there = self.counts([meter.key for meter in meters])
        for meter in meters:
            if meter.key in there:  # or it has expired, or another store counted it
                cache.decr(PREFIX + meter.key, meter.amount)

    def counts(self, keys: list[str]) -> dict[str, int]:
        found = cache.get_many([PREFIX + key for key in keys])
        return {key.removeprefix(PREFIX): count for key, count in found.items()}


class InTable:
    """The database: a conditional UPDATE for each, of which two that come at once wait for each other.

    All come to it in the order of the keys, so that none of them waits in a circle, and are committed together.
    """

    def take(self, meters: list[Meter]) -> bool:
        fresh = False
        with transaction.atomic():
            for meter in in_order(meters):
                if self.add(meter):
                    continue
                made, room = self.begin(meter)
                fresh = fresh or made
                if not room:
                    transaction.set_rollback(True)
                    return False
        if fresh:
            RateCount.objects.filter(ends__lt=time.time() - LONGER).delete()
        return True

    def add(self, meter: Meter) -> bool:
        room = RateCount.objects.filter(key=meter.key, count__lte=meter.most - meter.amount)
        return bool(room.update(count=F("count") + meter.amount))

    def begin(self, meter: Meter) -> tuple[bool, bool]:
        """Make the row if it is not there; whether it was not, and whether there is room in it."""
        if RateCount.objects.filter(key=meter.key).exists():
            return False, False
        RateCount.objects.bulk_create([RateCount(key=meter.key, ends=meter.ends)], ignore_conflicts=True)
        return True, self.add(meter)

    def give_back(self, meters: list[Meter]) -> None:
        with transaction.atomic():
            for meter in in_order(meters):
                taken = RateCount.objects.filter(key=meter.key, count__gte=meter.amount)
                taken.update(count=F("count") - meter.amount)

    def counts(self, keys: list[str]) -> dict[str, int]:
        return dict(RateCount.objects.filter(key__in=keys).values_list("key", "count"))


def in_order(meters: list[Meter]) -> list[Meter]:
    return sorted(meters, key=lambda meter: meter.key)


def count_with(work: Callable[[Store], T]) -> T:
    """Do the work where all processes count together."""
    if isinstance(caches["default"], RedisCache):
        return from_cache(lambda: work(InCache()), lambda: work(InTable()))
    return work(InTable())

"""Rows of measurements, and the table they make."""

import time
from collections.abc import Callable, Iterable
from math import isnan, nan
from statistics import median, quantiles
from typing import NamedTuple

ROUNDS = 60
WARM_UP = 5


class Row(NamedTuple):
    work: str
    times: list[float]
    """Milliseconds of each round; fewer than two where it was not measured, and the note says why."""
    limit: float = nan
    """Milliseconds that the median should not pass; nan where nothing was promised, as for a peer."""
    note: str = ""


def times(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of each of `rounds` calls, after a few that warm up."""
    taken = []
    for _ in range(WARM_UP + rounds):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return taken[WARM_UP:]


def by_turns(one: Callable[[], float], other: Callable[[], float], rounds: int = ROUNDS) -> tuple[list[float], ...]:
    """The milliseconds that each says, less the first few."""
    pairs = [(one(), other()) for _ in range(WARM_UP + rounds)][WARM_UP:]
    return tuple(map(list, zip(*pairs, strict=True)))


def show_head() -> None:
    print(f"{'work':<52} {'median':>9} {'p10':>9} {'p90':>9} {'limit':>9}")


def show(rows: Iterable[Row]) -> None:
    for row in rows:
        if len(row.times) < 2:
            print(f"{row.work:<52} {row.note:>39}", flush=True)
            continue
        deciles = quantiles(row.times, n=10)
        limit = "" if isnan(row.limit) else f"{row.limit:.0f} ms"
        spread = f"{median(row.times):>6.1f} ms {deciles[0]:>6.1f} ms {deciles[-1]:>6.1f} ms"
        print(f"{row.work:<52} {spread} {limit:>9}  {row.note}".rstrip(), flush=True)

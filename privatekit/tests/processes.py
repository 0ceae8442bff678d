"""What other processes take: figures of /proc, which only Linux has."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

MOST = 600_000  # kB: what a worker may take, whatever is sent


def status_of(pid: int, what: str) -> int:
    """In kB."""
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").open() if line.startswith(what))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def at_once(worker: int, senders: Sequence[Callable[[], Answer]]) -> tuple[list[Answer], int]:
    """What came back, and the most that the worker took meanwhile, in kB: all are sent at the same moment."""
    Path(f"/proc/{worker}/clear_refs").write_text("5")  # the highest mark begins anew
    together = threading.Barrier(len(senders))

    def sent(sender: Callable[[], Answer]) -> Answer:
        together.wait(60)
        return sender()

    with ThreadPoolExecutor(len(senders)) as pool:
        answers = list(pool.map(sent, senders))
    return answers, status_of(worker, "VmHWM")

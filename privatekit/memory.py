"""The last wall around a process's memory: what asks for more ends its own request, and not the service.

Pictures, archives and forms have budgets of their own, which are far below. This is for what those did not foresee.
"""

import ctypes
import resource
import sys
from contextlib import suppress
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of malloc.h
KEPT = 128 * 1024  # bytes
LIBRARIES = 60_000_000  # bytes of the programs' own code, which comes in as it is used; the wall does not count it


def figures() -> dict[str, int]:
    """Bytes of this process, as /proc/self/status has them (Linux, proc(5)); empty elsewhere."""
    if sys.platform != "linux":
        return {}
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[-1:] == ["kB"]}


def give_back() -> None:
    """Make glibc give large blocks back to the system as soon as they are free (mallopt(3)).

    By itself it takes what was freed once for the size to keep, up to 32 MB: a worker that had decoded large pictures
    kept 700 MB. It also makes an arena for each thread.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for option, value in ((M_TRIM_THRESHOLD, KEPT), (M_MMAP_THRESHOLD, KEPT), (M_ARENA_MAX, 2)):
            libc.mallopt(option, value)
        libc.malloc_trim(0)


def keep_below(most: int) -> None:
    """Keep the resident memory of this process below `most` bytes; 0 is no wall."""
    if most and (now := figures()):
        allow(most - now["VmRSS"] - LIBRARIES)


def allow(more: int) -> None:
    """Let this process take so many bytes more than it has.

    RLIMIT_DATA counts private memory that can be written, touched or not (setrlimit(2), since Linux 4.7).
    """
    if now := figures():
        _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = now["VmData"] + more
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard < 0 else min(limit, hard), hard))


def left() -> int | None:
    """How many bytes this process may still take; None where there is no wall."""
    limit, _hard = resource.getrlimit(resource.RLIMIT_DATA)
    return None if limit < 0 or not (now := figures()) else limit - now["VmData"]

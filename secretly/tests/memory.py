"""How much memory a process takes, from Linux's /proc. All figures in kB, shared pages included."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

EVERY = 0.005  # s


def status_of(pid: int, what: str) -> int | None:
    """A figure of proc(5); None where this kernel does not tell it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0])
    return None


def resident(pid: int) -> int:
    return status_of(pid, "VmRSS") or 0


class Peak:
    most = 0


@contextmanager
def peak(pid: int) -> Iterator[Peak]:
    """Watch the process; afterwards `most` is the highest that it had meanwhile.

    Some kernels keep the highest mark, and let it begin anew. For the others one thread looks every few milliseconds.
    """
    found, ended = Peak(), Event()

    def watch() -> None:
        while not ended.wait(EVERY):
            found.most = max(found.most, resident(pid))

    marks = Path(f"/proc/{pid}/clear_refs")
    if marks.exists():
        marks.write_text("5")
    thread = Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
    if marks.exists():
        found.most = max(found.most, status_of(pid, "VmHWM") or 0)

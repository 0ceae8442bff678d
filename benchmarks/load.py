"""Many at once: `python -m benchmarks load`, or `python -m benchmarks.load 20000` for the long look at memory.

A gunicorn as `make run` starts it, with a worker for each processor, SQLite, and clients on the same machine, over
loopback: they take their share of the same processors, so a server of its own does better than this. What a request
takes of the workers' processors is told as well; it hardly depends on what else the machine does.
"""

import argparse
import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from itertools import count
from pathlib import Path
from statistics import linear_regression, quantiles
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from PIL import Image

os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"  # for the pictures; the site has its own

from benchmarks import table
from benchmarks.sign_in import site
from benchmarks.table import Row
from faceauth.tests import pictures

CLIENTS = (1, 2, 4, 8)
SECONDS = 4.0  # of each measurement
REQUESTS = 2_000  # of the look at memory, in `make bench`
EVERY = 250  # requests between two looks at the workers' memory
NOTES = 50  # on the page that is read: as many as it shows at once
TEXT = "Some words of an ordinary kind, as they are written in a notebook. " * 8

Deed = Callable[[], Awaitable[None]]


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Browser:
    """As much of a browser as a load needs: one connection that is kept, and cookies."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> Answer:
        if self.connection is None or self.connection[0].at_eof():
            self.connection = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.connection
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        head += ["Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items())]
        if body:
            head += ["Accept: application/json", f"Content-Type: {content_type}"]
            head += [f"X-CSRFToken: {self.cookies['csrftoken']}"]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        answer = await read_answer(reader)
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        if ("connection", "close") in answer.headers:
            self.close()
        return answer

    def close(self) -> None:
        if self.connection is not None:
            self.connection[1].close()
            self.connection = None

    async def expect(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> Answer:
        answer = await self.ask(method, path, body, content_type)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.FOUND):
            raise RuntimeError(f"{method} {path} was answered with {answer.status}.")
        return answer

    async def sign_in(self, photo: bytes) -> float:
        """Seconds from the first byte of the photo to the open notebook."""
        await self.expect("GET", "/login/")
        started = time.perf_counter()
        answer = await self.expect("POST", "/login/", *as_form(photo))
        if not re.search(rb'"outcome": "(recognised|enrolled)"', answer.body):
            raise RuntimeError(answer.body.decode())
        return time.perf_counter() - started

    async def read(self) -> None:
        await self.expect("GET", "/")

    async def write(self) -> None:
        fields = urlencode({"text": TEXT, "page": str(uuid4())}).encode()
        answer = await self.expect("POST", "/", fields, "application/x-www-form-urlencoded")
        if b'"saved"' not in answer.body:
            raise RuntimeError(answer.body.decode())


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = [(name.lower(), value.strip()) for name, _, value in pairs]
    length = int(dict(headers).get("content-length", 0))
    return Answer(int(head[0].split()[1]), headers, await reader.readexactly(length))


def as_form(photo: bytes) -> tuple[bytes, str]:
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head + photo + b"\r\n--B--\r\n", "multipart/form-data; boundary=B"


def frame() -> bytes:
    """640 x 480, as a camera takes it."""
    room = Image.new("RGB", (640, 480), (110, 112, 118))
    person = pictures.opened(pictures.hopper())
    person.thumbnail((640, 480))
    room.paste(person, ((640 - person.width) // 2, 480 - person.height))
    return pictures.encoded(room, quality=92)


# Measuring ------------------------------------------------------------------------------------------------------------


def measure(requests: int = REQUESTS, database: str = "") -> Iterator[Row]:
    given = {"DATABASE_URL": database} if database else {}
    with site(workers=min(os.cpu_count() or 1, 4), pinned=False, given=given) as (port, workers):
        yield from asyncio.run(all_rows(port, workers))
        yield asyncio.run(memory(port, workers, requests))


async def all_rows(port: int, workers: list[int]) -> list[Row]:
    photo = frame()
    first = Browser(port)
    await first.sign_in(photo)
    for _ in range(NOTES):
        await first.write()
    browsers = [Browser(port) for _ in range(max(CLIENTS))]
    for browser in browsers:
        await browser.sign_in(photo)
        browser.close()  # or the server would, which waits for five seconds
    works: list[tuple[str, list[Deed]]] = [
        ("sign in", [sign_ins(port, photo) for _ in browsers]),
        ("read the notebook", [browser.read for browser in browsers]),
        ("save a note", [browser.write for browser in browsers]),
    ]
    return [await at_once(f"{name}, {n} at once", deeds[:n], workers) for name, deeds in works for n in CLIENTS]


def sign_ins(port: int, photo: bytes) -> Deed:
    """Each is a new visitor, with a connection, a token and a session of their own: two requests."""

    async def one() -> None:
        browser = Browser(port)
        await browser.sign_in(photo)
        browser.close()

    return one


async def at_once(work: str, deeds: list[Deed], workers: list[int]) -> Row:
    """What each deed takes while the others go on, for `SECONDS`. Any answer that is not the right one ends it."""
    taken: list[float] = []
    busy = sum(map(processor, workers))
    started = time.perf_counter()

    async def again_and_again(deed: Deed) -> None:
        while time.perf_counter() - started < SECONDS:
            begun = time.perf_counter()
            await deed()
            taken.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(again_and_again(deed) for deed in deeds))
    rate = len(taken) / (time.perf_counter() - started)
    busy = (sum(map(processor, workers)) - busy) / len(taken)
    note = f"{rate:.1f} a second, p95 {quantiles(taken, n=20)[-1]:.0f} ms, {busy:.1f} ms of the server's processors"
    return Row(work, taken, note=note)


async def memory(port: int, workers: list[int], requests: int, clients: int = 4) -> Row:
    """The workers' memory over many requests of every kind: a session is a sign-in, six readings and two notes."""
    photo = frame()
    done = count(1)
    seen: list[tuple[int, float]] = []
    taken: list[float] = []

    async def step(deed: Awaitable[object]) -> None:
        begun = time.perf_counter()
        await deed
        taken.append((time.perf_counter() - begun) * 1000)
        number = next(done)
        if number % EVERY == 0:
            seen.append((number, sum(map(resident, workers))))

    async def sessions() -> None:
        while len(taken) < requests:
            browser = Browser(port)
            next(done)  # the page of the door
            await step(browser.sign_in(photo))
            for _ in range(2):
                await step(browser.write())
                for _ in range(3):
                    await step(browser.read())
            browser.close()

    await asyncio.gather(*(sessions() for _ in range(clients)))
    settled = seen[len(seen) // 2 :]  # by then all threads have worked, and the pools are full
    slope = linear_regression(*zip(*settled, strict=True)).slope * 1024 * 1000
    note = f"{next(done) - 1:,} requests without an error; {len(workers)} workers had {seen[0][1]:.0f} MB, then "
    note += f"{seen[-1][1]:.0f}; in the second half {slope:+.0f} kB for 1,000 requests"
    return Row("sign in, read and write, 4 at once", taken, note=note)


def resident(pid: int) -> float:
    """Megabytes in RAM, shared pages included."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor(pid: int) -> float:
    """Milliseconds of processors that the process has used (utime and stime of proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("requests", nargs="?", type=int, default=REQUESTS, help="of the look at memory (%(default)s)")
    parser.add_argument("--database", default="", help="a DATABASE_URL, empty before; otherwise SQLite")
    arguments = parser.parse_args()
    table.show_head()
    table.show(measure(arguments.requests, arguments.database))


if __name__ == "__main__":
    main()

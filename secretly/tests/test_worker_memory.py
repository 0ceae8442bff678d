"""A worker stays under 600 MB whatever is sent to it: real requests against a real gunicorn, several at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from faceauth.tests import pictures
from privatekit.tests.bombs import WORST
from secretly.tests.machines import Machine, Visitor, running
from secretly.tests.memory import peak, resident

MOST = 600_000  # kB

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Only Linux tells.")]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, installation: Path) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("memory") / "home", {"SECRETLY_FRAMES_PER_ADDRESS": "off"})
    made.install_like(installation)
    with running(made):
        yield made


def attach(machine: Machine, visitor: Visitor, note: str, picture: bytes) -> int:
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
    body = head + picture + b"\r\n--B--\r\n"
    return visitor.send(machine, "POST", f"/notes/{note}/attach/", body, "multipart/form-data; boundary=B")[0]


def frame(machine: Machine, picture: bytes) -> int:
    visitor = Visitor()
    visitor.get(machine, "/login/")
    visitor.post(machine, "/login/liveness/", {})
    return visitor.send(machine, "POST", "/login/liveness/frame/?number=1", picture, "image/jpeg")[0]


@pytest.fixture(scope="module")
def owner(machine: Machine) -> tuple[Visitor, str]:
    """Somebody who has come in and has a note."""
    visitor, page = Visitor(), str(uuid4())
    assert visitor.show(machine, pictures.hopper())[1]["outcome"] == "enrolled"
    assert visitor.write(machine, "with pictures", page)[0] == 200
    return visitor, page


def test_the_worst_of_each_format_several_at_once(machine: Machine, owner: tuple[Visitor, str]) -> None:
    [worker] = machine.workers()
    most: dict[str, int] = {}
    with ThreadPoolExecutor(4) as pool:
        for name, make in WORST.items():
            bomb = make()
            with peak(worker) as found:
                sent = [pool.submit(attach, machine, *owner, bomb) for _ in range(2)]
                sent += [
                    pool.submit(frame, machine, bomb),
                    pool.submit(lambda data: Visitor().show(machine, data)[0], bomb),
                ]
                answers = [one.result() for one in sent]
            assert {*answers} <= {200, 422, 503}, (name, answers)
            most[name] = found.most
            if os.environ.get("SHOW"):
                print(f"{name:40} {len(bomb) // 1000:6} kB, the worker {most[name] // 1000} MB {answers}", flush=True)
            assert machine.workers() == [worker], name  # it was not replaced
    assert 0 < max(most.values()) < MOST, most
    assert resident(worker) < MOST / 2  # it gives back what it took
    assert "MemoryError" not in machine.logged()
    assert machine.ask("/login/")[0] == 200

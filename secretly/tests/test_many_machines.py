"""Several machines on PostgreSQL, Redis, S3 and a Rekognition of its own process, and what happens when one is down.

PostgreSQL and Redis are Debian's, started here; S3 is moto's server; every machine is a real gunicorn.
"""

import io
import secrets
import shutil
import signal
import socket
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import boto3
import pytest
from cryptography.fernet import Fernet
from moto.server import ThreadedMotoServer

from faceauth.tests import pictures, postgres
from faceauth.tests.local_endpoints import KEY_ID, SECRET, serving
from secretly.tests.installation import free_port
from secretly.tests.machines import Machine, Redis, Visitor, running, wait_until, words_on

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("machines")]  # one process, for the servers take a minute

BUCKET = "secretly-attachments"


class World:
    """What the machines share, and three of them."""

    def __init__(self, database: postgres.Server, redis: Redis, storage: str, rekognition: str, folder: Path) -> None:
        self.database = database
        self.redis = redis
        self.folder = folder
        self.given = {
            "DATABASE_URL": f"{database.address}/postgres",
            "REDIS_URL": redis.address,
            "REKOGNITION_ENDPOINT": rekognition,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "eu-central-1",
            "AWS_STORAGE_BUCKET_NAME": BUCKET,
            "AWS_S3_ENDPOINT_URL": storage,
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
            "SECRETLY_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "SECRETLY_ENROLMENT": "consent",
        }
        self.machines = [self.machine(name) for name in ("one", "two", "three")]

    def machine(self, name: str, **more: str) -> Machine:
        return Machine(self.folder / name, self.given | more)


@contextmanager
def s3() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.session.Session().client(
        "s3",
        region_name="eu-central-1",
        endpoint_url=address,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
    )
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):  # moto keeps it for as long as the process lives
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    try:
        yield address
    finally:
        server.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    redis = Redis(folder)
    (folder / "rekognition").mkdir(mode=0o700)
    with postgres.running() as database, s3() as storage, serving(str(folder / "rekognition")) as rekognition:
        redis.start()
        try:
            made = World(database, redis, storage, rekognition, folder)
            one, two, three = made.machines
            one.install()
            two.install_beside(one)
            three.install_beside(one)
            with running(*made.machines):
                yield made
        finally:
            redis.end()


def enter(visitor: Visitor, first: Machine, second: Machine, picture: bytes) -> str:
    """Show a picture at one machine, and agree at another, if that is asked for: what came of it."""
    status, told = visitor.show(first, picture)
    assert status == 200, told
    if told["outcome"] == "stranger":
        status, told = visitor.agree(second, told["sealed"])
        assert status == 200, told
    return str(told["outcome"])


def notes_of(visitor: Visitor, machine: Machine) -> str:
    """All that the person has ever kept, as it is taken away."""
    status, _, content = visitor.send(machine, "GET", "/notes/export.zip")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


# One person, three machines -------------------------------------------------------------------------------------------


def test_all_are_ready(world: World) -> None:
    for machine in world.machines:
        assert machine.ready()["ready"] is True, machine.logged()


def test_a_person_is_known_on_all_machines_and_forgotten_on_all(world: World) -> None:
    one, two, three = world.machines
    face, again = pictures.collins(), pictures.another(pictures.collins())
    first = Visitor()
    assert enter(first, one, two, face) == "enrolled"  # what one has sealed the other opens
    assert first.write(three, "tea-1")[1]["outcome"] == "saved"
    note = first.write(one, "tea-2")[1]["url"]
    assert first.show(two, b"the word of a file", f"{note}attach/")[1]["outcome"] == "attached"

    second = Visitor()
    assert enter(second, two, two, again) == "recognised"
    assert words_on(second.get(three)[1], "tea") == {"tea-1", "tea-2"}
    assert "the word of a file" in notes_of(second, three)
    status, page = second.get(one, "/account/")
    assert status == 200
    assert page.count("/end/") >= 1

    assert second.post(three, "/account/forget/", {"word": "forget me"})[0] == 302
    for machine in world.machines:
        assert first.get(machine)[0] == second.get(machine)[0] == 302  # every session is over
        assert Visitor().show(machine, face)[1]["outcome"] == "stranger"


# Under load -----------------------------------------------------------------------------------------------------------


class Load:
    """Several browsers of one person write notes, now at this machine and now at that, as a balancer sends them.

    A note that is not answered is sent again, to the next machine, as the page itself does.
    """

    def __init__(self, world: World, word: str, browsers: int = 3) -> None:
        self.machines = world.machines
        self.word = word
        self.saved: list[str] = []
        self.answers: Counter[tuple[int, str]] = Counter()
        self.unanswered = 0
        self.number = iter(range(1_000_000))
        self.stopped = threading.Event()
        self.visitors = [Visitor() for _ in range(browsers)]
        for visitor in self.visitors:
            enter(visitor, self.machines[0], self.machines[0], pictures.hopper())
        self.threads = [threading.Thread(target=self.write, args=[visitor]) for visitor in self.visitors]

    def write(self, visitor: Visitor) -> None:
        turn = 0
        while not self.stopped.is_set():
            name = f"{self.word}-{next(self.number)}"
            page = str(secrets.token_hex(16))
            while not self.stopped.is_set():
                turn += 1
                try:
                    status, told = visitor.write(self.machines[turn % len(self.machines)], name, page)
                except (OSError, HTTPException):
                    self.unanswered += 1
                    time.sleep(0.02)
                    continue
                self.answers[status, str(told.get("outcome"))] += 1
                if told.get("outcome") == "saved":
                    self.saved.append(name)
                    break
                time.sleep(0.05)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        self.wait_for_more(10)
        return self

    def __exit__(self, *args: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)

    def wait_for_more(self, count: int) -> None:
        wanted = len(self.saved) + count
        wait_until(lambda: len(self.saved) >= wanted)

    def check(self) -> None:
        """Every note that was answered with "saved" is there, and none twice; nothing was answered with a 500."""
        assert set(self.answers) <= {(200, "saved"), (503, "unavailable")}, self.answers
        kept = notes_of(self.visitors[0], self.machines[-1])
        lines = Counter(line for line in kept.splitlines() if line.startswith(f"{self.word}-"))
        assert set(self.saved) <= set(lines)
        assert set(lines.values()) == {1}


def test_a_machine_that_dies_loses_nothing(world: World) -> None:
    one = world.machines[0]
    with Load(world, "coffee") as load:
        one.end(signal.SIGKILL)
        load.wait_for_more(30)
        one.start()
        load.wait_for_more(10)
    load.check()
    assert load.unanswered
    assert load.answers[503, "unavailable"] == 0


def test_a_database_that_is_down_is_reported_and_recovers(world: World) -> None:
    """Without a restart: broken connections are noticed and replaced."""
    with Load(world, "milk") as load:
        world.database.end()
        wait_until(lambda: load.answers[503, "unavailable"] >= 10)
        for machine in world.machines:
            status, page = Visitor().get(machine, "/")
            assert status in (302, 503), page
            status, told = Visitor().show(machine, pictures.hopper())
            assert (status, told["outcome"]) == (503, "unavailable")
            assert machine.ask("/healthz")[0] == 200
        wait_until(lambda: not any(machine.ready()["parts"]["database"]["ok"] for machine in world.machines))
        world.database.start()
        load.wait_for_more(30)
        load.answers.clear()
        load.wait_for_more(30)
        assert set(load.answers) == {(200, "saved")}
    load.check()
    wait_until(lambda: all(machine.ready()["ready"] for machine in world.machines))
    assert enter(Visitor(), world.machines[1], world.machines[2], pictures.hopper()) == "recognised"


def test_a_cache_that_is_down_is_reported_and_recovers(world: World) -> None:
    with Load(world, "sugar") as load:
        world.redis.end()
        wait_until(lambda: not any(machine.ready()["parts"]["cache"]["ok"] for machine in world.machines))
        for machine in world.machines:
            status, told = Visitor().show(machine, pictures.hopper())
            assert (status, told["outcome"]) == (200, "recognised")  # the database counts meanwhile
        world.redis.start()
        load.wait_for_more(30)
        load.answers.clear()
        load.wait_for_more(30)
        assert set(load.answers) == {(200, "saved")}
    load.check()
    wait_until(lambda: all(machine.ready()["ready"] for machine in world.machines))
    assert enter(Visitor(), world.machines[1], world.machines[2], pictures.hopper()) == "recognised"


def test_a_rekognition_that_is_down_stops_only_sign_ins(world: World) -> None:
    inside = Visitor()
    enter(inside, world.machines[0], world.machines[0], pictures.hopper())
    blind = world.machine("blind", REKOGNITION_ENDPOINT=f"http://127.0.0.1:{free_port()}/")
    blind.install_beside(world.machines[0])
    with running(blind):
        status, told = Visitor().show(blind, pictures.hopper())
        assert (status, told["outcome"]) == (503, "unavailable")
        assert inside.write(blind, "honey-1")[1]["outcome"] == "saved"
        parts = blind.ready()["parts"]
        assert {name for name, state in parts.items() if not state["ok"]} == {"rekognition"}
    shutil.rmtree(blind.home)


def test_servers_that_stop_answering_do_not_hang_requests(world: World) -> None:
    """A machine that is switched off does not even refuse connections."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nowhere = f"127.0.0.1:{silent.getsockname()[1]}"
        for name, address in (
            ("DATABASE_URL", f"postgres://secretly@{nowhere}/x"),
            ("REDIS_URL", f"redis://{nowhere}/0"),
        ):
            lonely = world.machine(f"lonely-{name}", **{name: address})
            lonely.install_beside(world.machines[0])
            with running(lonely):
                part = "database" if name == "DATABASE_URL" else "cache"
                assert lonely.ready()["parts"][part]["ok"] is False
                if part == "database":
                    visitor = Visitor()
                    visitor.cookies["sessionid"] = "x" * 32
                    assert visitor.get(lonely, "/")[0] == 503

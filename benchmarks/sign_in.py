"""A sign-in from POST to redirect: a real gunicorn with one worker on one core, and a client on another."""

import base64
import http.client
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"  # for the pictures; the site has its own

from benchmarks.table import Row
from faceauth.tests import pictures
from secretly.tests.installation import free_port

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 60
WARM_UP = 8
LIMIT_OF_FRAME = 60.0  # milliseconds
LIMIT_OF_PHOTO = 160.0
MULTIPART = "multipart/form-data; boundary=B"


def measure() -> Iterator[Row]:
    """One person is enrolled; benchmarks/search.py measures a search among many."""
    with site() as (port, [worker]):
        yield Row("POST to redirect, 640 x 480 frame", times(port, *camera_frame()), LIMIT_OF_FRAME)
        yield Row("frame of a liveness check, POST to answer", frame_times(port), LIMIT_OF_FRAME)
        taken = times(port, *telephone_photo())
        note = f"the worker had at most {peak_memory(worker):.0f} MB"
        yield Row("POST to redirect, 12-megapixel JPEG", taken, LIMIT_OF_PHOTO, note)


def environment(home: str, port: int, workers: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "SECRETLY_HOME": home,
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
        "SECRETLY_ENROLMENT": "open",
        "SECRETLY_PHOTOS": "open",  # one frame signs in
        "MALLOC_ARENA_MAX": "2",  # as `make run` sets it
        # All requests come from one address.
        "SECRETLY_ATTEMPTS_PER_ADDRESS": "off",
        "SECRETLY_ATTEMPTS_PER_SESSION": "off",
        "SECRETLY_FAILURES_PER_ADDRESS": "off",
        "SECRETLY_CALL_BUDGET": "off",
    }


@contextmanager
def site(workers: int = 1, pinned: bool = True, given: dict[str, str] | None = None) -> Iterator[tuple[int, list[int]]]:
    """A fresh installation behind gunicorn, pinned to the last core or free: its port, and the workers' pids.

    `given` is more of its environment.
    """
    with tempfile.TemporaryDirectory(prefix="secretly-bench-") as home:
        port = free_port()
        surroundings = environment(home, port, workers) | (given or {})
        for command in (
            ["migrate", "-v0"],
            ["rekognition_collection", "create"],
            ["collectstatic", "--noinput", "-v0"],
        ):
            manage(command, surroundings)
        cores = {max(os.sched_getaffinity(0))} if pinned else os.sched_getaffinity(0)
        server = subprocess.Popen(  # noqa: S603
            [str(Path(sys.executable).with_name("gunicorn")), "-c", "secretly/gunicorn.conf.py"],
            cwd=ROOT,
            env=surroundings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            wait_for(port)
            while len(workers_of(server.pid)) < workers:  # the first answers before the last has started
                time.sleep(0.1)
            yield port, workers_of(server.pid)
        finally:
            server.terminate()
            server.wait()


def manage(command: list[str], surroundings: dict[str, str]) -> None:
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=surroundings, check=True, capture_output=True)  # noqa: S603


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/login/")
            return
        except ConnectionError:
            time.sleep(0.1)
    raise TimeoutError("gunicorn did not start.")


def workers_of(master: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def peak_memory(pid: int) -> float:
    """The most memory that the process ever had in RAM, shared pages included, in MB (VmHWM of proc(5))."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


class Visitor:
    """A client that reads the CSRF token, posts a photo, and expects to be signed in."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.request("GET", "/login/")
        response = self.connection.getresponse()
        page = response.read().decode()
        self.cookie = str(response.headers["Set-Cookie"]).partition(";")[0]
        self.token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]

    def post(self, body: bytes, content_type: str) -> float:
        """Milliseconds from the first byte of the request to the redirect into the notebook."""
        headers = {"Cookie": self.cookie, "Content-Type": content_type, "X-CSRFToken": self.token}
        started = time.perf_counter()
        self.connection.request("POST", "/login/", body, headers)
        response = self.connection.getresponse()
        response.read()
        taken = (time.perf_counter() - started) * 1000
        if (response.status, response.headers["Location"]) != (302, "/"):
            raise RuntimeError(f"The sign-in answered {response.status}.")
        return taken

    def check_liveness(self, jpeg: bytes) -> float:
        """Begin a liveness check; milliseconds from the first byte of its first frame to the answer."""
        headers = {"Cookie": self.cookie, "X-CSRFToken": self.token, "Content-Type": "image/jpeg"}
        self.connection.request("POST", "/login/liveness/", b"", headers)
        response = self.connection.getresponse()
        response.read()
        headers["Cookie"] += "; " + str(response.headers["Set-Cookie"]).partition(";")[0]
        started = time.perf_counter()
        self.connection.request("POST", "/login/liveness/frame/?number=1", jpeg, headers)
        response = self.connection.getresponse()
        content = json.loads(response.read())
        taken = (time.perf_counter() - started) * 1000
        if content.get("state") != "looking" or not content["progress"]:
            raise RuntimeError(f"The liveness check answered {content}.")
        return taken


def frame_times(port: int) -> list[float]:
    """Milliseconds of each of ROUNDS first frames; each has a camera's noise of its own, for copies end a check."""
    with Image.open(io.BytesIO(scene(quality=95))) as image:
        seen = np.asarray(image).astype(np.float64)
    chance = np.random.default_rng()
    taken = []
    for _ in range(WARM_UP + ROUNDS):
        noisy = np.clip(seen + chance.normal(0, 2, seen.shape), 0, 255).astype(np.uint8)
        jpeg = pictures.encoded(Image.fromarray(noisy), quality=85)
        taken.append(Visitor(port).check_liveness(jpeg))
    return taken[WARM_UP:]


def scene(quality: int) -> bytes:
    """A 640 x 480 JPEG of somebody in a room."""
    room = Image.new("RGB", (640, 480), (110, 112, 118))
    person = pictures.opened(pictures.hopper())
    person.thumbnail((640, 480))
    room.paste(person, ((640 - person.width) // 2, 480 - person.height))
    return pictures.encoded(room, quality=quality)


def camera_frame() -> tuple[bytes, str]:
    """A 640 x 480 frame as the page sends it: a data URL in a form of several parts."""
    url = b"data:image/jpeg;base64," + base64.b64encode(scene(quality=92))
    return b'--B\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + url + b"\r\n--B--\r\n", MULTIPART


def telephone_photo() -> tuple[bytes, str]:
    """A 12-megapixel JPEG as a chosen file, with the noise of a sensor, which makes most of such a file's size."""
    portrait = pictures.opened(pictures.hopper())
    grain = Image.effect_noise((3000, 4000), 12).convert("RGB")
    photo = Image.blend(portrait.resize((3000, 4000)), grain, 0.1)
    data = pictures.encoded(photo, quality=92)
    part = b'--B\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return part + data + b"\r\n--B--\r\n", MULTIPART


def times(port: int, body: bytes, content_type: str) -> list[float]:
    """Milliseconds of each of ROUNDS sign-ins, each with its own connection and token."""
    return [Visitor(port).post(body, content_type) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]

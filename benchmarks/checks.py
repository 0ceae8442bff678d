"""Sign-ins by a liveness check, everything included: `python -m benchmarks checks`.

A gunicorn with one worker, and somebody whose film is made of their pictures (faceauth/tests/films.py), as quickly as a
check allows. Told is what one sign-in takes of the processor, from the page to the redirect, and how many a second two
cores can thus give; it hardly depends on what else the machine does.
"""

import http.client
import json
import os
import time
from collections.abc import Iterator
from urllib.parse import urlencode

os.environ["DJANGO_SETTINGS_MODULE"] = "secretly.tests.settings"  # for the pictures; the site has its own

import django

django.setup()

from benchmarks.load import processor  # noqa: E402
from benchmarks.sign_in import site  # noqa: E402
from benchmarks.table import Row  # noqa: E402
from faceauth.liveness.challenge import Ask  # noqa: E402
from faceauth.tests import films, pictures  # noqa: E402

SIGN_INS = 8
TRIES = 60  # a film of pictures from many days is not always believed
CORES = 2
UNKNOWN, TRUSTED = "liveness check, unknown device", "quick check, trusted device"
WANTED = {UNKNOWN: 8, TRUSTED: 20}  # sign-ins a second
STEP = 0.34  # seconds between two frames
FORM = "application/x-www-form-urlencoded"


class Visitor:
    """A browser: cookies, and a connection for each request."""

    def __init__(self, port: int, cookies: dict[str, str] | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies = dict(cookies or {})
        self.ask("GET", "/login/")

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = FORM) -> tuple[int, bytes]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if method == "POST":
            headers |= {"X-CSRFToken": self.cookies["csrftoken"], "Content-Type": kind, "Accept": "application/json"}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        for value in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        answer = response.status, response.read()
        self.connection.close()  # the server would, while the next frame is made
        return answer

    def check(self, film: films.Actor) -> tuple[int, list[bytes]]:
        """Pass a liveness check: how many frames that took, and those to sign in with; none where it failed."""
        answer = json.loads(self.ask("POST", "/login/liveness/")[1])
        sent, kept = 0, []
        while answer["state"] == "looking":
            asked = answer["say"] if answer["say"] in set(Ask) else Ask.STRAIGHT
            frame = film.frame(Ask(asked))
            time.sleep(STEP)
            sent += 1
            answer = json.loads(self.ask("POST", f"/login/liveness/frame/?number={sent}", frame, "image/jpeg")[1])
            if answer.get("keep"):
                kept.append(frame)
        return sent, [kept[place] for place in answer.get("best", [])]

    def sign_in(self, frames: list[bytes]) -> str:
        parts = [
            b'--B\r\nContent-Disposition: form-data; name="frame"; filename="frame.jpg"\r\n'
            b"Content-Type: image/jpeg\r\n\r\n" + frame
            for frame in frames
        ]
        body = b"\r\n".join([*parts, b"--B--\r\n"])
        answer = json.loads(self.ask("POST", "/login/", body, "multipart/form-data; boundary=B")[1])
        return str(answer["outcome"])


def measure() -> Iterator[Row]:
    if not (pictures.FACES / "lfw").is_dir():
        yield Row("sign-ins by a liveness check", [], note=f"need pictures at {pictures.FACES}")
        return
    given = {"SECRETLY_PHOTOS": "fallback", "SECRETLY_FRAMES_PER_ADDRESS": "off"}
    with site(given=given) as (port, [worker]):
        yield sign_ins(port, worker, UNKNOWN, {})
        known = trusted(port)
        yield sign_ins(port, worker, TRUSTED, known) if known else Row(TRUSTED, [], note="the device was not trusted")


def sign_ins(port: int, worker: int, work: str, cookies: dict[str, str]) -> Row:
    """The first enrols, on a site that is new."""
    spent: list[float] = []
    frames: list[int] = []
    for seed in range(TRIES):
        film = films.Actor(seed=1000 * len(cookies) + seed)  # a frame that was seen before ends a check
        before = processor(worker)
        visitor = Visitor(port, cookies)
        sent, best = visitor.check(film)
        if best and visitor.sign_in(best) == "recognised":
            spent.append(processor(worker) - before)
            frames.append(sent)
        if len(spent) == SIGN_INS:
            break
    if not spent:
        return Row(work, [], note="no check was passed")
    each = sum(spent) / len(spent)
    note = f"of the processor, {sum(frames) / len(frames):.1f} frames; {CORES * 1000 / each:.1f} a second on {CORES}"
    return Row(work, spent, note=f"{note} cores, wanted {WANTED[work]}")


def trusted(port: int) -> dict[str, str]:
    """The cookies of a device that is trusted; none where no check was passed."""
    for seed in range(TRIES):
        film = films.Actor(seed=500 + seed)
        visitor = Visitor(port)
        _sent, best = visitor.check(film)
        if best and visitor.sign_in(best) == "recognised":
            visitor.ask("POST", "/account/devices/trust/", urlencode({"answer": "yes"}).encode())
            return {name: value for name, value in visitor.cookies.items() if name.startswith("device")}
    return {}

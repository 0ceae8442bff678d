"""From arrival to the notebook, in Chromium, before a camera that plays somebody who reacts after 0.7 seconds.

`python -m benchmarks arrival` shows the time of each step, for each way in. It needs Chromium and many faces.
"""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Error, sync_playwright

from benchmarks.sign_in import site
from benchmarks.table import Row
from faceauth.liveness import challenge
from faceauth.liveness.challenge import Ask
from faceauth.liveness.geometry import has_depth, shown
from faceauth.tests import films
from faceauth.tests.pictures import FACES

REACTS = 0.7  # seconds from a request to the first movement
STEP = 0.2  # seconds from one pose of the film to the next: a turn takes two
FRAMES = 6  # of the film's file, which Chromium plays over and over
ROUNDS = {"glance": 8, "single": 8, "full": 6}
LIMITS = {"glance": 1500.0, "single": 3000.0, "full": 8000.0}
NAMES = {
    "glance": "trusted device, a glance",
    "single": "trusted device, one movement",
    "full": "unknown device, one click",
}
ATTEMPTS = 6
ALIKE = 4  # pictures of each pose, those that are most like the straight ones
LONGEST = 40.0  # seconds of a visit
# What is between two of these is a step.
STEPS = ("page", "camera", "asked", "passed", "notebook")
SAYS = {
    "page": "page ready",
    "camera": "camera runs",
    "asked": "first request",
    "passed": "check passed",
    "notebook": "notebook",
}

WATCH = """
const note = (what) => {
  const all = JSON.parse(sessionStorage.steps ?? "[]");
  all.push([what, performance.timeOrigin + performance.now()]);
  sessionStorage.steps = JSON.stringify(all);
};
const ask = window.fetch;
window.fetch = async (...given) => {
  const response = await ask(...given);
  if (!String(given[0]).includes("/liveness/")) return response;
  const answer = await response.clone().json();
  note(answer.state === "failed" ? `failed: ${answer.message}` : answer.state === "passed" ? "passed" : answer.say);
  window.heard(answer.say);
  return response;
};
const open = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (open) navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  note("camera");
  return stream;
};
addEventListener("click", () => note("click"), true);
addEventListener("DOMContentLoaded", () => note(document.title.startsWith("Your notebook") ? "notebook" : "page"));
"""


class Film:
    """Somebody before the camera who does what they hear, some time later."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.actor = films.Actor()
        show_clearly(self.actor)
        self.ask = Ask.STRAIGHT
        self.over = threading.Event()
        width, height = films.SIZE
        self.grain = np.random.default_rng(0).integers(-3, 4, (7 * FRAMES, height, width), np.int16)
        self.turn = itertools.cycle(range(7))
        self.write()
        threading.Thread(target=self.play, daemon=True).start()

    def hears(self, say: str) -> None:
        if say in {*Ask}:
            timer = threading.Timer(REACTS, lambda: setattr(self, "ask", Ask(say)))
            timer.daemon = True
            timer.start()

    def comes_back(self) -> None:
        """Begin anew: straight, and at arm's length."""
        self.ask = Ask.STRAIGHT
        self.actor.turn, self.actor.zoom, self.actor.side = 0.0, 1.0, None

    def play(self) -> None:
        due = time.monotonic()
        while not self.over.is_set():
            due += STEP
            self.write()
            time.sleep(max(0.0, due - time.monotonic()))

    def write(self) -> None:
        """The next pose, in place: Chromium has the file open. No two of its frames have the same grain."""
        scene = self.actor.scene(self.ask)
        height, width = scene.shape[:2]
        planes = cv2.cvtColor(scene, cv2.COLOR_RGB2YUV_I420)
        light, colour = planes[:height].astype(np.int16), planes[height:].tobytes()
        first = next(self.turn) * FRAMES
        grains = self.grain[first : first + FRAMES]
        film = f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420\n".encode()
        film += b"".join(
            b"FRAME\n" + np.clip(light + grain, 0, 255).astype(np.uint8).tobytes() + colour for grain in grains
        )
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(film)


def show_clearly(actor: films.Actor) -> None:
    """Leave the pictures whose movement is beyond doubt: this is about seconds, and not about who is turned away."""

    def seen(picture: films.Picture) -> challenge.Observation:
        return challenge.observe(films.placed(picture, *films.somewhere(actor.chance), actor.chance), "", 0.0)

    actor.straight = sorted(actor.straight, key=lambda one: one.pitch)[:3]
    bases = [seen(one) for one in actor.straight]
    for ask, pictures in {Ask.UP: actor.up, **actor.turned}.items():
        views = {id(one): [seen(one) for _ in range(4)] for one in pictures}
        pictures[:] = [
            one for one in pictures if all(clear(ask, base, view) for base in bases for view in views[id(one)])
        ]
        pictures.sort(key=lambda one: -likeness(bases, views[id(one)]))
        del pictures[ALIKE:]
        if not pictures:
            raise RuntimeError(f"No picture shows {ask} clearly.")


def likeness(bases: list[challenge.Observation], views: list[challenge.Observation]) -> float:
    """The mean cosine of their templates: pictures of one day are more alike than these, of several years."""
    return float(np.mean([np.dot(base.template, view.template) for base in bases for view in views]))


def clear(ask: Ask, base: challenge.Observation, seen: challenge.Observation) -> bool:
    return not seen.refusal and ask in shown(base, seen) and has_depth(base, seen)


def measure() -> Iterator[Row]:
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    if not chromium or not FACES.is_dir():
        yield Row("arrival to notebook", [], note="needs Chromium and the wider set of faces")
        return
    with (
        site(pinned=False, given={"SECRETLY_PHOTOS": "fallback", "SECRETLY_ENROLMENT": "consent"}) as (port, _workers),
        TemporaryDirectory() as folder,
    ):
        film = Film(Path(folder) / "film.y4m")
        camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film.file}"]
        with sync_playwright() as playwright:
            args = ["--no-sandbox", "--disable-gpu", *camera]
            browser = playwright.chromium.launch(executable_path=chromium, args=args)
            yield from ways(browser, film, f"http://localhost:{port}")
            film.over.set()
            browser.close()


def ways(browser: Any, film: Film, url: str) -> Iterator[Row]:
    """Enrol somebody, trust their device, and measure each way back in."""
    page = visitor(browser, film)
    enrol(page, film, url)
    trust(page, url)
    yield from rows("single", [visit(page, film, url) for _ in range(ROUNDS["single"])])
    visits = []
    for _ in range(ROUNDS["full"]):
        elsewhere = visitor(browser, film)
        visits.append(visit(elsewhere, film, url, click=True))
        if visits[-1]:
            page = elsewhere
    yield from rows("full", visits)
    if not any(visits):
        yield Row(NAMES["glance"], [], note="nobody passed a full check")
        return
    trust(page, url)
    page.goto(f"{url}/account/devices/")  # which asks for a proof of the last five minutes: that check was one
    page.locator("[name=check][value=glance]").check()
    with page.expect_navigation():
        page.locator("[name=check]").first.evaluate("field => field.form.requestSubmit()")
    yield from rows("glance", [visit(page, film, url) for _ in range(ROUNDS["glance"])])


def trust(page: Any, url: str) -> None:
    page.get_by_role("button", name="Trust this device").click()
    page.wait_for_url(f"{url}/")


def enrol(page: Any, film: Film, url: str) -> None:
    for _ in range(ATTEMPTS):  # a film of pictures is turned away more often than a person
        film.comes_back()
        page.goto(url)
        page.get_by_role("button", name="Look at me").click()
        page.locator("[data-stop]").wait_for()
        page.locator("[name=answer]:visible, [data-start]:visible").first.wait_for(timeout=60_000)
        if page.get_by_role("button", name="Yes, remember me").count():
            page.get_by_role("button", name="Yes, remember me").click()
            return
    raise RuntimeError("Nobody was enrolled: " + page.evaluate("sessionStorage.steps"))


def visitor(browser: Any, film: Film) -> Any:
    context = browser.new_context(permissions=["camera"], service_workers="block")
    page = context.new_page()
    page.expose_binding("heard", lambda _source, say: film.hears(say))
    page.add_init_script(WATCH)
    return page


def visit(page: Any, film: Film, url: str, click: bool = False) -> dict[str, float]:
    """When each step was reached, in milliseconds from arrival; of a check that failed nothing."""
    page.context.clear_cookies(name="sessionid")
    page.goto("about:blank")
    film.comes_back()
    time.sleep(1)  # the film's pose before is gone
    began = time.time() * 1000
    page.goto(url)
    if click:
        page.get_by_role("button", name="Look at me").click()
    steps = steps_of(page)
    page.evaluate("sessionStorage.clear()")
    return when(steps, began, click) if steps else {}


def steps_of(page: Any) -> list[tuple[str, float]]:
    """What was reached when; nothing of a check that failed, or took too long."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        page.wait_for_timeout(100)
        if "/login/" not in page.url:
            page.wait_for_load_state("domcontentloaded")
            return [(what, at) for what, at in page.evaluate("JSON.parse(sessionStorage.steps)")]
        with suppress(Error):  # between two pages
            if "failed" in page.evaluate("sessionStorage.steps ?? ''"):
                return []
    return []


def when(steps: list[tuple[str, float]], began: float, click: bool) -> dict[str, float]:
    if click:  # what somebody needs to find the button is not ours
        began = next(at for what, at in steps if what == "click")
    found: dict[str, float] = {}
    for what, at in steps:
        name = "asked" if what in {"left", "right", "up", "closer"} else what
        found.setdefault(name, at - began)
    found["notebook"] = found.get("notebook", steps[-1][1] - began)
    return found


def rows(kind: str, visits: list[dict[str, float]]) -> Iterator[Row]:
    whole = [one for one in visits if one]
    load = f"load {os.getloadavg()[0]:.1f}, {len(visits) - len(whole)} of {len(visits)} failed"
    if len(whole) < 2:
        yield Row(NAMES[kind], [], note=load)
        return
    yield Row(f"{NAMES[kind]}: arrival to notebook", [one["notebook"] for one in whole], LIMITS[kind], load)
    before = None
    for step in STEPS:
        reached = [one for one in whole if step in one and one[step] >= 0]
        if len(reached) < 2:
            continue
        yield Row(f"  {SAYS[step]}", [one[step] - (one[before] if before else 0.0) for one in reached])
        before = step


if __name__ == "__main__":
    from benchmarks import table

    table.show_head()
    table.show(measure())

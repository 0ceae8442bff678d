"""A server as the tests of an identity's life need one: a line in with a deed, a line out with what came of it.

`at_once` remembers one new face through several threads. `killed` does a deed in a forked process that kills itself,
as `kill -9` would, at a step: before or after a call of Rekognition (`before CreateUser`, `after DeleteFaces`), or
while a row is being written (`saving Face`, `deleting Face`); `after IndexFaces 2` is when it happens the second time.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.db.models.signals import post_save, pre_delete  # noqa: E402
from PIL import ImageEnhance  # noqa: E402

from faceauth.enrolment import enrol  # noqa: E402
from faceauth.models import Face  # noqa: E402
from faceauth.privacy import forget  # noqa: E402
from faceauth.rekognition.client import client  # noqa: E402
from faceauth.rekognition.collection import Collection  # noqa: E402
from faceauth.tests import pictures  # noqa: E402
from faceauth.tests.conftest import read  # noqa: E402
from faceauth.vision import networks  # noqa: E402
from faceauth.vision.photos import Photo  # noqa: E402

PHOTO = read(pictures.hopper())


def look(frames: int) -> list[Photo]:
    """So many frames of one look: the same face in another light."""
    image = pictures.opened(pictures.hopper())
    lights = [ImageEnhance.Brightness(image).enhance(1 - 0.05 * number) for number in range(1, frames)]
    return [PHOTO.copy(), *(read(pictures.encoded(light)) for light in lights)]


def at_once(count: int, frames: int = 1) -> list[list[str]]:
    """Outcome and name for each of `count` threads; all have searched before any indexes, and indexed before any goes
    on, unless another server is so much faster that there is nothing left to index."""
    searched, indexed = threading.Barrier(count), threading.Barrier(count)
    index = Collection.index

    def together(barrier: threading.Barrier) -> None:
        try:
            barrier.wait(3)
        except threading.BrokenBarrierError:
            return

    def wait_and_index(self: Collection, *args: Any) -> Any:
        together(searched)
        face = index(self, *args)
        together(indexed)
        return face

    Collection.index = wait_and_index  # type: ignore[method-assign, assignment]

    def one(number: int) -> list[str]:
        try:
            recognition = enrol.enrol(look(frames), "text")
            return [recognition.outcome, recognition.user.get_username() if recognition.user else ""]
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def killed(deed: str, step: str) -> int:
    """The signal that ended the process, or 0 where it came to its end."""
    connections.close_all()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    die_at(step)
    if deed == "remember":
        enrol.enrol(PHOTO.copy(), "text")
    elif deed == "remember by three":
        enrol.enrol(look(3), "text")
    else:
        forget.forget(User.objects.get())
    os._exit(0)


def die_at(step: str) -> None:
    when, what, *times = step.split()
    die = Death(int(times[0]) if times else 1)
    if when in ("saving", "deleting"):
        (post_save if when == "saving" else pre_delete).connect(die, sender=Face, weak=False)
    elif when == "before":
        client().meta.events.register_first(f"before-send.rekognition.{what}", die)
    else:
        client().meta.events.register_first(f"after-call.rekognition.{what}", die)


class Death:
    """Comes when it is called for the nth time."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


DEEDS: dict[str, Callable[..., Any]] = {"at_once": at_once, "killed": killed}

if __name__ == "__main__":
    networks.warm_up()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        deed, arguments = json.loads(line)
        print(json.dumps(DEEDS[deed](*arguments)), flush=True)

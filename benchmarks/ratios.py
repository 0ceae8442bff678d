"""What is promised as a ratio: two works of one run, by turns, so that a busy machine slows both alike.

`python -m benchmarks ratios`. The sign-in is a POST to a gunicorn with one worker on one core; on the same core this
process finds a face in the same picture and makes its template. SearchFaces is from the request's JSON to the answer's.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from statistics import median
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import search
from benchmarks.load import processor
from benchmarks.sign_in import Visitor, camera_frame, scene, site
from benchmarks.table import Row, by_turns
from faceauth.vision import faces, networks

LIMIT_OF_SIGN_IN = 1.4
LIMIT_OF_SEARCH = 1.3
SURE = 99.0  # the similarity from which a match opens anything among so many


def measure() -> Iterator[Row]:
    yield from sign_in()
    with search.fresh_database():
        yield from search_faces()


def ratio(work: str, taken: list[float], base: list[float], limit: float = 0.0) -> Row:
    times = median(taken) / median(base)
    quick = np.percentile(taken, 10) / np.percentile(base, 10)
    return Row(
        work, taken, note=f"{times:.2f} x, the tenth percentiles {quick:.2f} x{f'; at most {limit}' if limit else ''}"
    )


def timed(work: Callable[[], Any]) -> Callable[[], float]:
    def milliseconds() -> float:
        started = perf_counter()
        work()
        return (perf_counter() - started) * 1000

    return milliseconds


@contextmanager
def on_last_core() -> Iterator[None]:
    """Where the worker is."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def sign_in() -> Iterator[Row]:
    networks.warm_up()
    with Image.open(BytesIO(scene(quality=92))) as image:
        seen = np.asarray(image.convert("RGB")).copy()  # one that may change is searched each time
    spent = {"post": 0.0, "own": 0.0}  # milliseconds of the processor, which hardly depend on what else is done here
    form = camera_frame()
    with site() as (port, [worker]):

        def post() -> float:
            visitor = Visitor(port)
            before = processor(worker)
            taken = visitor.post(*form)
            spent["post"] += processor(worker) - before
            return taken

        def own() -> float:
            with on_last_core():
                before = thread_time()
                taken = timed(lambda: faces.find_faces(seen)[0].template)()
                spent["own"] += (thread_time() - before) * 1000
                return taken

        taken, base = by_turns(post, own)
    yield Row("detect and template, the same picture", base)
    row = ratio("POST to redirect, camera frame: against it", taken, base, LIMIT_OF_SIGN_IN)
    yield row._replace(note=f"{row.note}; of the processor {spent['post'] / spent['own']:.2f} x")


def search_faces() -> Iterator[Row]:
    from faceauth.tests.local import add_faces, collection_named

    vectors = search.directions(100_000)
    collection_named("people")
    face_ids = [face_id for part in np.split(vectors, 20) for face_id in add_faces(part, "people")]
    asked = {"CollectionId": "people", "FaceId": face_ids[7]}
    query = vectors[7].copy()
    product = timed(lambda: vectors @ query)
    sure, likely = (timed(search.answer("SearchFaces", **asked, FaceMatchThreshold=least)) for least in (SURE, 80.0))
    taken, base = by_turns(sure, product, 200)
    yield Row("NumPy's product with 100,000 templates", base)
    yield ratio("SearchFaces among them, similarity 99: against it", taken, base, LIMIT_OF_SEARCH)
    taken, base = by_turns(likely, product, 200)
    yield ratio("the same from 80 on, with the 40 that match", taken, base)

"""Searching, opening and indexing with Rekognition on this machine: `python -m benchmarks search`.

Times are of whole operations, from the request's JSON to the answer's, with SQLite on disk; the vectors are random
directions of unit length. NumPy's product and faiss's IndexFlatIP stand beside them.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import django
import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row, times

Vectors = NDArray[np.float32]

SEED = 20160627


def memory() -> float:
    """Megabytes of this process in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def directions(count: int) -> Vectors:
    vectors = np.random.default_rng(SEED).standard_normal((count, 128), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


@contextmanager
def fresh_database() -> Iterator[None]:
    """An empty database on disk for this process, which must not have set Django up before."""
    with tempfile.TemporaryDirectory(prefix="secretly-bench-") as home:
        os.environ |= {"SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield


def answer(operation: str, **parameters: object) -> Callable[[], bytes]:
    from faceauth.local import service

    body = json.dumps(parameters).encode()

    def ask() -> bytes:
        answered = service.answer(f"RekognitionService.{operation}", body)
        if answered.status != 200:
            raise RuntimeError(answered.body.decode())
        return answered.body

    return ask


def measure() -> Iterator[Row]:
    with fresh_database():
        yield from small_collection()
        yield from large_collection()
        yield index_faces()
    yield from peers()


def small_collection() -> Iterator[Row]:
    from faceauth.local import search_index
    from faceauth.tests.local import add_faces, collection_named

    collection_named("small")
    vectors = directions(100_000)
    face_ids = [face_id for part in np.split(vectors, 20) for face_id in add_faces(part, "small")]
    search = answer("SearchFaces", CollectionId="small", FaceId=face_ids[7])

    def opening() -> None:
        search_index.indexes.close("small")
        search()

    yield Row("opening a collection of 100,000", times(opening, 5), 3000)
    yield Row("SearchFaces among 100,000", times(search), 4)
    search_index.indexes.close("small")


def large_collection() -> Iterator[Row]:
    """A million templates in memory, as if they had been read from the database; a few faces are really there."""
    from faceauth.local import search_index
    from faceauth.local.models import Collection, Face
    from faceauth.tests.local import add_faces, collection_named

    collection_named("large")
    face_ids = add_faces(directions(10), "large")
    collection = Collection.objects.get(collection_id="large")
    opened = search_index.indexes.of(collection, Face)
    vectors = directions(1_000_000)
    before = memory()
    for start in range(0, len(vectors), search_index.BATCH):
        part = vectors[start : start + search_index.BATCH]
        keys = np.arange(start + 10_000_000, start + 10_000_000 + len(part))
        opened.templates.change(search_index.Changes(search_index.NO_KEYS, keys, part))
    opened.sequence = collection.sequence
    note = f"{memory() - before:.0f} MB"
    del vectors
    search = answer("SearchFaces", CollectionId="large", FaceId=face_ids[7])
    yield Row("SearchFaces among 1,000,000", times(search), 30, note)
    search_index.indexes.close("large")


def index_faces() -> Row:
    """One core: detection, template, sealing and a commit that is on the disk."""
    import base64

    from faceauth.tests.local import collection_named
    from faceauth.tests.pictures import hopper

    collection_named("new")
    picture = base64.b64encode(hopper()).decode()
    number = iter(range(1_000_000))

    def index_one() -> None:
        answer("IndexFaces", CollectionId="new", Image={"Bytes": picture}, ExternalImageId=str(next(number)))()

    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        taken = times(index_one)
    finally:
        os.sched_setaffinity(0, cores)
    return Row("IndexFaces, SQLite, one core", taken, 40, f"{1000 / median(taken):.0f} a second")


def peers() -> Iterator[Row]:
    """The bare search with other means, without a database, an answer or changes."""
    for count in (100_000, 1_000_000):
        vectors = directions(count)
        query = vectors[7].copy()
        yield Row(f"peer: NumPy's product, {count:,}", times(partial(np.matmul, vectors, query)))
        flat = faiss.IndexFlatIP(128)
        flat.add(vectors)
        yield Row(f"peer: faiss IndexFlatIP, {count:,}", times(partial(flat.search, query[np.newaxis], 10)))
        del flat

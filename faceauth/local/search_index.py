"""Exact search in memory: the templates of a collection, opened once and then kept up with the database.

Every search has read the collection's row, and with it the sequence of its last change. What has changed since the last
search here is taken in first, so a face that another process indexed is found by the next search, and one that it
deleted does not match again. Nothing that may still be rolled back gets into shared memory.

The templates lie in half precision in one of faiss's flat indexes. Compared with NumPy's product, on one core: half the
memory, and half the time, which is all waiting for memory (benchmarks/search.py). What half precision cannot tell apart
is told apart afterwards, by the templates of the rows that were found.
"""

import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import faiss
import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from faceauth.local import template_encryption
from faceauth.local.models import TEMPLATE, Collection, Removal, Sealed, is_unsettled
from faceauth.vision import TEMPLATE_SIZE

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]
Row = TypeVar("Row", bound=Sealed)

# A worker is one core, here as in vision.py: threads of one search would wait for those of another process's.
faiss.omp_set_num_threads(1)

# A half-precision number has 11 significant bits, so each number of a template is off by at most one part in 2^11, and
# the cosine of two vectors of unit length by at most 2^-11 (Cauchy-Schwarz); the rest is for sums in single precision.
HALF = 2**-11 + 1e-5

# Two sums of the same products in another order differ by less.
ROUNDING = 1e-6

# An index this many changes behind is read anew, so that the notes about older removals can go.
REMOVALS_KEPT = 10_000

OPEN_INDEXES = 64  # in one process; the one that was not used for longest is closed

BATCH = 4096  # rows opened at a time: 2 MB of templates

FIRST_LOOK = 32  # hardly anybody looks like more people than that

NO_KEYS = np.empty(0, np.int64)
NO_VECTORS = np.empty((0, TEMPLATE_SIZE), np.float32)


class Changes(NamedTuple):
    gone: Keys
    """Whose templates, as they were, no longer hold."""
    keys: Keys
    vectors: Vectors
    """(n, 128), the templates of `keys`."""


class Templates:
    """Templates by their keys, the primary keys of their rows. Not for several threads at once."""

    def __init__(self) -> None:
        self.keys = NO_KEYS
        self.halves: Any = faiss.IndexScalarQuantizer(
            TEMPLATE_SIZE, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )

    def change(self, changes: Changes) -> None:
        gone = np.flatnonzero(np.isin(self.keys, changes.gone))
        if gone.size:
            self.halves.remove_ids(gone)
            self.keys = np.delete(self.keys, gone)
        if changes.keys.size:
            self.halves.add(np.ascontiguousarray(changes.vectors))
            self.keys = np.concatenate([self.keys, changes.keys])

    def near(self, vector: Vectors, least: float, most: int, hidden: Keys = NO_KEYS) -> Keys:
        """All keys that may be among the `most` nearest with a cosine of `least` or more, and few others.

        Those of `hidden` keys are passed over. The cosines seen here are off by at most HALF.
        """
        looked = FIRST_LOOK
        while True:
            looked = min(looked, self.keys.size)
            cosines, places = (found[0] for found in self.halves.search(vector[np.newaxis], max(1, looked)))
            keys, cosines = self.keys[places[:looked]], cosines[:looked]
            shown = ~np.isin(keys, hidden)
            nearest = cosines[shown][:most]
            # Whatever is further off than this is surely further off than `most` others, or than `least`.
            bound = max(least - HALF, nearest[-1] - 2 * HALF if nearest.size == most else -2.0)
            if looked == self.keys.size or cosines[-1] < bound:
                wanted: Keys = keys[shown & (cosines >= bound)]
                return wanted
            looked *= 8


# From the database ----------------------------------------------------------------------------------------------------


def changes_since(collection: Collection, kind: type[Sealed], since: int) -> Iterator[Changes]:
    """What changed after the sequence `since`, as the database has it now. Raises as `Sealed.unsealed` does.

    Removals are read first: a row that is removed between the two queries is missing from the second, and its removal
    comes with the next call. A row that came after `collection` was read comes twice, which does no harm.
    """
    if since:
        removed = Removal.objects.filter(collection=collection, kind=kind.kind, sequence__gt=since)
        gone = np.fromiter(removed.values_list("key", flat=True), np.int64)
        yield Changes(gone, NO_KEYS, NO_VECTORS)
    rows = (
        kind.rows(collection)
        .filter(sequence__gt=since)
        .values_list("pk", kind.name_field, "key_id", "template")
        .iterator(chunk_size=BATCH)
    )
    while batch := list(islice(rows, BATCH)):
        keys, vectors = opened(batch, collection.incarnation, kind)
        changed = np.fromiter((row[0] for row in batch), np.int64, len(batch)) if since else NO_KEYS
        yield Changes(changed, keys, vectors)


def opened(
    rows: Sequence[tuple[int, object, str, bytes | None]], incarnation: uuid.UUID, kind: type[Sealed]
) -> tuple[Keys, Vectors]:
    """Keys and templates of rows; a user without faces has none. Raises as `Sealed.unsealed` does."""
    tokens = [
        (key, template_encryption.key_named(key_id).open(bytes(token), kind.place(incarnation, name)))
        for key, name, key_id, token in rows
        if token is not None
    ]
    keys = np.fromiter((key for key, _ in tokens), np.int64, len(tokens))
    vectors = np.frombuffer(b"".join(value for _, value in tokens), TEMPLATE).reshape(-1, TEMPLATE_SIZE)
    return keys, vectors


class Index:
    """The templates of one kind in one collection, as far as they are committed."""

    def __init__(self, incarnation: uuid.UUID, kind: type[Sealed]) -> None:
        self.incarnation = incarnation
        self.kind = kind
        self.lock = threading.Lock()
        self.templates = Templates()
        self.sequence = 0
        """Up to which change `templates` is right."""

    def near(self, collection: Collection, vector: Vectors, least: float, most: int) -> Keys:
        """As `Templates.near`, with every change up to the collection's sequence."""
        with self.lock:
            if is_unsettled(collection):
                return self.near_unsettled(collection, vector, least, most)
            if self.sequence < collection.sequence:
                self.catch_up(collection)
            return self.templates.near(vector, least, most)

    def catch_up(self, collection: Collection) -> None:
        if collection.sequence - self.sequence > REMOVALS_KEPT:
            self.start_again()
        try:
            for changes in changes_since(collection, self.kind, self.sequence):
                self.templates.change(changes)
        except BaseException:  # half of the changes is no state to search in
            self.start_again()
            raise
        self.sequence = collection.sequence

    def start_again(self) -> None:
        self.templates, self.sequence = Templates(), 0

    def near_unsettled(self, collection: Collection, vector: Vectors, least: float, most: int) -> Keys:
        """For a transaction that changed the collection: it sees its own changes, but they may never come true.

        They are looked at and forgotten. Nor may other rows that it sees get into the shared templates, for what it
        removed may come back.
        """
        own, hidden = Templates(), [NO_KEYS]
        for changes in changes_since(collection, self.kind, self.sequence):
            own.change(changes)
            hidden.append(changes.gone)
        shared = self.templates.near(vector, least, most, np.concatenate(hidden))
        return np.concatenate([shared, own.near(vector, least, most)])


class Indexes:
    """The open indexes of this process by CollectionId and kind."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: OrderedDict[tuple[str, str], Index] = OrderedDict()

    def of(self, collection: Collection, kind: type[Sealed]) -> Index:
        name = collection.collection_id, kind.kind
        with self.lock:
            index = self.open.get(name)
            if index is None or index.incarnation != collection.incarnation:
                index = self.open[name] = Index(collection.incarnation, kind)
            self.open.move_to_end(name)
            if len(self.open) > OPEN_INDEXES:
                self.open.popitem(last=False)
            return index

    def close(self, collection_id: str) -> None:
        """Free the memory of a collection that is gone."""
        with self.lock:
            for name in [name for name in self.open if name[0] == collection_id]:
                del self.open[name]


indexes = Indexes()


def start_afresh() -> None:
    """A forked process must not wait for a lock that a thread of its parent held."""
    global indexes
    indexes = Indexes()


os.register_at_fork(after_in_child=start_afresh)


def search(
    collection: Collection, rows: QuerySet[Row], vector: Vectors, least: float, most: int
) -> list[tuple[Row, float]]:
    """The at most `most` faces or users of `collection` nearest to `vector`, with their cosines of `least` or more.

    `rows` is where they are fetched from. The nearest first, of two alike the elder. Every template is compared, and
    the cosines are those of the templates as they were made. What was removed a moment ago is not among the rows, and
    so does not match, whatever memory says. Raises as `Sealed.unsealed` does.
    """
    keys = indexes.of(collection, rows.model).near(collection, vector, least, most)
    near = rows.filter(collection=collection).in_bulk(keys.tolist())
    found = [(row, float(vector @ row.unsealed(collection))) for row in near.values() if row.template is not None]
    found = [(row, cosine) for row, cosine in found if cosine >= least - ROUNDING]
    return sorted(found, key=lambda match: (-match[1], match[0].pk))[:most]

"""Exact search in memory: the templates of a collection, loaded once and then kept up to date with the database.

Every search reads the collection's row, and with it the sequence of its last change. It first takes in what changed
since the last search in this process. So a search finds faces that another process has just indexed, and never faces
that it has deleted. Changes that may still be rolled back do not get into shared memory.

The templates are stored in half precision in a flat index of faiss, with half the memory and half the time of NumPy's
product (benchmarks/search.py). The candidates it finds are compared again in full precision, so the result is exact.
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
from django.db.models import F, QuerySet
from numpy.typing import NDArray

from faceauth.local import template_encryption
from faceauth.local.models import (
    TEMPLATE,
    WITH_MEAN,
    Collection,
    EncryptedTemplate,
    Face,
    Removal,
    User,
    has_uncommitted_change,
)
from faceauth.vision import similarity
from faceauth.vision.mean_template import centred
from faceauth.vision.networks import TEMPLATE_SIZE, mean

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]
Row = TypeVar("Row", bound=EncryptedTemplate)

# As in vision.py, a worker uses one core: more threads would compete with those of other workers.
faiss.omp_set_num_threads(1)

# How far a cosine in half precision may be off. Such a number has 11 significant bits, so each number of a template is
# off by at most one part in 2^11, and the cosine of two unit vectors by at most 2^-11 (Cauchy-Schwarz). The rest is for
# sums in single precision.
MARGIN = 2**-11 + 1e-5

ROUNDING = 1e-6  # two sums of the same products in another order differ by less

MAX_REMOVALS = 10_000  # an index that is further behind is loaded again, so older removals can be deleted

MAX_INDEXES = 64  # in one process; the least recently used is dropped

BATCH = 4096  # rows decrypted at a time: 2 MB of templates

FIRST_CANDIDATES = 128  # enough for nearly every search: of 100,000 strangers a hundred reach a similarity of 80

NO_KEYS = np.empty(0, np.int64)
NO_VECTORS = np.empty((0, TEMPLATE_SIZE), np.float32)


class Changes(NamedTuple):
    gone: Keys
    """Whose templates are deleted or outdated."""
    keys: Keys
    vectors: Vectors
    """(n, 128): the templates of `keys`."""


class Templates:
    """Templates by the primary keys of their rows. Not for several threads at once."""

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

    def candidates(self, vector: Vectors, least: float, most: int, hidden: Keys = NO_KEYS) -> Keys:
        """All keys that may be among the `most` nearest with a cosine of `least` or more, and few others.

        `hidden` keys are left out. The cosines here are off by at most MARGIN.
        """
        wanted = FIRST_CANDIDATES
        while True:
            wanted = min(wanted, self.keys.size)
            cosines, places = (found[0] for found in self.halves.search(vector[np.newaxis], max(1, wanted)))
            keys, cosines = self.keys[places[:wanted]], cosines[:wanted]
            shown = ~np.isin(keys, hidden)
            nearest = cosines[shown][:most]
            # Whoever is below this is certainly below `least`, or behind `most` others.
            bound = max(least - MARGIN, nearest[-1] - 2 * MARGIN if nearest.size == most else -2.0)
            if wanted == self.keys.size or cosines[-1] < bound:
                return np.asarray(keys[shown & (cosines >= bound)])
            wanted *= 8


# From the database ----------------------------------------------------------------------------------------------------


def changes_since(collection: Collection, kind: type[EncryptedTemplate], since: int) -> Iterator[Changes]:
    """The changes after the sequence `since`. Raises as `EncryptedTemplate.get_template` does.

    Removals are read first: a row that is deleted between the two queries is missing from the second, and its removal
    comes with the next call. A row that was added after `collection` was read comes twice, which does no harm.
    """
    if since:
        removed = Removal.objects.filter(collection=collection, kind=kind.kind, sequence__gt=since)
        gone = np.fromiter(removed.values_list("key", flat=True), np.int64)
        yield Changes(gone, NO_KEYS, NO_VECTORS)
    changed = kind._default_manager.filter(collection=collection, sequence__gt=since)  # type: ignore[misc]
    # The version comes with each row, which a conversion may just have changed.
    columns = ("pk", kind.name_field, "key_id", "template", "collection__face_model_version")
    rows = changed.values_list(*columns).iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        keys, vectors = decrypted([row[:4] for row in batch], collection.incarnation, kind)
        if batch[0][4] == WITH_MEAN:
            vectors = centred(vectors, mean())
        outdated = np.fromiter((row[0] for row in batch), np.int64, len(batch)) if since else NO_KEYS
        yield Changes(outdated, keys, vectors)


def decrypted(
    rows: Sequence[tuple[int, object, str, bytes | None]], incarnation: uuid.UUID, kind: type[EncryptedTemplate]
) -> tuple[Keys, Vectors]:
    """Primary keys and templates of rows, without users that have no faces."""
    templates = {
        key: template_encryption.key_named(key_id).unseal(bytes(token), kind.context(incarnation, name))
        for key, name, key_id, token in rows
        if token is not None
    }
    vectors = np.frombuffer(b"".join(templates.values()), TEMPLATE).reshape(-1, TEMPLATE_SIZE)
    return np.fromiter(templates, np.int64, len(templates)), vectors


class Index:
    """The committed templates of one kind in one collection."""

    def __init__(self, incarnation: uuid.UUID, kind: type[EncryptedTemplate]) -> None:
        self.incarnation = incarnation
        self.kind = kind
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.templates = Templates()
        self.sequence = 0
        """The last change that `templates` has."""

    def candidates(self, collection: Collection, vector: Vectors, least: float, most: int) -> Keys:
        """As `Templates.candidates`, with every change up to the collection's sequence."""
        with self.lock:
            if has_uncommitted_change(collection):
                return self.candidates_in_transaction(collection, vector, least, most)
            if self.sequence < collection.sequence:
                self.catch_up(collection)
            return self.templates.candidates(vector, least, most)

    def catch_up(self, collection: Collection) -> None:
        if collection.sequence - self.sequence > MAX_REMOVALS:
            self.reset()
        try:
            for changes in changes_since(collection, self.kind, self.sequence):
                self.templates.change(changes)
        except BaseException:  # do not search in half of the changes
            self.reset()
            raise
        self.sequence = collection.sequence

    def candidates_in_transaction(self, collection: Collection, vector: Vectors, least: float, most: int) -> Keys:
        """For a transaction that has changed the collection: it sees its own changes, which may be rolled back.

        So no row that it sees may get into the shared templates, and what it deleted is only hidden.
        """
        own, hidden = Templates(), [NO_KEYS]
        for changes in changes_since(collection, self.kind, self.sequence):
            own.change(changes)
            hidden.append(changes.gone)
        shared = self.templates.candidates(vector, least, most, np.concatenate(hidden))
        return np.concatenate([shared, own.candidates(vector, least, most)])


class Indexes:
    """The indexes of this process by CollectionId and kind."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: OrderedDict[tuple[str, str], Index] = OrderedDict()

    def of(self, collection: Collection, kind: type[EncryptedTemplate]) -> Index:
        name = collection.collection_id, kind.kind
        with self.lock:
            index = self.open.get(name)
            if index is None or index.incarnation != collection.incarnation:
                index = self.open[name] = Index(collection.incarnation, kind)
            self.open.move_to_end(name)
            if len(self.open) > MAX_INDEXES:
                self.open.popitem(last=False)
            return index

    def close(self, collection_id: str) -> None:
        """Free the memory of a deleted collection."""
        with self.lock:
            for name in [name for name in self.open if name[0] == collection_id]:
                del self.open[name]


indexes = Indexes()


def size_of_all() -> int:
    """Bytes that the indexes of all collections take, and as much for the copy that they grow by."""
    rows = Face.objects.count() + User.objects.exclude(template=None).count()
    return rows * 2 * (2 * TEMPLATE_SIZE + NO_KEYS.itemsize)


def reset_indexes() -> None:
    """A forked process must not wait for a lock that a thread of its parent held."""
    global indexes
    indexes = Indexes()


os.register_at_fork(after_in_child=reset_indexes)


def search(
    collection: Collection, rows: QuerySet[Row], vector: Vectors, least: float, most: int, besides: int | None = None
) -> list[tuple[Row, float]]:
    """At most `most` faces or users of `collection` whose cosine with `vector` is `least` or more, nearest first.

    `rows` is the query that fetches them, of which the primary key `besides` is left out. Of two with the same cosine
    the older comes first. The cosines are in full precision. A row that was deleted a moment ago is not fetched, and so
    not found. Raises as `get_template` does.
    """
    spare = 0 if besides is None else 1
    keys = indexes.of(collection, rows.model).candidates(collection, vector, least, most + spare)
    keys = keys[keys != besides] if spare else keys
    if not keys.size:
        return []
    # The version comes with each row, which a conversion may just have changed.
    fetched: QuerySet[Any] = rows.filter(collection=collection).annotate(version=F("collection__face_model_version"))
    found: list[tuple[Row, float]] = [
        (row, float(vector @ row.get_template(collection, row.version)))
        for row in fetched.in_bulk(keys.tolist()).values()
        if row.template is not None
    ]
    found = [(row, cosine) for row, cosine in found if cosine >= least - ROUNDING]
    return sorted(found, key=lambda match: (-match[1], match[0].pk))[:most]


def similar(
    collection: Collection, rows: QuerySet[Row], vector: Vectors, threshold: float, most: int, besides: int | None
) -> list[tuple[Row, float]]:
    """As `search`, with similarities, 0 to 100."""
    found = search(collection, rows, vector, similarity.to_cosine(threshold), most, besides)
    alike = [(row, similarity.from_cosine(cosine)) for row, cosine in found]
    return [match for match in alike if match[1] >= threshold]

"""Exact search in memory: the templates of a collection as one matrix, opened once and then kept up with the database.

Every search has read the collection's row, and with it the sequence of its last change. What has changed since the last
search here is taken in first, so a face that another process indexed is found by the next search, and one that it
deleted does not match again. Nothing that may still be rolled back gets into the shared matrix.
"""

import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceauth.local import sealing
from faceauth.local.models import TEMPLATE, Collection, Removal, Sealed, is_unsettled
from faceauth.vision import TEMPLATE_SIZE

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]

NOBODY = 0  # the key of a column whose template is gone; the database counts from 1

# An index this many changes behind is read anew, so that the notes about older removals can go.
REMOVALS_KEPT = 10_000

OPEN_INDEXES = 64  # in one process; the one that was not used for longest is closed

BATCH = 4096  # rows opened at a time: 2 MB of templates

SPARE = 1024  # columns kept free for what comes, and an eighth of all on top

# The same two templates may give another last digit in a matrix of another size.
ROUNDING = 1e-5


class Found(NamedTuple):
    """The nearest first."""

    keys: Keys
    cosines: NDArray[np.float32]


class Changes(NamedTuple):
    gone: Keys
    """Whose templates, as they were, no longer hold."""
    keys: Keys
    vectors: Vectors
    """(n, 128), the templates of `keys`."""


class Snapshot(NamedTuple):
    """What one search looks at. Columns beyond `used` belong to later snapshots, which share the memory."""

    columns: Vectors
    """(128, capacity), a template to a column: the product then runs along memory, twice as fast as with rows."""
    keys: Keys
    used: int


NO_KEYS = np.empty(0, np.int64)
NO_VECTORS = np.empty((0, TEMPLATE_SIZE), np.float32)
EMPTY = Snapshot(np.empty((TEMPLATE_SIZE, 0), np.float32), NO_KEYS, 0)


def with_changes(old: Snapshot, changes: Changes, expected: int = 0) -> Snapshot:
    """The snapshot after `changes`; whoever still looks at `old` sees what it saw.

    Only the latest snapshot may be changed. `expected` templates are made room for at once.
    """
    columns, keys, used = old
    if changes.gone.size:
        keys = np.where(np.isin(keys, changes.gone), NOBODY, keys)
        there = np.flatnonzero(keys[:used])
        if there.size < used // 2:
            columns, keys, used = columns[:, there], keys[there], there.size
    wanted = used + changes.keys.size
    if wanted > keys.size:
        room = max(wanted, expected)
        room += room // 8 + SPARE
        wider_columns, wider_keys = np.empty((TEMPLATE_SIZE, room), np.float32), np.zeros(room, np.int64)
        wider_columns[:, :used], wider_keys[:used] = columns[:, :used], keys[:used]
        columns, keys = wider_columns, wider_keys
    columns[:, used:wanted] = changes.vectors.T
    keys[used:wanted] = changes.keys
    return Snapshot(columns, keys, wanted)


def nearest(snapshot: Snapshot, vector: Vectors, least: float, most: int, hidden: Keys = NO_KEYS) -> Found:
    """The at most `most` templates whose cosine with `vector` is `least` or more, without those of `hidden` keys."""
    columns, keys, used = snapshot
    cosines = vector @ columns[:, :used]
    hits = np.flatnonzero(cosines >= least)
    hits = hits[keys[hits] != NOBODY]
    if hidden.size:
        hits = hits[~np.isin(keys[hits], hidden)]
    return best(keys[hits], cosines[hits], most)


def best(keys: Keys, cosines: NDArray[np.float32], most: int) -> Found:
    if keys.size > most:
        kept = np.argpartition(-cosines, most - 1)[:most]
        keys, cosines = keys[kept], cosines[kept]
    order = np.lexsort((keys, -cosines))  # of two with the same cosine the elder comes first
    return Found(keys[order], cosines[order])


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
    rows: list[tuple[int, object, str, bytes | None]], incarnation: uuid.UUID, kind: type[Sealed]
) -> tuple[Keys, Vectors]:
    """Keys and templates of rows; a user without faces has none. Raises as `Sealed.unsealed` does."""
    tokens = [
        (key, sealing.key_named(key_id).open(bytes(token), kind.place(incarnation, name)))
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
        self.state = (0, EMPTY)
        """The sequence up to which the snapshot is right, and the snapshot: replaced together, never changed."""

    def settled(self, collection: Collection) -> Snapshot:
        """The snapshot with every change up to the collection's sequence. Not for a connection that is unsettled."""
        with self.lock:
            since, snapshot = self.state
            if since >= collection.sequence:
                return snapshot
            if collection.sequence - since > REMOVALS_KEPT:
                since, snapshot = 0, EMPTY
            expected = collection.face_count
            for changes in changes_since(collection, self.kind, since):
                snapshot = with_changes(snapshot, changes, expected)
            self.state = collection.sequence, snapshot
            return snapshot

    def search(self, collection: Collection, vector: Vectors, least: float, most: int) -> Found:
        if not is_unsettled(collection):
            return nearest(self.settled(collection), vector, least - ROUNDING, most)
        # This transaction sees its own changes, but they may never come true: they are looked at and forgotten. Nor
        # may the rows it sees get into the shared matrix, for what it removed may come back.
        since, snapshot = self.state
        own, hidden = EMPTY, [NO_KEYS]
        for changes in changes_since(collection, self.kind, since):
            own = with_changes(own, changes)
            hidden.append(changes.gone)
        shared = nearest(snapshot, vector, least - ROUNDING, most, np.concatenate(hidden))
        fresh = nearest(own, vector, least - ROUNDING, most)
        return best(np.concatenate([shared.keys, fresh.keys]), np.concatenate([shared.cosines, fresh.cosines]), most)


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


def search(collection: Collection, kind: type[Sealed], vector: Vectors, least: float, most: int) -> Found:
    """The at most `most` faces or users of `collection` nearest to `vector`, with a cosine of `least` or more.

    Every template is compared. Cosines, and so `least`, are right to within ROUNDING. Keys are primary keys. Raises as
    `Sealed.unsealed` does.
    """
    return indexes.of(collection, kind).search(collection, vector, least, most)

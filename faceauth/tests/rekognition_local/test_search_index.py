"""A search finds exactly what is in the database, at once and in every process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from django.db import connection, connections, transaction
from pytest_django import DjangoAssertNumQueries

from faceauth.local import search_index
from faceauth.local.models import Collection, Face, begin_change
from faceauth.local.template_encryption import Altered
from faceauth.tests.local import Template, add_faces, call, collection_named, names_of, some_templates


def search(vector: Template, least: float = 0.5, most: int = 10, name: str = "people") -> list[str]:
    """The FaceIds that the index finds."""
    collection = Collection.objects.get(collection_id=name)
    return [str(face.face_id) for face, _ in search_index.search(collection, Face.objects.all(), vector, least, most)]


def shared_keys() -> set[int]:
    """What is in the shared memory of this process."""
    opened = search_index.indexes.open.get(("people", Face.kind))
    return set() if opened is None else set(opened.templates.keys.tolist())


# Exact ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_search_finds_what_a_full_comparison_finds() -> None:
    collection_named()
    templates = some_templates(3000)
    face_ids = add_faces(templates)
    for query in some_templates(20, seed=2):
        cosines = dict(zip(face_ids, templates.astype(np.float64) @ query.astype(np.float64), strict=True))
        ranked = sorted(cosines.values(), reverse=True)
        for least, most in ((0.1, 5000), (0.1, 7), (-1.0, 5), (0.9, 5)):
            found = [cosines[face_id] for face_id in search(query, least, most)]
            expected = [cosine for cosine in ranked if cosine >= least][:most]
            assert found[: len(expected)] == pytest.approx(expected, abs=1e-6)
            assert all(cosine >= least - search_index.ROUNDING for cosine in found)


@pytest.mark.django_db(transaction=True)
def test_order_and_threshold_are_exact_among_nearly_equal_templates() -> None:
    """Half precision alone could not tell these apart."""
    collection_named()
    query, *others = some_templates(2)
    steps = np.linspace(0.700, 0.701, 500)  # of cosine; half precision is off by up to 0.0005
    across = others[0] - (others[0] @ query) * query
    across /= np.linalg.norm(across)
    crowd = np.asarray([step * query + np.sqrt(1 - step**2) * across for step in steps], np.float32)
    face_ids = add_faces(crowd)
    assert search(query, least=0.6, most=10) == face_ids[:-11:-1]
    assert search(query, least=0.6, most=1000) == face_ids[::-1]
    middle = float(steps[250] + steps[251]) / 2
    assert search(query, least=middle, most=1000) == face_ids[:250:-1]
    assert search(query, least=middle, most=40) == face_ids[:-41:-1]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_missed_where_half_precision_errs_most() -> None:
    """Two templates whose numbers lie beside the middle of two half-precision numbers, and all round the same way.

    In half precision the nearer one is behind the other by nearly twice 2^-11, and below a threshold that it reaches.
    """
    collection_named()
    query = np.repeat([0.125, 0.0], 64).astype(np.float32)
    down, up = (near_query(2**-11 + sign * 2**-20, last) for sign, last in ((-1, 0.12), (1, 0.1199)))
    nearer, other = add_faces(np.stack([down, up]))
    cosines = np.stack([down, up]) @ query
    halves = np.stack([down, up]).astype(np.float16).astype(np.float32) @ query
    assert cosines[0] > cosines[1] > 0.99
    assert halves[1] - halves[0] > 1.8 * 2**-11
    assert search(query, least=0.5, most=1) == [nearer]
    assert search(query, least=float(cosines[0]) - 1e-6, most=10) == [nearer]
    assert search(query, least=float(cosines[1]) - 1e-6, most=10) == [nearer, other]


def near_query(excess: float, last: float) -> Template:
    """63 numbers of 0.125 and a little more, a last one, and the rest of a unit vector where the query has zeros."""
    vector = np.zeros(128)
    vector[:63], vector[63] = 0.125 * (1 + excess), last
    vector[64] = np.sqrt(1 - vector @ vector)
    return vector.astype(np.float32)


@pytest.mark.django_db(transaction=True)
def test_of_equal_templates_the_oldest_comes_first() -> None:
    collection_named()
    face_ids = add_faces(np.repeat(some_templates(1), 5, axis=0))
    assert search(some_templates(1)[0], most=3) == face_ids[:3]


@pytest.mark.django_db(transaction=True)
def test_a_search_asks_the_database_once_where_nobody_matches_and_twice_where_somebody_does(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    collection_named()
    alone, pair = some_templates(2)
    lonely, first, second = add_faces(np.stack([alone, pair, pair]))
    call("SearchFaces", CollectionId="people", FaceId=lonely)  # which loads the index
    with django_assert_num_queries(1):
        assert names_of(call("SearchFaces", CollectionId="people", FaceId=lonely)) == []
    with django_assert_num_queries(2):
        assert names_of(call("SearchFaces", CollectionId="people", FaceId=first, MaxFaces=1)) == [second]


@pytest.mark.django_db(transaction=True)
def test_a_damaged_row_leaves_no_half_loaded_index() -> None:
    collection_named()
    templates = some_templates(6)
    face_ids = add_faces(templates[:3])
    assert search(templates[0]) == face_ids[:1]
    add_faces(templates[3:])
    spoilt = Face.objects.order_by("pk").last()
    assert spoilt is not None
    token = spoilt.template
    Face.objects.filter(pk=spoilt.pk).update(template=b"")
    for _ in range(2):
        with pytest.raises(Altered):
            search(templates[0])
    Face.objects.filter(pk=spoilt.pk).update(template=token)
    assert [len(search(template)) for template in templates] == [1] * 6
    assert len(shared_keys()) == 6


@pytest.mark.django_db(transaction=True)
def test_the_index_follows_many_additions_and_removals() -> None:
    collection_named()
    templates = some_templates(6000)
    face_ids: list[str] = []
    for start in range(0, 6000, 1500):
        face_ids += add_faces(templates[start : start + 1500])
        assert search(templates[start]) == [face_ids[start]]
    call("DeleteFaces", CollectionId="people", FaceIds=face_ids[:4000])
    assert search(templates[10]) == []
    assert search(templates[5000]) == [face_ids[5000]]
    assert len(shared_keys()) == 2000
    again = add_faces(templates[:10])
    assert search(templates[3]) == [again[3]]


@pytest.mark.django_db(transaction=True)
def test_an_index_far_behind_is_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "MAX_REMOVALS", 3)
    collection_named()
    templates = some_templates(12)
    face_ids = add_faces(templates)
    assert search(templates[0]) == [face_ids[0]]
    for face_id in face_ids[:10]:
        call("DeleteFaces", CollectionId="people", FaceIds=[face_id])
    assert Collection.objects.get().removals.count() < 6
    assert [search(template) for template in templates] == [[]] * 10 + [[face_ids[10]], [face_ids[11]]]


@pytest.mark.django_db(transaction=True)
def test_faces_whose_removal_is_forgotten_hide_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that misses removals would take deleted faces for the nearest, and return nobody."""
    monkeypatch.setattr(search_index, "MAX_REMOVALS", 3)
    collection_named()
    query, other = some_templates(2)
    near = (0.9 * query + 0.1 * other) / np.linalg.norm(0.9 * query + 0.1 * other)
    gone, stays = add_faces(np.stack([query, near]))
    assert search(query, most=1) == [gone]
    call("DeleteFaces", CollectionId="people", FaceIds=[gone])
    for template in some_templates(6, seed=3):
        call("DeleteFaces", CollectionId="people", FaceIds=add_faces(template[np.newaxis]))
    assert search(query, most=1) == [stays]


@pytest.mark.django_db(transaction=True)
def test_a_new_collection_of_the_same_name_shares_nothing_with_the_old() -> None:
    templates = some_templates(2)
    collection_named()
    add_faces(templates[:1])
    assert len(search(templates[0])) == 1
    call("DeleteCollection", CollectionId="people")
    collection_named()
    add_faces(templates[1:])
    assert search(templates[0]) == []
    assert len(search(templates[1])) == 1


@pytest.mark.django_db(transaction=True)
def test_the_least_recently_used_index_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "MAX_INDEXES", 2)
    monkeypatch.setattr(search_index, "indexes", search_index.Indexes())
    for name in ("one", "two"):
        collection_named(name)
        search(some_templates(1)[0], name=name)
    search(some_templates(1)[0], name="one")
    collection_named("three")
    search(some_templates(1)[0], name="three")
    assert [name for name, _ in search_index.indexes.open] == ["one", "three"]


# Not yet, and no longer -----------------------------------------------------------------------------------------------


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction, or a savepoint within one, that is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_a_face_that_was_rolled_back_never_matches() -> None:
    collection_named()
    old, new, other = some_templates(3)
    kept = add_faces(old[np.newaxis])
    assert search(old) == kept
    with rolled_back():
        face_ids = add_faces(new[np.newaxis])
        assert search(new) == face_ids  # its own transaction sees it
    assert search(new) == []
    # The database gives the sequence and the primary key of the lost face to the next one.
    later = add_faces(other[np.newaxis])
    assert search(new) == []
    assert search(other) == later


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_was_rolled_back_has_no_effect() -> None:
    collection_named()
    template = some_templates(1)[0]
    face_ids = add_faces(template[np.newaxis])
    with rolled_back():
        call("DeleteFaces", CollectionId="people", FaceIds=face_ids)
        assert search(template) == []  # also with an index that is opened now
    assert search(template) == face_ids


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_savepoint_leaves_the_rest_of_the_transaction() -> None:
    collection_named()
    first, second = some_templates(2)
    with transaction.atomic():
        kept = add_faces(first[np.newaxis])
        with rolled_back():
            add_faces(second[np.newaxis])
            assert len(search(second)) == 1
        assert search(second) == []
        assert search(first) == kept
        assert shared_keys() == set()
    assert search(first) == kept
    assert len(shared_keys()) == 1


@pytest.mark.django_db
def test_nothing_of_an_open_transaction_gets_into_shared_memory() -> None:
    """Django's TestCase holds such a transaction around every test."""
    collection_named()
    template = some_templates(1)[0]
    face_ids = add_faces(template[np.newaxis])
    assert search(template) == face_ids
    assert shared_keys() == set()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_changed_nothing_fills_shared_memory() -> None:
    collection_named()
    template = some_templates(1)[0]
    add_faces(template[np.newaxis])
    with transaction.atomic():
        assert len(search(template)) == 1
    assert len(shared_keys()) == 1


# Threads --------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite in memory has one connection: see the processes below."
)
def test_searches_while_faces_come_and_go() -> None:
    collection_named()
    templates = some_templates(400)
    stays = add_faces(templates[:1])
    wrong: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            if search(templates[0]) != stays:
                wrong.append("the face that stays was missed")
        connections.close_all()

    def change(part: Template) -> None:
        for template in part:
            face_ids = add_faces(template[np.newaxis])
            if search(template) != face_ids:
                wrong.append("a new face was missed")
            call("DeleteFaces", CollectionId="people", FaceIds=face_ids)
            if search(template):
                wrong.append("a deleted face matched")
        connections.close_all()

    looking = [threading.Thread(target=look) for _ in range(2)]
    changing = [threading.Thread(target=change, args=(part,)) for part in np.array_split(templates[1:61], 3)]
    for thread in looking + changing:
        thread.start()
    for thread in changing:
        thread.join(60)
    done.set()
    for thread in looking:
        thread.join(60)
    assert wrong == []


def test_begin_change_counts_changes_in_order(db: None) -> None:
    collection_named()
    with transaction.atomic():
        assert [begin_change("people").sequence for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Collection.DoesNotExist), transaction.atomic():
        begin_change("strangers")

"""Templates at rest: readable only with a key and in their own row."""

import json
import uuid
from unittest import mock

import numpy as np
import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from pytest_django import Settings

from faceauth.local import key_rotation, search_index, service, template_encryption
from faceauth.local.checks import check_keys
from faceauth.local.key_rotation import rotate_keys
from faceauth.local.models import Collection, Face, User
from faceauth.local.operations.faces import image_ids
from faceauth.tests.local import add_faces, call, collection_named, names_of, some_templates

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def use_keys(settings: Settings) -> object:
    def use(*keys: str) -> None:
        settings.FACEAUTH = settings.FACEAUTH | {"ENCRYPTION_KEYS": list(keys)}
        search_index.indexes.close("people")  # as after a start

    use(OLD)
    return use


@pytest.fixture
def face_ids(use_keys: object, transactional_db: None) -> list[str]:
    """Five faces, the first two of a user."""
    collection_named()
    kept = add_faces(some_templates(5))
    call("CreateUser", CollectionId="people", UserId="somebody")
    call("AssociateFaces", CollectionId="people", UserId="somebody", FaceIds=kept[:2], UserMatchThreshold=0)
    return kept


def found(face_id: str) -> list[str]:
    return names_of(call("SearchFaces", CollectionId="people", FaceId=face_id, FaceMatchThreshold=0))


def test_the_database_holds_no_readable_template(face_ids: list[str]) -> None:
    templates = some_templates(5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT template FROM faceauth_local_face UNION ALL SELECT template FROM faceauth_local_user")
        tokens = [bytes(row[0]) for row in cursor.fetchall()]
    assert len(tokens) == 6
    everything = b"".join(tokens)
    for template in templates:
        for kind in ("<f2", "<f4", "<f8", ">f4"):
            raw = template.astype(kind).tobytes()
            assert not any(raw[start : start + 16] in everything for start in range(0, len(raw), 16))
    assert len({token[: template_encryption.NONCE] for token in tokens}) == 6


def test_a_template_decrypts_in_its_own_row_only(face_ids: list[str]) -> None:
    collection = Collection.objects.get()
    first, second = Face.objects.order_by("pk")[:2]
    np.testing.assert_array_equal(first.get_template(collection), some_templates(5)[0])
    first.template, second.template = second.template, first.template
    for face in (first, second):
        with pytest.raises(template_encryption.Altered):
            face.get_template(collection)
    first.refresh_from_db()
    collection.incarnation = uuid.uuid4()
    with pytest.raises(template_encryption.Altered):
        first.get_template(collection)


def test_the_context_of_a_template_binds_collection_kind_and_name() -> None:
    """A user whose UserId is a FaceId: its template must not decrypt as that face's, nor in another collection."""
    collection, other = (Collection(incarnation=uuid.uuid4()) for _ in range(2))
    face = Face()
    face.set_template(collection, some_templates(1)[0])
    user = User(user_id=str(face.face_id), template=face.template, key_id=face.key_id)
    with pytest.raises(template_encryption.Altered):
        user.get_template(collection)
    with pytest.raises(template_encryption.Altered):
        face.get_template(other)
    np.testing.assert_array_equal(face.get_template(collection), some_templates(1)[0])


def test_image_ids_depend_on_the_key(use_keys: object, db: None) -> None:
    """Whoever has a copy of the database and a photo cannot test whether the photo was indexed."""
    collection = collection_named()
    ids = []
    for key in (OLD, NEW):
        use_keys(key)  # type: ignore[operator]
        ids += image_ids(collection, "somebody", b"a picture")
    assert ids[0] != ids[1]
    use_keys(NEW, OLD)  # type: ignore[operator]
    assert image_ids(collection, "somebody", b"a picture") == ids[::-1]
    assert image_ids(collection, "somebody else", b"a picture")[0] not in ids
    assert image_ids(collection, "somebody", b"another picture")[0] not in ids
    assert image_ids(collection, "ab", b"c") != image_ids(collection, "a", b"bc")
    other = Collection.objects.create(collection_id="other")
    assert image_ids(other, "somebody", b"a picture")[0] not in ids


@pytest.mark.parametrize("spoil", [lambda token: token[:-1], lambda token: b"", lambda token: b"\0" + token[1:]])
def test_an_altered_template_stops_the_search(face_ids: list[str], spoil: object) -> None:
    face = Face.objects.order_by("pk")[3]
    Face.objects.filter(pk=face.pk).update(template=spoil(bytes(face.template or b"")))  # type: ignore[operator]
    answer = call("SearchFaces", CollectionId="people", FaceId=face_ids[0])
    assert (answer["status"], answer["__type"]) == (500, "InternalServerError")
    assert "altered" in answer["Message"]


def test_a_missing_key_is_reported_at_start_and_fails_every_search(face_ids: list[str], use_keys: object) -> None:
    assert check_keys(None) == []
    use_keys(NEW)  # type: ignore[operator]
    (error,) = check_keys(None)
    assert error.id == "faceauth.local.E001"
    assert "ENCRYPTION_KEYS" in error.msg
    assert error.hint
    assert "ENCRYPTION_KEYS" in error.hint
    assert OLD not in error.msg + error.hint
    assert error.id in {message.id for message in run_checks()}
    for operation, parameters in (
        ("SearchFaces", {"FaceId": face_ids[0]}),
        ("SearchUsers", {"UserId": "somebody"}),
    ):
        answer = call(operation, CollectionId="people", **parameters)
        assert (answer["status"], answer["__type"]) == (500, "InternalServerError")
        assert "ENCRYPTION_KEYS" in answer["Message"]
    use_keys(NEW, OLD)  # type: ignore[operator]
    assert check_keys(None) == []
    assert len(found(face_ids[0])) == 4


def test_no_key_at_all(settings: Settings) -> None:
    settings.FACEAUTH = settings.FACEAUTH | {"ENCRYPTION_KEYS": []}
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        template_encryption.current_key()
    assert check_keys(None) == []  # what is wrong with the settings is said elsewhere


def test_before_the_tables_are_made(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceauth.local.checks.missing_keys", mock.Mock(side_effect=OperationalError))
    assert check_keys(None) == []


def test_key_rotation_works_in_batches_and_can_be_stopped(
    face_ids: list[str], use_keys: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    before = {face_id: found(face_id) for face_id in face_ids}
    use_keys(NEW, OLD)  # type: ignore[operator]
    some = rotate_keys()
    assert next(some) == (0, 6)
    assert next(some) == (2, 6)
    del some
    new_key = template_encryption.current_key().id
    assert Face.objects.filter(key_id=new_key).count() == 2
    assert {face_id: found(face_id) for face_id in face_ids} == before  # half-way, both keys read

    rest = list(rotate_keys())
    assert (rest[0], rest[-1]) == ((0, 4), (4, 4))
    assert {*Face.objects.values_list("key_id", flat=True), *User.objects.values_list("key_id", flat=True)} == {new_key}
    assert list(rotate_keys()) == [(0, 0)]
    use_keys(NEW)  # type: ignore[operator]
    assert check_keys(None) == []
    assert {face_id: found(face_id) for face_id in face_ids} == before


def test_key_rotation_without_the_old_key_fails(face_ids: list[str], use_keys: object) -> None:
    use_keys(NEW)  # type: ignore[operator]
    with pytest.raises(template_encryption.KeyMissing):
        list(rotate_keys())


def test_a_users_template_is_the_mean_of_the_faces(face_ids: list[str]) -> None:
    collection, user = Collection.objects.get(), User.objects.get()
    total = some_templates(5)[:2].sum(axis=0)
    np.testing.assert_allclose(user.get_template(collection), total / np.linalg.norm(total), atol=1e-6)


def test_faces_of_an_older_model_are_not_compared(face_ids: list[str]) -> None:
    Collection.objects.update(face_model_version="6.0")
    answer = call("SearchFaces", CollectionId="people", FaceId=face_ids[0])
    assert (answer["status"], answer["__type"]) == (500, "InternalServerError")
    assert "new collection" in answer["Message"]
    assert call("ListFaces", CollectionId="people")["status"] == 200


def test_an_internal_error_reveals_nothing_to_the_client(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(parameters: object) -> None:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setitem(service.OPERATIONS, "ListCollections", broken)
    answer = call("ListCollections")
    assert (answer["status"], answer["__type"]) == (500, "InternalServerError")
    assert "secret" not in json.dumps(answer)
    assert "ZeroDivisionError" in caplog.text


def test_the_quota_of_faces_in_a_collection(db: None) -> None:
    from faceauth.tests.pictures import hopper

    collection_named()
    Collection.objects.update(face_count=20_000_000)
    answer = call("IndexFaces", CollectionId="people", Image={"Bytes": hopper()})
    assert answer["__type"] == "ServiceQuotaExceededException"
    assert Face.objects.count() == 0


def test_the_quota_of_faces_of_a_user(db: None) -> None:
    collection_named()
    template = some_templates(1)
    face_ids = add_faces(np.repeat(template, 101, axis=0))
    call("CreateUser", CollectionId="people", UserId="somebody")
    question = {"CollectionId": "people", "UserId": "somebody"}
    assert len(call("AssociateFaces", **question, FaceIds=face_ids[:100])["AssociatedFaces"]) == 100
    answer = call("AssociateFaces", **question, FaceIds=face_ids[100:])
    assert answer["__type"] == "ServiceQuotaExceededException"
    assert User.objects.get().faces.count() == 100

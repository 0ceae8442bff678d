"""Collections of an earlier version, whose templates hold the mean of all people, before and after conversion."""

from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError
from pytest_django import Settings

from faceauth.local import conversion, search_index, template_encryption
from faceauth.local.models import FACE_MODEL_VERSION, TEMPLATE, WITH_MEAN, Collection, Face, User
from faceauth.local.operations.users import mean as mean_of
from faceauth.management.older_templates import older_templates
from faceauth.tests.local import Template, add_faces, call, collection_named, some_templates
from faceauth.tests.test_rekognition_collection import run, run_json
from faceauth.vision import similarity
from faceauth.vision.mean_template import centred, uncentred
from faceauth.vision.networks import mean


def stored(row: Face | User, collection: Collection) -> Template:
    """What lies in the database, decrypted."""
    key = template_encryption.key_named(row.key_id)
    return np.frombuffer(key.unseal(bytes(row.template or b""), row.own_context(collection)), TEMPLATE)


@pytest.fixture
def plain() -> Template:
    """Templates as SFace makes them: three of one person, and some of others."""
    random = np.random.default_rng(7)
    one = some_templates(1, seed=3)[0]
    near = [one + random.normal(size=128) * 0.03 for _ in range(3)]
    made = np.concatenate([near, some_templates(5)]) + 0.5 * mean()
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@pytest.fixture
def older(db: None, plain: Template) -> list[str]:
    """A collection that version 7.0.1 wrote: FaceIds in the order of `plain`; the first three are Ada's."""
    collection = collection_named("secretly")
    ids = add_faces(plain, "secretly")
    ada = User(collection=collection, user_id="ada", sequence=collection.sequence + 1)
    ada.set_template(collection, mean_of(list(plain[:3])))
    ada.save()
    for face in Face.objects.filter(face_id__in=ids[:3]):
        face.give_to(ada)
        face.save()
    Collection.objects.update(face_model_version=WITH_MEAN, sequence=collection.sequence + 2)
    search_index.indexes.close("secretly")
    return ids


def near(face_id: str) -> list[tuple[str, float]]:
    answer = call("SearchFaces", CollectionId="secretly", FaceId=face_id, FaceMatchThreshold=1)
    return [(match["Face"]["FaceId"], match["Similarity"]) for match in answer["FaceMatches"]]


def users_near(face_id: str) -> float:
    answer = call("SearchUsers", CollectionId="secretly", FaceId=face_id, UserMatchThreshold=1)
    return float(answer["UserMatches"][0]["Similarity"])


def test_what_is_added_to_an_older_collection_is_stored_as_the_rest_of_it(older: list[str]) -> None:
    [template] = some_templates(1, seed=9)
    [face_id] = add_faces(template[np.newaxis], "secretly")
    face = Face.objects.select_related("collection").get(face_id=face_id)
    assert np.allclose(stored(face, face.collection), uncentred(template, mean()), atol=1e-6)
    assert np.allclose(face.get_template(face.collection), template, atol=1e-6)
    assert near(face_id)  # it is searched with, and among, the others
    assert Collection.objects.get().face_model_version == WITH_MEAN


def test_everybody_is_known_before_and_after(older: list[str], plain: Template) -> None:
    before = near(older[0])
    assert {face_id for face_id, _ in before[:2]} == set(older[1:3])
    as_now = centred(plain, mean())
    [first] = [alike for face_id, alike in before if face_id == older[1]]
    assert first == pytest.approx(similarity.from_cosine(float(as_now[0] @ as_now[1])), abs=1e-3)
    user = users_near(older[0])
    assert conversion.convert("secretly") == len(plain) + 1
    after = near(older[0])
    assert [face_id for face_id, _ in after] == [face_id for face_id, _ in before]
    assert [alike for _, alike in after] == pytest.approx([alike for _, alike in before], abs=1e-3)
    assert users_near(older[0]) == pytest.approx(user, abs=0.2)
    ada = User.objects.select_related("collection").get()
    assert np.allclose(ada.get_template(ada.collection), mean_of(list(as_now[:3])), atol=1e-6)


def test_after_it_all_is_as_in_a_new_collection(older: list[str], plain: Template) -> None:
    done: list[int] = []
    conversion.convert("secretly", done.append)
    assert done == [len(plain), len(plain) + 1]
    assert Collection.objects.get().face_model_version == FACE_MODEL_VERSION
    for face, template in zip(Face.objects.order_by("pk"), centred(plain, mean()), strict=True):
        assert np.allclose(stored(face, face.collection), template, atol=1e-6)
    search_index.indexes.close("secretly")
    assert {face_id for face_id, _ in near(older[0])[:2]} == set(older[1:3])
    assert conversion.convert("secretly") == 0
    assert not conversion.is_older("secretly")


def test_nothing_is_half_converted(older: list[str], plain: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(conversion, "renew", broken)
    with pytest.raises(RuntimeError):
        conversion.convert("secretly")
    assert conversion.is_older("secretly")
    face = Face.objects.select_related("collection").get(face_id=older[0])
    assert np.allclose(stored(face, face.collection), plain[0], atol=1e-6)


def test_a_user_without_faces_stays_without_a_template(older: list[str]) -> None:
    User.objects.create(collection=Collection.objects.get(), user_id="nobody", sequence=1)
    conversion.convert("secretly")
    assert User.objects.get(user_id="nobody").template is None


def test_the_command(older: list[str], settings: Settings) -> None:
    assert run("convert") == "9 templates were converted.\n"
    assert run_json("convert") == {"collection_id": "secretly", "converted": 0}
    with pytest.raises(CommandError, match="There is no collection trial here"):
        run("convert", "--collection", "trial")
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "aws"}
    with pytest.raises(CommandError, match="where the endpoint is local"):
        run("convert")


def test_doctor_tells_and_converts(older: list[str]) -> None:
    assert [it.repaired for it in older_templates("secretly", repair=False)] == [False]
    with pytest.raises(CommandError, match="9 not repaired"):  # nobody of these has a user
        run("doctor", "--repair")
    assert [*older_templates("secretly", repair=False)] == []


def test_of_an_unknown_version_nothing_is_compared(older: list[str]) -> None:
    Collection.objects.update(face_model_version="6.0.1")
    assert call("SearchFaces", CollectionId="secretly", FaceId=older[0])["status"] == 500

"""Export and import of the local service's collections."""

import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from faceauth.conf import conf
from faceauth.enrolment.enrol import enrol
from faceauth.local import models as local
from faceauth.local import passphrase_file, transfer
from faceauth.models import Face, row_seals
from faceauth.outcomes import Outcome
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.local import filled, unit
from faceauth.vision.mean_template import centred
from faceauth.vision.networks import mean

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cheap key derivation, and several pieces a file."""
    monkeypatch.setattr(passphrase_file, "COST", 2)
    monkeypatch.setattr(transfer, "BATCH", 2)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faces.secretly"


@pytest.fixture
def full(collection: Collection) -> local.Collection:
    """A collection with two users, one of whom has two faces, and three faces without a user."""
    return filled("secretly")


def everything(collection_id: str = "secretly") -> list[dict[str, Any]]:
    """What a collection holds, with its templates."""
    collection = local.Collection.objects.get(collection_id=collection_id)
    users = [transfer.user_item(user, collection) for user in collection.users.all()]
    faces = [transfer.face_item(face, collection) for face in transfer.faces_of(collection)]
    return sorted(users + faces, key=str)


def run(*args: object) -> dict[str, Any]:
    out = io.StringIO()
    call_command("rekognition_collection", *map(str, args), "--json", stdout=out)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def status(*args: object) -> int:
    with pytest.raises(CommandError) as caught:
        run(*args)
    return caught.value.returncode


def test_a_collection_is_the_same_after_export_and_import(full: local.Collection, file: Path, secret: Path) -> None:
    before = everything()
    assert len(before) == 8
    given = run("export", file, "--passphrase-file", secret)
    assert given == {"collection_id": "secretly", "faces": 6, "users": 2, "there": 0, "file": str(file)}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    run("delete", "--yes")
    taken = run("import", file, "--passphrase-file", secret)
    assert (taken["faces"], taken["users"], taken["there"]) == (6, 2, 0)
    assert everything() == before
    assert Collection("secretly").describe().face_count == 6
    assert run("import", file, "--passphrase-file", secret)["there"] == 8  # the same once more changes nothing
    assert everything() == before
    assert Collection("secretly").describe().face_count == 6


def test_people_are_recognised_after_a_transfer_to_other_keys(
    collection: Collection, file: Path, secret: Path, settings: Settings
) -> None:
    user = enrol(read(pictures.hopper())).user
    rows = list(Face.objects.values())
    run("export", file, "--passphrase-file", secret)
    run("delete", "--yes")
    Face.objects.bulk_create([Face(**row) for row in rows])  # the site's own database did not move
    [old], new = settings.FACEAUTH["ENCRYPTION_KEYS"], "c2VjcmV0bHktdGVzdHMtYW5vdGhlci1rZXktaGVyZSE="
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new, old]}
    assert [*row_seals.rotate_keys()]  # the site's own rows, which are sealed too
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new]}
    run("import", file, "--passphrase-file", secret)
    found = recognise(read(pictures.another(pictures.hopper())))
    assert (found.outcome, found.user) == (Outcome.RECOGNISED, user)


def test_import_under_another_name(full: local.Collection, file: Path, secret: Path) -> None:
    before = everything()
    run("export", file, "--passphrase-file", secret)
    assert status("import", file, "--passphrase-file", secret, "--collection", "other") == 3  # a FaceId is once
    assert not local.Collection.objects.filter(collection_id="other").exists()
    run("delete", "--yes")
    run("import", file, "--passphrase-file", secret, "--collection", "other")
    assert everything("other") == before


@pytest.mark.parametrize("name", ["my faces", "../faces", "a" * 256])
def test_an_invalid_name_is_refused(name: str, full: local.Collection, file: Path, secret: Path) -> None:
    """No operation could describe or delete such a collection."""
    run("export", file, "--passphrase-file", secret)
    run("delete", "--yes")
    assert status("import", file, "--passphrase-file", secret, "--collection", name) == 3
    assert not local.Collection.objects.exists()


def test_the_file_is_encrypted(full: local.Collection, file: Path, secret: Path) -> None:
    run("export", file, "--passphrase-file", secret)
    data = file.read_bytes()
    for row in everything():
        assert str(row.get("face_id", row["user_id"])).encode() not in data
    face = local.Face.objects.all()[0]
    assert face.get_template(full).tobytes() not in data


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(full: local.Collection, file: Path, secret: Path) -> Iterator[Path]:
    """An exported file whose collection was deleted. The test must not bring anything back."""
    run("export", file, "--passphrase-file", secret)
    run("delete", "--yes")
    yield file
    assert not local.Collection.objects.exists()
    assert not local.Face.objects.exists()


def test_a_wrong_passphrase(moved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("correct horse battery stable")
    assert status("import", moved, "--passphrase-file", other) == 3


@pytest.mark.parametrize("place", ["magic", "salt", "length", "content", "end", "more"])
def test_a_file_that_was_altered(place: str, moved: Path, secret: Path) -> None:
    data = bytearray(moved.read_bytes())
    start = len(passphrase_file.MAGIC)
    match place:
        case "magic":
            data[3] ^= 1
        case "salt":
            data[start] ^= 1
        case "length":
            data[start + passphrase_file.SALT] ^= 1
        case "content":
            data[start + 100] ^= 1
        case "end":
            del data[-1]
        case "more":
            data += b"\0"
    moved.write_bytes(data)
    assert status("import", moved, "--passphrase-file", secret) == 3


def written(pieces: list[dict[str, Any]], file: Path) -> Path:
    with file.open("wb") as target:
        passphrase_file.write((json.dumps(piece).encode() for piece in pieces), PASSPHRASE, target)
    return file


HEAD = {"collection_id": "secretly", "face_model_version": local.FACE_MODEL_VERSION, "tags": {}}


def test_another_face_model_is_refused(db: None, file: Path, secret: Path) -> None:
    written([{**HEAD, "face_model_version": "6.0.1"}], file)
    assert status("import", file, "--passphrase-file", secret) == 3
    assert not local.Collection.objects.exists()


def test_the_mean_is_subtracted_from_a_file_of_an_earlier_version(db: None, file: Path, secret: Path) -> None:
    import base64

    plain = unit(np.ones(128) + np.arange(128))
    item = {"user_id": "somebody", "template": base64.b64encode(plain.tobytes()).decode()}
    written([{**HEAD, "face_model_version": local.WITH_MEAN}, {"users": [item]}], file)
    run("import", file, "--passphrase-file", secret)
    user = local.User.objects.select_related("collection").get()
    assert np.allclose(user.get_template(user.collection), centred(plain, mean()), atol=1e-6)
    assert user.collection.face_model_version == local.FACE_MODEL_VERSION


@pytest.mark.parametrize("vector", [np.zeros(128), np.full(128, 2.0), np.full(128, np.nan), np.full(64, 0.125)])
def test_a_value_that_is_not_a_template_is_refused(vector: Any, db: None, file: Path, secret: Path) -> None:
    import base64

    text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    written([HEAD, {"users": [{"user_id": "somebody", "template": text}]}], file)
    assert status("import", file, "--passphrase-file", secret) == 3
    assert not local.Collection.objects.exists()


@pytest.mark.parametrize("field", ["user_id", "confidence", "template"])
def test_a_face_that_differs_from_the_one_here_is_refused(
    field: str, full: local.Collection, file: Path, secret: Path
) -> None:
    run("export", file, "--passphrase-file", secret)
    face = local.Face.objects.exclude(user=None)[0]
    if field == "user_id":
        face.user = None
    elif field == "confidence":
        face.confidence = 12.0
    else:
        face.set_template(full, unit(np.ones(128)))
    face.save()
    local.Face.objects.exclude(pk=face.pk).delete()
    before = everything()
    assert status("import", file, "--passphrase-file", secret) == 3
    assert everything() == before  # not even the faces that fitted came in


def test_a_user_that_differs_from_the_one_here_is_refused(full: local.Collection, file: Path, secret: Path) -> None:
    run("export", file, "--passphrase-file", secret)
    user = local.User.objects.all()[0]
    user.set_template(full, unit(np.ones(128)))
    user.save()
    assert status("import", file, "--passphrase-file", secret) == 3


@pytest.mark.parametrize(
    ("endpoint", "said"), [("aws", "cannot leave Amazon"), ("http://127.0.0.1:5005", "runs: run this there")]
)
@pytest.mark.parametrize("action", ["export", "import"])
def test_templates_do_not_leave_another_endpoint(
    action: str, endpoint: str, said: str, settings: Settings, file: Path, secret: Path
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": endpoint}
    with pytest.raises(CommandError, match=said) as caught:
        run(action, file, "--passphrase-file", secret)
    assert caught.value.returncode == 4
    assert not file.exists()


def test_an_existing_file_is_not_overwritten(full: local.Collection, file: Path, secret: Path) -> None:
    file.write_text("something")
    assert status("export", file, "--passphrase-file", secret) == 3
    assert file.read_text() == "something"


def test_a_missing_folder(full: local.Collection, tmp_path: Path, secret: Path) -> None:
    """The file that was asked for is named, and not the draft that it would have been made of."""
    file = tmp_path / "nowhere" / "faces.secretly"
    with pytest.raises(CommandError, match=f"^{file}: No such file") as caught:
        run("export", file, "--passphrase-file", secret)
    assert caught.value.returncode == 1


def test_a_failed_export_leaves_no_file(full: local.Collection, file: Path, secret: Path, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": ["c2VjcmV0bHktdGVzdHMtYW5vdGhlci1rZXktaGVyZSE="]}
    assert status("export", file, "--passphrase-file", secret) == 1
    assert [path.name for path in file.parent.iterdir()] == ["passphrase"]


@pytest.mark.parametrize(("text", "code"), [("too short\n", 2), (None, 1)])
def test_a_passphrase_that_is_too_short_or_unreadable(
    text: str | None, code: int, full: local.Collection, file: Path
) -> None:
    path = file.with_name("passphrase")
    if text is not None:
        path.write_text(text)
    assert status("export", file, "--passphrase-file", path) == code
    assert not file.exists()


def test_without_a_terminal_a_passphrase_file_is_required(full: local.Collection, file: Path) -> None:
    assert status("export", file) == 2


def test_a_passphrase_is_typed_twice(full: local.Collection, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    typed = iter([PASSPHRASE, "something else", PASSPHRASE, PASSPHRASE, PASSPHRASE])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert status("export", file) == 3
    assert run("export", file)["faces"] == 6
    assert run("import", file)["there"] == 8


@pytest.mark.parametrize("what", ["no file", "no collection"])
def test_a_missing_file_or_collection(what: str, db: None, file: Path, secret: Path) -> None:
    if what == "no file":
        assert status("import", file, "--passphrase-file", secret) == 1
    else:
        assert status("export", file, "--passphrase-file", secret) == 3


def test_the_file_describes_the_collection_and_no_setting(full: local.Collection) -> None:
    assert transfer.description(full) == {
        "collection_id": conf().COLLECTION,
        "face_model_version": local.FACE_MODEL_VERSION,
        "tags": {},
    }

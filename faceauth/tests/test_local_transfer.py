"""Collections of the local service in files: out, in, and refused."""

import io
import json
import os
import pty
import stat
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from faceauth.conf import conf
from faceauth.local import models as local
from faceauth.local import passphrase_file, transfer
from faceauth.models import Face
from faceauth.outcomes import Outcome
from faceauth.people import recognise, remember
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same key derivation with less work: half a second a file adds up."""
    monkeypatch.setattr(passphrase_file, "WORK", 2)


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
    """A collection with two people, one of whom has a vector of two looks, and a face that is nobody's."""
    return filled("secretly")


def filled(collection_id: str) -> local.Collection:
    made = local.begin_change(collection_id)
    generator = np.random.default_rng(1)
    for number in range(5):
        vector = generator.normal(size=128)
        user = local.User(collection=made, user_id=f"user {uuid4()}", sequence=made.sequence) if number < 2 else None
        if user:
            user.seal(made, unit(vector))
            user.save()
        for look in range(2 if number == 0 else 1):
            face = local.Face(
                collection=made, image_id=uuid4(), external_image_id=f"person-{number}", left=0.1, top=0.2, width=0.3,
                height=1 / 3, confidence=99.5, user=user, sequence=made.sequence,
            )  # fmt: skip
            face.seal(made, unit(vector + look * generator.normal(size=128) / 10))
            face.save()
    local.Collection.objects.filter(pk=made.pk).update(face_count=6)
    return local.Collection.objects.get(pk=made.pk)


def unit(vector: Any) -> Any:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def everything(collection_id: str = "secretly") -> list[dict[str, Any]]:
    """What a collection holds, templates opened; not when it was made."""
    found = [line for kind, line in transfer.lines(local.Collection.objects.get(collection_id=collection_id)) if kind]
    return sorted(found, key=str)


def run(*args: object) -> dict[str, Any]:
    out = io.StringIO()
    call_command("rekognition_collection", *map(str, args), "--json", stdout=out)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def status(*args: object) -> int:
    with pytest.raises(CommandError) as caught:
        run(*args)
    return caught.value.returncode


def test_out_and_in_again(full: local.Collection, file: Path, secret: Path) -> None:
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


def test_whoever_was_remembered_is_recognised_after_the_move(
    collection: Collection, file: Path, secret: Path, settings: Settings
) -> None:
    user = remember(read(pictures.hopper())).user
    rows = list(Face.objects.values())
    run("export", file, "--passphrase-file", secret)
    run("delete", "--yes")
    Face.objects.bulk_create([Face(**row) for row in rows])  # the site's own database did not move
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": ["c2VjcmV0bHktdGVzdHMtYW5vdGhlci1rZXktaGVyZSE="]}
    run("import", file, "--passphrase-file", secret)
    found = recognise(read(pictures.another(pictures.hopper())))
    assert (found.outcome, found.user) == (Outcome.RECOGNISED, user)


def test_in_under_another_name(full: local.Collection, file: Path, secret: Path) -> None:
    before = everything()
    run("export", file, "--passphrase-file", secret)
    assert status("import", file, "--passphrase-file", secret, "--collection", "other") == 3  # a FaceId is once
    assert not local.Collection.objects.filter(collection_id="other").exists()
    run("delete", "--yes")
    run("import", file, "--passphrase-file", secret, "--collection", "other")
    assert everything("other") == before


@pytest.mark.parametrize("name", ["my faces", "../faces", "a" * 256])
def test_not_in_under_what_is_no_name(name: str, full: local.Collection, file: Path, secret: Path) -> None:
    """No operation would describe or delete it again."""
    run("export", file, "--passphrase-file", secret)
    run("delete", "--yes")
    assert status("import", file, "--passphrase-file", secret, "--collection", name) == 3
    assert not local.Collection.objects.exists()


def test_nothing_can_be_read_in_the_file(full: local.Collection, file: Path, secret: Path) -> None:
    run("export", file, "--passphrase-file", secret)
    data = file.read_bytes()
    for row in everything():
        assert str(row.get("face_id", row["user_id"])).encode() not in data
    face = local.Face.objects.all()[0]
    assert face.unsealed(full).tobytes() not in data


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(full: local.Collection, file: Path, secret: Path) -> Iterator[Path]:
    """An exported file, whose collection is gone; whatever the test does must leave nothing behind."""
    run("export", file, "--passphrase-file", secret)
    run("delete", "--yes")
    yield file
    assert not local.Collection.objects.exists()
    assert not local.Face.objects.exists()


def test_another_passphrase(moved: Path, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("what", ["swapped", "last missing", "first twice"])
def test_pieces_have_their_place(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase_file, "PIECE", 64)
    lines = [os.urandom(40).hex().encode() + b"\n" for _ in range(20)]
    file = io.BytesIO()
    passphrase_file.pack(lines, PASSPHRASE, file)
    assert [it + b"\n" for it in passphrase_file.unpack(io.BytesIO(file.getvalue()), PASSPHRASE)] == lines
    file.seek(len(passphrase_file.MAGIC) + passphrase_file.SALT)
    pieces = list(iter(lambda: passphrase_file.read_piece(file), b""))
    assert len(pieces) > 3
    match what:
        case "swapped":
            pieces[1], pieces[2] = pieces[2], pieces[1]
        case "last missing":
            del pieces[-1]
        case "first twice":
            pieces.insert(1, pieces[0])
    forged = io.BytesIO(file.getvalue()[: len(passphrase_file.MAGIC) + passphrase_file.SALT])
    forged.seek(0, 2)
    for piece in pieces:
        passphrase_file.write_piece(forged, piece)
    forged.seek(0)
    with pytest.raises(passphrase_file.DoesNotOpen):
        list(passphrase_file.unpack(forged, PASSPHRASE))


def packed(rows: list[dict[str, Any]], file: Path) -> Path:
    with file.open("wb") as written:
        passphrase_file.pack(transfer.with_digest(rows), PASSPHRASE, written)
    return file


HEAD = {"format": 1, "collection_id": "secretly", "face_model_version": local.FACE_MODEL_VERSION, "tags": {}}


def test_a_foreign_face_model(db: None, file: Path, secret: Path) -> None:
    packed([{**HEAD, "face_model_version": "6.0.1"}], file)
    assert status("import", file, "--passphrase-file", secret) == 3
    assert not local.Collection.objects.exists()


@pytest.mark.parametrize("vector", [np.zeros(128), np.full(128, 2.0), np.full(128, np.nan), np.full(64, 0.125)])
def test_what_is_no_template(vector: Any, db: None, file: Path, secret: Path) -> None:
    import base64

    text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    packed([HEAD, {"user_id": "somebody", "template": text}], file)
    assert status("import", file, "--passphrase-file", secret) == 3
    assert not local.Collection.objects.exists()


@pytest.mark.parametrize("field", ["user_id", "confidence", "template"])
def test_a_face_that_is_another_here(field: str, full: local.Collection, file: Path, secret: Path) -> None:
    run("export", file, "--passphrase-file", secret)
    face = local.Face.objects.exclude(user=None)[0]
    if field == "user_id":
        face.user = None
    elif field == "confidence":
        face.confidence = 12.0
    else:
        face.seal(full, unit(np.ones(128)))
    face.save()
    local.Face.objects.exclude(pk=face.pk).delete()
    before = everything()
    assert status("import", file, "--passphrase-file", secret) == 3
    assert everything() == before  # not even the faces that fitted came in


def test_a_vector_that_is_another_here(full: local.Collection, file: Path, secret: Path) -> None:
    run("export", file, "--passphrase-file", secret)
    user = local.User.objects.all()[0]
    user.seal(full, unit(np.ones(128)))
    user.save()
    assert status("import", file, "--passphrase-file", secret) == 3


@pytest.mark.parametrize(
    ("endpoint", "said"), [("aws", "cannot leave Amazon"), ("http://127.0.0.1:5005", "runs: say this there")]
)
@pytest.mark.parametrize("action", ["export", "import", "rotate-keys"])
def test_templates_do_not_leave_another_endpoint(
    action: str, endpoint: str, said: str, settings: Settings, file: Path, secret: Path
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": endpoint}
    rest = [] if action == "rotate-keys" else [file, "--passphrase-file", secret]
    with pytest.raises(CommandError, match="not in this database" if action == "rotate-keys" else said) as caught:
        run(action, *rest)
    assert caught.value.returncode == 4
    assert not file.exists()


def test_nothing_is_written_over(full: local.Collection, file: Path, secret: Path) -> None:
    file.write_text("something")
    assert status("export", file, "--passphrase-file", secret) == 3
    assert file.read_text() == "something"


def test_a_folder_that_is_not_there(full: local.Collection, tmp_path: Path, secret: Path) -> None:
    """The file that was asked for is named, and not the draft that it would have been made of."""
    file = tmp_path / "nowhere" / "faces.secretly"
    with pytest.raises(CommandError, match=f"^{file}: No such file") as caught:
        run("export", file, "--passphrase-file", secret)
    assert caught.value.returncode == 1


def test_no_half_file_is_left(full: local.Collection, file: Path, secret: Path, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": ["c2VjcmV0bHktdGVzdHMtYW5vdGhlci1rZXktaGVyZSE="]}
    assert status("export", file, "--passphrase-file", secret) == 1
    assert [path.name for path in file.parent.iterdir()] == ["passphrase"]


@pytest.mark.parametrize(("text", "code"), [("too short\n", 2), (None, 1)])
def test_a_passphrase_that_will_not_do(text: str | None, code: int, full: local.Collection, file: Path) -> None:
    path = file.with_name("passphrase")
    if text is not None:
        path.write_text(text)
    assert status("export", file, "--passphrase-file", path) == code
    assert not file.exists()


def test_without_a_terminal_nobody_types_a_passphrase(full: local.Collection, file: Path) -> None:
    assert status("export", file) == 2


def test_a_passphrase_is_typed_twice(full: local.Collection, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    typed = iter([PASSPHRASE, "something else", PASSPHRASE, PASSPHRASE, PASSPHRASE])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert status("export", file) == 3
    assert run("export", file)["faces"] == 6
    assert run("import", file)["there"] == 8


@pytest.mark.parametrize("what", ["no file", "no collection"])
def test_what_is_not_there(what: str, db: None, file: Path, secret: Path) -> None:
    if what == "no file":
        assert status("import", file, "--passphrase-file", secret) == 1
    else:
        assert status("export", file, "--passphrase-file", secret) == 3


# Terminal and pipe ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("where", ["terminal", "pipe", "json"])
def test_progress_is_for_a_terminal(where: str, tmp_path: Path) -> None:
    """A process of its own: a bar on a terminal, none in a pipe nor with --json; and a real exit status."""
    surroundings = {**os.environ, "SECRETLY_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    manage = [sys.executable, str(django_settings.BASE_DIR / "manage.py")]
    for setup in (["migrate", "--verbosity=0"], ["rekognition_collection", "create"]):
        subprocess.run([*manage, *setup], env=surroundings, check=True, capture_output=True)  # noqa: S603
    people = "from django.contrib.auth.models import User; User.objects.create_user('without a face')"
    subprocess.run([*manage, "shell", "-v0", "-c", people], env=surroundings, check=True)  # noqa: S603
    doctor = [*manage, "rekognition_collection", "doctor", *(["--json"] if where == "json" else [])]
    if where == "pipe":
        done = subprocess.run(doctor, env=surroundings, capture_output=True, text=True)  # noqa: S603
        assert "faces/s" not in done.stdout + done.stderr
        assert "user_without_face" in done.stdout
        assert done.returncode == 3
        return
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen(doctor, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs)  # noqa: S603
    os.close(theirs)
    seen = b""
    while piece := read_some(ours):
        seen += piece
    os.close(ours)
    assert process.wait(60) == 3
    assert (b"faces/s" in seen) == (where == "terminal")
    assert b"user_without_face" in seen


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


def test_the_threshold_is_not_in_the_file(full: local.Collection) -> None:
    """What the file says of the collection is what the collection is, and no setting of the site."""
    [head] = [line for kind, line in transfer.lines(full) if kind is None]
    assert set(head) == {"format", "collection_id", "face_model_version", "created", "tags", "exported"}
    assert head["collection_id"] == conf().COLLECTION

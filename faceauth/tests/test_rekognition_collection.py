"""The command `rekognition_collection`, at both endpoints."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from faceauth.management.commands.rekognition_collection import EXAMPLES, Command
from faceauth.models import Face
from faceauth.people import recognise, remember
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, read


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("rekognition_collection", *args, stdout=out)
    return out.getvalue()


def run_json(*args: str) -> Any:
    return json.loads(run(*args, "--json"))


@pytest.fixture
def grace(endpoint: str, collection: Collection) -> str:
    remember(read(pictures.hopper()))
    return str(Face.objects.get().face_id)


def test_create_list_describe_delete(endpoint: str) -> None:
    assert run("list") == "There is no collection.\n"
    assert "secretly" in run("create")
    assert run_json("list") == [
        {"collection_id": "secretly", "face_model_version": run_json("describe")["face_model_version"]}
    ]
    assert run_json("describe")["face_count"] == 0
    assert "face_count" in run("describe")
    assert run_json("delete", "--yes") == {"collection_id": "secretly", "deleted_faces": 0}
    assert run_json("list") == []


def test_describe_says_the_odds(endpoint: str, grace: str) -> None:
    found = run_json("describe")["odds"]
    assert (found["people"], found["occasions"], found["is_measured"]) == (1, 1, endpoint == "local")
    assert found["photo"]["odds"] <= found["limit"] == 1e-4
    assert found["look_lock_from"] == 371
    text = run("describe")
    assert "1 in 10,000" in text
    assert "photo: from 371 people on; look: from 371 people on" in text
    assert ("not measured here" in text) == (endpoint == "aws")


def test_describe_with_a_fixed_threshold(collection: Collection, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "THRESHOLD": 90}
    text = run("describe")
    assert "similarity 90.00" in text
    assert "photo: never; look: never" in text


def test_another_collection(endpoint: str) -> None:
    run("create", "--collection", "trial")
    assert [row["collection_id"] for row in run_json("list")] == ["trial"]


def test_create_again(collection: Collection) -> None:
    with pytest.raises(CommandError, match="collection_exists"):
        run("create")
    assert "arn:aws" in run("create", "--exist-ok")


def test_faces(grace: str) -> None:
    name = User.objects.get().username
    assert run("faces") == f"{grace}  {name}\n"
    [face] = run_json("faces")
    assert (face["face_id"], face["external_id"]) == (grace, name)


def test_no_faces(collection: Collection) -> None:
    assert run("faces") == ""
    assert run_json("faces") == []


def test_delete_faces(grace: str, collection: Collection) -> None:
    assert run("delete-faces", grace, "--yes") == f"{grace}  deleted\n"
    assert list(collection.faces()) == []
    assert not Face.objects.exists()


def test_delete_faces_that_are_not_there(grace: str) -> None:
    stranger = "3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77"
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of the faces"):
        call_command("rekognition_collection", "delete-faces", stranger, grace, "--yes", stdout=out)
    assert out.getvalue() == f"{grace}  deleted\n{stranger}  not there\n"


def test_delete_takes_the_faces_with_it(grace: str) -> None:
    run("delete", "--yes")
    assert not Face.objects.exists()
    assert User.objects.exists()


@pytest.mark.parametrize("command", ["delete", "delete-faces"])
def test_without_a_terminal_nothing_is_destroyed_unasked(
    command: str, grace: str, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(CommandError, match="--yes"):
        run(command, *([grace] if command == "delete-faces" else []))
    assert len(list(collection.faces())) == 1


@pytest.mark.parametrize(("said", "left"), [("y", 0), ("yes", 0), ("", 1), ("n", 1), ("maybe", 1)])
def test_asks_at_a_terminal(
    said: str, left: int, grace: str, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: said)
    if left:
        with pytest.raises(CommandError, match="Nothing was changed"):
            run("delete-faces", grace)
    else:
        run("delete-faces", grace)
    assert len(list(collection.faces())) == left


@pytest.mark.parametrize("command", ["describe", "delete", "faces"])
def test_collection_is_missing(command: str, endpoint: str) -> None:
    with pytest.raises(CommandError, match="rekognition_collection create"):
        run(command, *(["--yes"] if command == "delete" else []))


def test_not_a_face_id(collection: Collection) -> None:
    with pytest.raises(CommandError, match="not a FaceId"):
        run("delete-faces", "Grace", "--yes")


def test_credentials_are_missing(settings: Settings, db: None) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "aws"}
    with pytest.raises(CommandError, match="Check the AWS credentials"):
        run("list")


def test_throttled(collection: Collection, fault: Fault) -> None:
    fault("ListFaces", "ThrottlingException")
    with pytest.raises(CommandError, match="throttled"):
        run("faces")


def test_bad_collection_name(db: None) -> None:
    with pytest.raises(CommandError, match="request_refused"):
        run("create", "--collection", "my faces")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["describe"], 3),
        (["doctor"], 3),
        (["delete-faces", "3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77"], 2),
        (["enrol", "nobody", "nobody.jpg"], 3),
        (["create", "--collection", "my faces"], 1),
    ],
)
def test_exit_statuses(args: list[str], code: int, db: None) -> None:
    with pytest.raises(CommandError) as caught:
        run(*args)
    assert caught.value.returncode == code


def test_the_status_of_drift_and_of_an_outage(collection: Collection, fault: Fault) -> None:
    User.objects.create_user("without a face")
    with pytest.raises(CommandError, match="1 left to mend") as caught:
        run("doctor")
    assert caught.value.returncode == 3
    fault("ListFaces", "InternalServerError", status=500)
    with pytest.raises(CommandError) as caught:
        run("doctor", "--json")
    assert caught.value.returncode == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, EOFError])
def test_stopped_at_the_keyboard(
    stop: type[BaseException], grace: str, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(question: str) -> str:
        raise stop

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", typed)
    with pytest.raises(CommandError, match="Stopped") as caught:
        run("delete")
    assert caught.value.returncode == 130
    assert len(list(collection.faces())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("action", ["describe", "doctor", "expire --inactive-days 9 --yes"])
def test_without_tables_it_says_so(action: str, tmp_path: Path) -> None:
    done = subprocess.run(manage(action), env=surroundings(tmp_path), capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 1
    assert "CommandError: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "atabase does not answer" in done.stderr


@pytest.mark.slow
def test_who_reads_may_have_seen_enough(tmp_path: Path) -> None:
    subprocess.run(manage("migrate -v0", ""), env=surroundings(tmp_path), check=True)  # noqa: S603
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(  # noqa: S603
        manage("list"), env=surroundings(tmp_path), stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


def manage(words: str, command: str = "rekognition_collection") -> list[str]:
    return [sys.executable, str(django_settings.BASE_DIR / "manage.py"), *command.split(), *words.split()]


def surroundings(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "SECRETLY_HOME": str(home)}


@pytest.mark.parametrize("action", EXAMPLES)
def test_every_action_explains_itself(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Command().create_parser("manage.py", "rekognition_collection").parse_args([action, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"manage.py rekognition_collection {EXAMPLES[action]}" in text
    assert "--json" in text
    assert "exit status" in text


# Keys -----------------------------------------------------------------------------------------------------------------


def test_rotate_keys(settings: Settings, collection: Collection) -> None:
    remember(read(pictures.hopper()))
    old, new = settings.FACEAUTH["ENCRYPTION_KEYS"][0], Fernet.generate_key().decode()
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new, old]}
    assert run_json("rotate-keys") == {"sealed": 2}  # the face, and the vector
    assert run_json("rotate-keys") == {"sealed": 0}
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new]}
    assert recognise(read(pictures.hopper())).outcome == "recognised"


def test_rotate_keys_without_the_old_key(settings: Settings, collection: Collection) -> None:
    remember(read(pictures.hopper()))
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
    with pytest.raises(CommandError, match="SECRETLY_ENCRYPTION_KEYS"):
        run("rotate-keys")


def test_rotate_keys_is_for_the_local_service(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "aws"}
    with pytest.raises(CommandError, match="not in this database"):
        run("rotate-keys")

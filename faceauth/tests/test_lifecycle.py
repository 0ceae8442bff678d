"""An identity's life under faults: the same new face many times at once, and processes that are really killed."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from faceauth.enrolment.enrol import enrol
from faceauth.enrolment.faces import add, remove
from faceauth.local import models as local
from faceauth.models import Consent, Deletion, Enrolment, Face
from faceauth.operators import reconcile
from faceauth.outcomes import Outcome
from faceauth.privacy.forget import forget
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures, postgres
from faceauth.tests.conftest import Fault, read
from faceauth.tests.sign_in import JSON, answer_consent, send_photo

pytestmark = pytest.mark.slow

SQLITE = pytest.mark.skipif("sqlite" not in settings.DATABASES["default"]["ENGINE"], reason="It makes its own.")


class Server:
    """Another process, over tests/lifecycle_worker.py."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "faceauth.tests.lifecycle_worker"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def tell(self, deed: str, *arguments: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([deed, arguments]) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def servers(count: int, **environment: str) -> Iterator[list[Server]]:
    kept = {name: os.environ[name] for name in ("PATH", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    kept |= {"DJANGO_SETTINGS_MODULE": "secretly.settings", "AWS_EC2_METADATA_DISABLED": "true"}
    kept["SECRETLY_ENCRYPTION_KEYS"] = ",".join(settings.ENCRYPTION_KEYS)
    started = [Server(kept | environment) for _ in range(count)]
    try:
        for server in started:
            assert server.hear() == "ready"
        yield started
    finally:
        for server in started:
            server.end()


def amazons(url: str) -> dict[str, str]:
    """What makes another process call the Rekognition at this URL as if it were Amazon's."""
    return {
        "REKOGNITION_ENDPOINT": "aws",
        "AWS_ENDPOINT_URL_REKOGNITION": url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a secret of nobody",
    }


# The same new face, many times at once --------------------------------------------------------------------------------


def at_once(running: list[Server], frames: int = 1) -> list[str]:
    """Ten at once through two servers; the names of those who were let in."""
    for server in running:
        server.tell("at_once", 5, frames)
    results = [result for server in running for result in server.hear()]
    assert len(results) == 10
    assert sorted(outcome for outcome, _ in results) == ["enrolled"] + ["recognised"] * 9
    return [name for _, name in results]


@SQLITE
@pytest.mark.parametrize(("kind", "frames"), [("local", 1), ("local", 3), ("aws", 1)])
def test_ten_at_once_through_two_servers(
    kind: str, frames: int, request: pytest.FixtureRequest, transactional_db: None, collection: Collection
) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}", "SECRETLY_HOME": str(settings.HOME)}
    if kind == "aws":
        environment |= amazons(request.getfixturevalue("amazon"))
    with servers(2, **environment) as running:
        [name] = set(at_once(running, frames))
    user = User.objects.get()
    assert user.username == name
    assert_nothing_drifted(collection, frames)
    assert list(collection.users()) == [name]
    assert Consent.objects.count() == 1
    assert not Enrolment.objects.exists()
    assert not Deletion.objects.filter(confirmed=None).exists()
    assert recognise(read(pictures.hopper())).user == user


def assert_nothing_drifted(collection: Collection, looks: int) -> None:
    """The collection holds what the database says, and no more."""
    there = sorted(face.face_id for face in collection.faces())
    assert there == sorted(str(face.face_id) for face in Face.objects.all())
    assert len(there) == looks


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a site on a PostgreSQL of its own, with a collection."""
    with postgres.server() as address:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as made:
            made.execute("CREATE DATABASE secretly")
        home = tmp_path_factory.mktemp("home")
        environment = {"DATABASE_URL": f"{address}/secretly", "SECRETLY_HOME": str(home)}
        surroundings = {"PATH": os.environ["PATH"], "SECRETLY_ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS[0]}
        for command in (["migrate", "-v0"], ["rekognition_collection", "create"]):
            subprocess.run(  # noqa: S603
                [sys.executable, "manage.py", *command],
                cwd=settings.BASE_DIR,
                env=surroundings | environment,
                check=True,
                capture_output=True,
            )
        yield environment


def test_ten_at_once_on_postgresql(postgresql: dict[str, str]) -> None:
    with servers(2, **postgresql) as running:
        [name] = set(at_once(running))
    with psycopg.connect(postgresql["DATABASE_URL"]) as database:

        def all_of(query: str) -> list[tuple[Any, ...]]:
            return database.execute(query.encode()).fetchall()

        assert all_of("SELECT username FROM auth_user") == [(name,)]
        faces = all_of(f"SELECT face_id FROM {local.Face._meta.db_table}")  # noqa: S608
        assert faces == all_of("SELECT face_id FROM faceauth_face")
        assert all_of(f"SELECT user_id FROM {local.User._meta.db_table}") == [(name,)]  # noqa: S608
        assert all_of("SELECT count(*) FROM faceauth_enrolment") == [(0,)]
        assert all_of("SELECT count(*) FROM faceauth_deletion WHERE confirmed IS NULL") == [(0,)]


def test_two_tabs_end_in_the_same_notebook(endpoint: str, collection: Collection) -> None:
    """Both were asked for consent before either said yes."""
    first, second = Client(), Client()
    questions = [send_photo(client, pictures.hopper()) for client in (first, second)]

    def agree(client: Client, question: Any) -> Any:
        try:
            return answer_consent(client, question, HTTP_ACCEPT="application/json").json()["outcome"]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(agree, (first, second), questions))
    assert sorted(outcomes) == ["enrolled", "recognised"]
    assert first.session["_auth_user_id"] == second.session["_auth_user_id"]
    assert User.objects.count() == len(list(collection.faces())) == 1


def test_two_new_people_at_once_are_two(endpoint: str, collection: Collection) -> None:
    def come(data: bytes) -> Any:
        try:
            return enrol(read(data)).outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(come, (pictures.hopper(), pictures.collins()))) == ["enrolled", "enrolled"]
    assert User.objects.count() == 2


# Killed between any two steps -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def victims(django_db_setup: None, django_db_blocker: DjangoDbBlocker, amazon: str) -> Iterator[dict[str, Server]]:
    """A process for each endpoint, over the database of the tests."""
    environment = {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}", "SECRETLY_HOME": str(settings.HOME)}
    with servers(1, **environment) as [here], servers(1, **environment, **amazons(amazon)) as [there]:
        yield {"local": here, "aws": there}


def kill(victims: dict[str, Server], endpoint: str, deed: str, step: str) -> None:
    victims[endpoint].tell("killed", deed, step)
    assert victims[endpoint].hear() == -signal.SIGKILL


def mend() -> None:
    """An hour later an operator looks after it, and then it is clean."""
    Enrolment.objects.update(started=timezone.now() - timedelta(hours=1))
    assert all(finding.repaired for finding in reconcile.reconcile("secretly", repair=True))
    assert list(reconcile.reconcile("secretly")) == []


@SQLITE
@pytest.mark.parametrize(
    ("step", "is_there"),
    [
        ("before IndexFaces", False),
        ("after IndexFaces", False),
        ("after SearchFaces", False),
        ("saving Face", False),
        ("before CreateUser", True),
        ("after CreateUser", True),
        ("after AssociateFaces", True),
    ],
)
def test_killed_while_remembering(
    step: str, is_there: bool, endpoint: str, collection: Collection, victims: dict[str, Server]
) -> None:
    kill(victims, endpoint, "remember", step)
    assert User.objects.exists() == Face.objects.exists() == Consent.objects.exists() == is_there
    comes_back = recognise(read(pictures.another(pictures.hopper())))
    assert comes_back.outcome == (Outcome.RECOGNISED if is_there else Outcome.STRANGER)
    mend()
    assert enrol(read(pictures.hopper())).outcome == (Outcome.RECOGNISED if is_there else Outcome.ENROLLED)
    user = User.objects.get()
    assert [face.face_id for face in collection.faces()] == [str(Face.objects.get().face_id)]
    assert list(collection.users()) == [user.username]


@SQLITE
@pytest.mark.parametrize(
    ("step", "looks"),
    [
        ("before IndexFaces 2", 1),
        ("after IndexFaces 2", 1),
        ("saving Face 2", 1),
        ("after IndexFaces 3", 2),
        ("before AssociateFaces", 3),
    ],
)
def test_killed_between_the_frames_of_a_look(
    step: str, looks: int, endpoint: str, collection: Collection, victims: dict[str, Server]
) -> None:
    """The person is there from the first frame on, and what was half done of the others goes."""
    kill(victims, endpoint, "remember by three", step)
    user = User.objects.get()
    assert Face.objects.count() == looks
    assert Consent.objects.count() == 1
    assert recognise(read(pictures.another(pictures.hopper()))).user == user
    mend()
    assert_nothing_drifted(collection, looks)
    assert list(collection.users()) == [user.username]
    assert not Face.objects.filter(associated=False).exists()
    assert recognise(read(pictures.another(pictures.hopper()))).user == user


@SQLITE
@pytest.mark.parametrize("step", ["after IndexFaces", "after SearchFaces"])
def test_somebody_whose_enrolment_was_killed_may_try_again_at_once(
    step: str, endpoint: str, collection: Collection, victims: dict[str, Server]
) -> None:
    kill(victims, endpoint, "remember", step)
    user = enrol(read(pictures.hopper())).user
    assert user == User.objects.get()
    assert recognise(read(pictures.hopper())).user == user
    mend()
    assert [face.face_id for face in collection.faces()] == [str(Face.objects.get().face_id)]


@SQLITE
@pytest.mark.parametrize(
    ("step", "is_there"),
    [("deleting Face", True), ("before DeleteUser", False), ("after DeleteUser", False), ("after DeleteFaces", False)],
)
def test_killed_while_forgetting(
    step: str, is_there: bool, endpoint: str, collection: Collection, victims: dict[str, Server]
) -> None:
    enrol(read(pictures.hopper()))
    kill(victims, endpoint, "forget", step)
    assert User.objects.exists() == Face.objects.exists() == is_there
    outcome = recognise(read(pictures.hopper())).outcome
    assert outcome == (Outcome.RECOGNISED if is_there else Outcome.STRANGER)
    if is_there:
        forget(User.objects.get())
    mend()
    assert list(collection.faces()) == []
    assert list(collection.users()) == []
    assert Deletion.objects.get().confirmed is not None


# Rekognition and the database -----------------------------------------------------------------------------------------


def test_indexed_and_the_reply_was_lost(endpoint: str, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows the FaceId; the enrolment finds it."""
    from faceauth.rekognition.errors import RekognitionError

    index = Collection.index

    def lose(self: Collection, *args: Any) -> Any:
        index(self, *args)
        raise RekognitionError("ReadTimeoutError: no answer.")

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "index", lose)
        with pytest.raises(RekognitionError):
            enrol(read(pictures.hopper()))
    assert len(list(collection.faces())) == 1
    assert enrol(read(pictures.hopper())).outcome == Outcome.ENROLLED
    mend()
    assert [face.face_id for face in collection.faces()] == [str(Face.objects.get().face_id)]


def test_committed_and_the_reply_was_lost(endpoint: str, collection: Collection) -> None:
    """The browser never hears that it was remembered, and sends the same again, in the same session."""
    client = Client()
    question = send_photo(client, pictures.hopper())
    answer_consent(client, question)
    client.cookies.clear()  # with the answer, the new session's cookie was lost too
    again = Client()
    assert send_photo(again, pictures.hopper(), JSON).json()["outcome"] == "recognised"
    assert User.objects.count() == len(list(collection.faces())) == 1


def test_the_ledger_survives_an_outage(endpoint: str, collection: Collection, fault: Fault) -> None:
    user = enrol(read(pictures.hopper())).user
    assert user
    fault("DeleteUser", "InternalServerError", status=500)
    forget(user)
    deletion = Deletion.objects.get()
    assert (deletion.confirmed, deletion.tries) == (None, 1)
    [finding] = reconcile.reconcile("secretly", repair=True)  # still away
    assert (finding.kind, finding.repaired) == ("unfinished_deletion", False)
    deletion.refresh_from_db()
    assert deletion.tries == 2


def test_the_collection_is_deleted_under_the_running_site(
    endpoint: str, collection: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    enrol(read(pictures.hopper()))
    collection.delete()
    answer = send_photo(Client(), pictures.hopper(), JSON)
    assert (answer.status_code, answer.json()["outcome"]) == (503, "unavailable")
    assert "collection_missing" in caplog.text
    assert "rekognition_collection create" in caplog.text
    assert User.objects.count() == 1


def test_somebody_deleted_in_a_shell_is_in_the_ledger_too(endpoint: str, collection: Collection) -> None:
    enrol(read(pictures.hopper()))
    User.objects.all().delete()
    assert list(collection.faces()) == []
    assert list(collection.users()) == []
    assert Deletion.objects.get().confirmed is not None


def test_a_deletion_that_is_rolled_back_asks_for_nothing(
    endpoint: str, collection: Collection, calls: list[str]
) -> None:
    from django.db import transaction

    user = enrol(read(pictures.hopper())).user
    assert user
    calls.clear()
    with transaction.atomic():
        user.delete()
        transaction.set_rollback(True)
    assert calls == []
    assert not Deletion.objects.exists()
    assert recognise(read(pictures.hopper())).outcome == Outcome.RECOGNISED


def test_no_transaction_is_open_while_rekognition_is_asked(
    transactional_db: None, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take seconds, and others would wait for all of them; a service on the wire may even share the database."""
    from faceauth.rekognition.client import client

    asked: list[tuple[str, bool]] = []

    def note(event_name: str, **kwargs: Any) -> None:
        asked.append((event_name.rpartition(".")[2], connection.in_atomic_block))

    events = client().meta.events
    events.register_first("before-send.rekognition", note)
    try:
        user = enrol(read(pictures.hopper())).user
        assert user
        add(user, read(pictures.another(pictures.hopper())))
        remove(user, Face.objects.latest("pk").face_id)
        forget(user)
    finally:
        events.unregister("before-send.rekognition", note)
    assert not [operation for operation, in_transaction in asked if in_transaction]
    assert {"IndexFaces", "AssociateFaces", "DisassociateFaces", "DeleteUser", "DeleteFaces"} <= dict(asked).keys()


def test_who_was_remembered_before_keeps_face_and_consent(transactional_db: None) -> None:
    """The way from the first migration: consents get rows of their own, and faces their names in Rekognition."""
    from django.db.migrations.executor import MigrationExecutor

    def migrate(name: str) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([("faceauth", name)])
        return MigrationExecutor(connection).loader.project_state([("faceauth", name)]).apps

    user = User.objects.create_user("a0b1c2")
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("faceauth")[0][1]
    old = migrate("0001_faces_and_log_of_the_door").get_model("faceauth", "Face")
    ids = {"face_id": uuid.uuid4(), "image_id": uuid.uuid4()}
    old.objects.create(user_id=user.pk, collection_id="secretly", consent="2026-11-22", **ids)
    migrate(latest)
    face, consent = Face.objects.get(), Consent.objects.get()
    assert (face.person, face.associated, face.user) == ("a0b1c2", False, user)
    assert (consent.text, consent.given, consent.user) == ("2026-11-22", face.enrolled, user)

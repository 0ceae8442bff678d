"""Attachments in the storage: encrypted, for their owner alone, gone with their row; and what happens when it fails."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from notes import attachments, editing, storage, trash
from notes.attachments import Fault
from notes.models import Attachment, Note
from notes.tests.conftest import everything_in_the_database, signed_in
from notes.tests.files import at, attach_to, photo, send, stored


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def test_neither_database_nor_storage_shows_content_or_name(owner: User, note: Note, media: Path) -> None:
    attach_to(owner, note, "kettle-plan.txt", b"Meet at the kettle at five. " * 20)
    attach_to(owner, note, "kettle.jpg", photo())
    files = stored(media)
    assert len(files) == 3
    assert b"kettle" not in everything_in_the_database()
    for path in files:
        content = path.read_bytes()
        assert b"kettle" not in content
        assert b"JFIF" not in content
        assert re.fullmatch(r"[0-9a-f]{32}", path.name)
        assert path.stat().st_mode & 0o077 == 0


def test_files_that_are_swapped_do_not_open(own: Client, owner: User, note: Note) -> None:
    one, other = attach_to(owner, note, content=b"one"), attach_to(owner, note, content=b"other")
    Attachment.objects.filter(pk=one.pk).update(content_path=other.content_path)
    assert own.get(at(one)).status_code == 503


def test_a_file_is_not_removed_at_one_tap(own: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note, "me.jpg", photo())
    page = own.post(at(attachment, "detach"))
    assert "Remove this file?" in page.content.decode()
    assert Attachment.objects.exists()
    assert own.post(at(attachment, "detach"), {"sure": "1"})["Location"] == reverse("notes:note", args=[note.pk])
    assert not Attachment.objects.exists()


def test_a_stranger_s_and_a_guessed_address_are_the_same(strange: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note, "me.jpg", photo())
    for page in ("attachment", "thumbnail"):
        there, never = strange.get(at(attachment, page)), strange.get(reverse(f"notes:{page}", args=[uuid4()]))
        assert there.status_code == never.status_code == 404
        assert there.content == never.content
    for sure in ({}, {"sure": "1"}):
        assert strange.post(at(attachment, "detach"), sure).status_code == 404
    assert send(strange, note, ("a.txt", b"a")).status_code == 404
    assert Attachment.objects.count() == 1


def test_without_a_session_one_is_sent_to_the_sign_in(client: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note)
    assert client.get(at(attachment))["Location"].startswith("/login/")
    assert send(client, note, ("a.txt", b"a" * 100_000))["Location"].startswith("/login/")


def test_a_form_without_a_token_attaches_nothing(owner: User, note: Note) -> None:
    assert send(signed_in(owner, enforce_csrf_checks=True), note, ("a.txt", b"a")).status_code == 403
    assert not Attachment.objects.exists()


def test_with_a_token_it_does(owner: User, note: Note) -> None:
    client = signed_in(owner, enforce_csrf_checks=True)
    page = client.get(f"/notes/{note.pk}/").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    data = {"file": SimpleUploadedFile("a.txt", b"a"), "csrfmiddlewaretoken": token, "writer": str(owner.pk)}
    assert client.post(reverse("notes:attach", args=[note.pk]), data).status_code == 302
    assert Attachment.objects.exists()


def test_attachments_of_a_note_in_the_trash_are_not_found(own: Client, owner: User, note: Note) -> None:
    attachment = attach_to(owner, note)
    editing.delete(owner, note.pk, 1)
    assert own.get(at(attachment)).status_code == 404
    trash.restore(owner, note.pk)
    assert own.get(at(attachment)).status_code == 200


def delete_for_good(owner: User, note: Note) -> None:
    editing.delete(owner, note.pk, 1)
    trash.empty(owner)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "delete",
    [
        lambda owner, note, attachment: owner.delete(),
        lambda owner, note, attachment: note.delete(),
        lambda owner, note, attachment: attachment.delete(),
        lambda owner, note, attachment: signed_in(owner).post(at(attachment, "detach"), {"sure": "1"}),
        lambda owner, note, attachment: delete_for_good(owner, note),
    ],
)
def test_with_the_row_go_the_files(
    owner: User, note: Note, media: Path, delete: Callable[[User, Note, Attachment], Any]
) -> None:
    attachment = attach_to(owner, note, "me.jpg", photo())
    assert len(stored(media)) == 2
    delete(owner, note, attachment)
    assert not Attachment.objects.exists()
    assert not stored(media)


@pytest.mark.django_db(transaction=True)
def test_the_files_stay_when_the_deletion_is_taken_back(owner: User, note: Note, media: Path) -> None:
    from django.db import transaction

    attach_to(owner, note)
    with transaction.atomic():
        note.delete()
        transaction.set_rollback(True)
    assert len(stored(media)) == 1


@pytest.fixture
def down(media: Path) -> Iterator[None]:
    """There is a file where the folder should be: as good as a disk that takes nothing."""
    media.write_text("")
    yield
    media.unlink()


def test_a_failed_attachment_is_named_and_the_note_is_safe(own: Client, owner: User, note: Note, down: None) -> None:
    page = send(own, note, ("a.txt", b"a")).content.decode()
    assert "a.txt was not attached: file storage is unavailable. The note is safe." in page
    assert not Attachment.objects.exists()
    assert "kettle" in Note.objects.of(owner).get().text


def test_a_file_that_cannot_be_fetched_is_503(own: Client, owner: User, note: Note, media: Path) -> None:
    attachment = attach_to(owner, note)
    [path] = stored(media)
    path.unlink()
    assert own.get(at(attachment)).status_code == 503


def test_half_an_attachment_is_taken_back(
    owner: User, note: Note, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls = storage.store, []

    def only_one(sealed: bytes) -> str:
        calls.append(1)
        if len(calls) > 1:
            raise storage.StorageDown
        return store(sealed)

    monkeypatch.setattr(storage, "store", only_one)
    assert attachments.attach(owner, note.pk, "me.jpg", ContentFile(photo())) is Fault.STORAGE_DOWN
    assert not stored(media)


def test_without_a_row_there_are_no_files(
    owner: User, note: Note, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Attachment, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attachments.attach(owner, note.pk, "me.jpg", ContentFile(photo()))
    assert not stored(media)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made = boto3.resource("s3", endpoint_url=s3, region_name="us-east-1").Bucket("secretly-tests")
    made.create()
    settings.STORAGES = settings.STORAGES | {"default": from_environment(s3)}
    yield made
    made.objects.delete()
    made.delete()


def from_environment(endpoint: str) -> Any:
    """What secretly/settings.py makes of a bucket in the environment."""
    import json
    import os
    import subprocess
    import sys

    script = (
        "import json; from secretly.settings import STORAGES; default = STORAGES['default'];"
        " default['OPTIONS'].pop('client_config'); print(json.dumps(default))"
    )
    environ = os.environ | {"AWS_STORAGE_BUCKET_NAME": "secretly-tests", "AWS_S3_ENDPOINT_URL": endpoint}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(done.stdout)


def test_in_a_bucket(
    own: Client, owner: User, note: Note, bucket: Any, django_capture_on_commit_callbacks: Any
) -> None:
    send(own, note, ("kettle.txt", b"Meet at the kettle."), ("me.jpg", photo()))
    objects = list(bucket.objects.all())
    assert len(objects) == 3
    for item in objects:
        assert re.fullmatch(r"attachments/[0-9a-f]{2}/[0-9a-f]{32}", item.key)
        assert b"kettle" not in item.get()["Body"].read()
        assert {grant["Grantee"].get("URI") for grant in item.Acl().grants} == {None}  # nobody but the bucket's owner
    assert own.get(at(Attachment.objects.of(owner).first())).content == b"Meet at the kettle."  # type: ignore[arg-type]
    with django_capture_on_commit_callbacks(execute=True):
        note.delete()
    assert not list(bucket.objects.all())


def test_a_bucket_that_is_not_there_is_a_storage_that_is_down(own: Client, note: Note, bucket: Any) -> None:
    bucket.delete()
    answer = send(own, note, ("a.txt", b"a"), headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert "file storage is unavailable" in answer.json()["message"]
    bucket.create()


def test_a_bucket_that_cannot_be_reached_is_an_error_of_the_file(
    own: Client, note: Note, bucket: Any, settings: Settings
) -> None:
    options = settings.STORAGES["default"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:1"}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}
    assert default_storage  # anew
    answer = send(own, note, ("a.txt", b"a"), headers={"accept": "application/json"})
    assert "file storage is unavailable" in answer.json()["message"]


@pytest.mark.django_db(transaction=True)
def test_text_comes_back_when_the_disk_is_full(own: Client, owner: User) -> None:
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite can be told that its disk is full.")
    own.get("/")
    text = "Words that do not fit. " * 4000
    with connection.cursor() as cursor:
        while cursor.execute("PRAGMA freelist_count").fetchone()[0]:  # room that other tests have left
            Note.objects.write(owner, text)
        [pages] = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    before = Note.objects.of(owner).count()
    answer = own.post("/", {"text": text})
    assert answer.status_code == 503
    assert text.strip() in answer.content.decode()
    connection.close()  # the limit goes with it
    assert Note.objects.of(owner).count() == before
    assert own.post("/", {"text": text}).status_code == 302

"""Files in the storage: what fails is an error of one kind, and the check of the storage sees what would fail."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from django.conf import settings as site
from django.core.files.storage import default_storage
from pytest_django.fixtures import Settings

from notes import storage
from notes.storage import StorageDown


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def test_files_come_back_under_a_name_that_tells_nothing() -> None:
    names = [storage.store(b"one"), storage.store(b"one")]
    assert len(set(names)) == 2
    assert [storage.fetch(name) for name in names] == [b"one", b"one"]
    storage.remove(*names, "")
    with pytest.raises(StorageDown):
        storage.fetch(names[0])


@pytest.mark.parametrize("missing", [os.R_OK, os.W_OK, os.X_OK])
def test_a_folder_that_lacks_a_permission_is_seen(missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.reach()
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & missing)
    with pytest.raises(StorageDown):
        storage.reach()


def test_reaching_keeps_nothing(media: Path) -> None:
    storage.reach()
    assert not media.exists()


def test_a_file_that_cannot_be_deleted_is_logged_and_the_others_go(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deleted: list[str] = []

    def delete(name: str) -> Any:
        if name == "one":
            raise PermissionError("secret path")
        deleted.append(name)

    monkeypatch.setattr(default_storage, "delete", delete)
    storage.remove("one", "two")
    assert deleted == ["two"]
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "secret path" not in record.getMessage()


# A bucket -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A bucket that answers questions; the list has the operations that were asked for, and those it refuses."""
    asked: list[str] = []

    def call(client: BaseClient, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        asked.append(operation)
        if f"no {operation}" in asked:
            response = {"Error": {"Code": "XAmzContentSHA256Mismatch"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(response, operation)  # type: ignore[arg-type]
        if operation == "HeadObject":
            missing = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(missing, operation)  # type: ignore[arg-type]
        return {}

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    options = {"bucket_name": "notes", "region_name": "eu-central-1"}
    s3 = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    monkeypatch.setattr(storage.Writing, "works", False)
    settings.STORAGES = {**site.STORAGES, "default": s3}
    return asked


def test_a_bucket_that_refuses_is_logged_with_its_code_and_is_not_reached(
    bucket: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    storage.reach()
    bucket.append("no PutObject")
    storage.reach()  # it took a file before
    with pytest.raises(StorageDown, match=r"XAmzContentSHA256Mismatch \(400\)"):
        storage.store(b"sealed")
    assert "XAmzContentSHA256Mismatch (400)" in caplog.text
    with pytest.raises(StorageDown, match="XAmzContentSHA256Mismatch"):
        storage.reach()
    bucket.remove("no PutObject")
    storage.reach()
    bucket.clear()
    storage.reach()
    assert bucket == ["HeadObject"]


def test_a_bucket_is_tried_once_and_keeps_nothing(bucket: list[str]) -> None:
    storage.reach()
    storage.reach()
    assert [operation for operation in bucket if operation != "HeadObject"] == ["PutObject", "DeleteObject"]

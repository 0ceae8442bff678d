"""Files in the storage: what fails is an error of one kind, and the check of the storage sees what would fail."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
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

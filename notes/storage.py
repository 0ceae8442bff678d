"""Encrypted files in Django's default storage: a folder, or a bucket. Only this module knows its errors."""

import logging
import os
import secrets
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

logger = logging.getLogger(__name__)

DOWN = (OSError, BotoCoreError, ClientError, Boto3Error)


class StorageDown(Exception):
    """The storage did not take or give a file: full, unreachable, or without it."""


def store(sealed: bytes) -> str:
    """Save the bytes under a random name, which it returns. Raises `StorageDown`."""
    name = secrets.token_hex(16)
    try:
        return default_storage.save(f"attachments/{name[:2]}/{name}", ContentFile(sealed))
    except DOWN as error:
        raise StorageDown(f"The storage took no file ({type(error).__name__}).") from error


def fetch(name: str) -> bytes:
    """Raises `StorageDown`."""
    try:
        with default_storage.open(name) as file:
            content: bytes = file.read()
            return content
    except DOWN as error:
        raise StorageDown(f"The storage gave no file ({type(error).__name__}).") from error


def reach() -> None:
    """Check that the storage answers, without writing to it. Raises `StorageDown`."""
    try:
        default_storage.exists("reach")  # S3 is asked, and says whether this machine may
        if isinstance(default_storage, FileSystemStorage):
            folder = Path(default_storage.location)
            there = next(parent for parent in (folder, *folder.parents) if parent.exists())
            if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(f"{there} cannot be written.")
    except DOWN as error:
        raise StorageDown(f"The storage does not answer ({type(error).__name__}).") from error


def remove(*names: str) -> None:
    """Delete the files. One that stays cannot be read once its row is gone, so a failure is only logged."""
    for name in filter(None, names):
        try:
            default_storage.delete(name)
        except DOWN as error:
            logger.error("The file %s could not be deleted from the storage (%s).", name, type(error).__name__)

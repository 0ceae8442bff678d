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


class Writing:
    """Whether this process knows that the storage takes files. A bucket that lets itself be read may refuse them."""

    works = False


def store(sealed: bytes) -> str:
    """Save the bytes under a random name, which it returns. Raises `StorageDown`."""
    name = secrets.token_hex(16)
    try:
        name = default_storage.save(f"attachments/{name[:2]}/{name}", ContentFile(sealed))
    except DOWN as error:
        Writing.works = False
        logger.error("The storage took no file (%s).", code_of(error))
        raise StorageDown(f"The storage took no file ({code_of(error)}).") from error
    Writing.works = True
    return name


def code_of(error: Exception) -> str:
    """What a service calls its refusal, such as "InvalidArgument (400)", or the kind of error. Never a path."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
        return f"{error.response.get('Error', {}).get('Code', '?')} ({status})"
    return type(error).__name__


def fetch(name: str) -> bytes:
    """Raises `StorageDown`."""
    try:
        with default_storage.open(name) as file:
            content: bytes = file.read()
            return content
    except DOWN as error:
        raise StorageDown(f"The storage gave no file ({code_of(error)}).") from error


def reach() -> None:
    """Check that the storage answers. Raises `StorageDown`.

    A bucket is written to as well, until this process knows that it takes files, and again after it has refused one.
    """
    try:
        default_storage.exists("reach")  # S3 is asked, and says whether this machine may
        if isinstance(default_storage, FileSystemStorage):
            folder = Path(default_storage.location)
            there = next(parent for parent in (folder, *folder.parents) if parent.exists())
            if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(f"{there} cannot be written.")
    except DOWN as error:
        raise StorageDown(f"The storage does not answer ({code_of(error)}).") from error
    if not Writing.works and not isinstance(default_storage, FileSystemStorage):
        remove(store(b"Does it take files?"))


def remove(*names: str) -> None:
    """Delete the files. One that stays cannot be read once its row is gone, so a failure is only logged."""
    for name in filter(None, names):
        try:
            default_storage.delete(name)
        except DOWN as error:
            logger.error("The file %s could not be deleted from the storage (%s).", name, code_of(error))

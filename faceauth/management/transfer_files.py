"""What exporting and importing a collection need: an endpoint that can, a passphrase, and a file."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError

from faceauth.conf import conf, named
from faceauth.management.terminal import BROKEN, CANNOT, NO, USAGE

MIN_PASSPHRASE = 12  # characters: a copied file can be attacked for ever


def check_endpoint() -> None:
    if conf().ENDPOINT == "aws":
        message = "Templates cannot leave Amazon Rekognition or be imported there: enrol the people from photos."
        raise CommandError(message, returncode=CANNOT)
    if conf().ENDPOINT != "local":
        message = (
            f"The templates are where {conf().ENDPOINT} runs: run this there, with {named('ENDPOINT')} set to local."
        )
        raise CommandError(message, returncode=CANNOT)


@contextmanager
def transfer_errors(file: Path) -> Iterator[None]:
    from faceauth.local.passphrase_file import CannotDecrypt, NotOurFile
    from faceauth.local.transfer import CannotTransfer

    try:
        yield
    except (CannotTransfer, CannotDecrypt, NotOurFile) as error:
        raise CommandError(str(error), returncode=NO) from error
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}.", returncode=BROKEN) from error


def read_passphrase(path: Path | None, new: bool) -> str:
    """From a file or a terminal, never from the command line, which every process of the machine can read."""
    if path is not None:
        try:
            text = path.read_text().split("\n")[0]
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The passphrase cannot be read from {path}.", returncode=BROKEN) from error
    elif sys.stdin.isatty():
        text = getpass.getpass("Passphrase: ")
        if new and getpass.getpass("Again: ") != text:
            raise CommandError("The passphrases differ. Nothing was written.", returncode=NO)
    else:
        raise CommandError("There is no terminal to type a passphrase: add --passphrase-file.", returncode=USAGE)
    if new and len(text) < MIN_PASSPHRASE:
        message = f"A passphrase has {MIN_PASSPHRASE} characters or more: `openssl rand -base64 24` makes one."
        raise CommandError(message, returncode=USAGE)
    return text


@contextmanager
def new_private_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that only its owner can read. It appears complete or not at all, and never replaces another."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Claims the name. A hard link would do both in one step, but FAT on memory sticks has none.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

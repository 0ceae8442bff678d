"""ZIP files for the tests, and how they are imported."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from notes import importing
from notes.importing import Result
from notes.models import Note

IMPORT = reverse("notes:import")


def zipped(files: Mapping[str, str | bytes], packed: bool = True) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def bring(client: Client, *files: tuple[str, bytes]) -> Any:
    return client.post(IMPORT, {"file": [SimpleUploadedFile(name, content) for name, content in files]})


def taken_in(owner: User, archive: bytes) -> Result:
    result = importing.import_files(owner, [SimpleUploadedFile("secretly.zip", archive)])
    assert isinstance(result, Result), result
    return result


def texts(owner: User) -> set[str]:
    return {note.text for note in Note.objects.of(owner)}

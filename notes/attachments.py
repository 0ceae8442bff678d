"""Hang photos and files on notes, and take them off."""

import mimetypes
import unicodedata
from enum import Enum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from notes import pictures, storage
from notes.models import Attachment, Note
from notes.pictures import Picture
from notes.storage import StorageDown
from privatekit.images import BadPicture

MAX_BYTES = 20 * 1024 * 1024
MAX_ENCODED = 3 * MAX_BYTES
"""Of a picture that was drawn anew: it may be larger than what came, and is to come in again when it has gone out."""
MAX_NAME = 200  # characters
JOINERS = "\u200c\u200d"
"""Invisible, and yet part of how Persian is written, and of many an emoji."""
DRAWN_AS_JPEG = (".heic", ".heif", ".hif", ".mpo")
"""The endings of what `pictures` makes a JPEG of."""


class Fault(Enum):
    """Why a file was not attached."""

    TOO_LARGE = _("%(name)s was not attached: a file may have 20 MB.")
    EMPTY = _("%(name)s was not attached: it is empty.")
    BAD_PICTURE = _("%(name)s was not attached: I cannot read this picture.")
    STORAGE_DOWN = _("%(name)s was not attached: I cannot reach my shelf. The note is safe. Please try again later.")
    GONE = _("%(name)s was not attached: the note is not there any more.")


@sensitive_variables()
def attach(owner: User, pk: UUID, name: str, file: File[bytes], ours: bool = False) -> Attachment | Fault:
    """Seal and keep a file of up to 20 MB. Pictures are cleaned first; everything else is kept as it came.

    `ours`: it comes out of our own ZIP, where a picture may have what it has once it was drawn anew.
    """
    note = Note.objects.of(owner).openings().filter(pk=pk).first()
    if note is None:
        return Fault.GONE
    if (file.size or 0) > max_bytes(drawn=ours):
        return Fault.TOO_LARGE
    data = file.read()
    if not data:
        return Fault.EMPTY
    try:
        picture = pictures.clean_picture(data)
    except BadPicture:
        return Fault.BAD_PICTURE
    size = len(picture.content) if picture else len(data)
    if size > max_bytes(drawn=picture is not None):
        return Fault.TOO_LARGE
    return keep(note, tidy(name), picture or data)


def max_bytes(drawn: bool) -> int:
    """How many bytes a file may have, drawn by us or not."""
    return MAX_ENCODED if drawn else MAX_BYTES


@sensitive_variables()
def keep(note: Note, name: str, content: Picture | bytes) -> Attachment | Fault:
    attachment = Attachment(note=note)
    stored = []
    try:
        if isinstance(content, Picture):
            name = as_jpeg(name) if content.content_type == "image/jpeg" else name
            attachment.set_label(name, content.content_type)
            attachment.size = len(content.content)
            stored += [storage.store(attachment.seal(content.content, "content"))]
            stored += [storage.store(attachment.seal(content.thumbnail, "thumbnail"))]
            attachment.content_path, attachment.thumbnail_path = stored
        else:
            attachment.set_label(name, type_of(name))
            attachment.size = len(content)
            stored += [storage.store(attachment.seal(content, "content"))]
            [attachment.content_path] = stored
        attachment.save(force_insert=True)
    except StorageDown:
        storage.remove(*stored)
        return Fault.STORAGE_DOWN
    except BaseException:  # whatever it was: no row, no file
        storage.remove(*stored)
        raise
    return attachment


def tidy(name: str) -> str:
    """A file name without folders and invisible characters, of at most 200 characters, its ending kept."""
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C" or c in JOINERS)
    name = name.strip(" ." + JOINERS)
    if len(name) > MAX_NAME:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: MAX_NAME - 12]}{dot}{ending[:10]}" if dot else name[:MAX_NAME]
    return name or "file"


def as_jpeg(name: str) -> str:
    """What a picture is called once it is a JPEG: a telephone's IMG_1.HEIC would not open as what it says."""
    return name.rpartition(".")[0] + ".jpg" if name.lower().endswith(DRAWN_AS_JPEG) else name


def type_of(name: str) -> str:
    """The type that the name says. It is only ever downloaded, so that it need not be believed."""
    content_type, encoding = mimetypes.guess_type(name)
    return content_type if content_type and not encoding else "application/octet-stream"


def read(attachment: Attachment) -> bytes:
    """Raises `StorageDown` or `encryption.CannotDecrypt`."""
    return attachment.unseal(storage.fetch(attachment.content_path), "content")


def read_thumbnail(attachment: Attachment) -> bytes:
    """Raises `StorageDown` or `encryption.CannotDecrypt`."""
    return attachment.unseal(storage.fetch(attachment.thumbnail_path), "thumbnail")


@receiver(post_delete, sender=Attachment)
def remove_files(*, instance: Attachment, **kwargs: Any) -> None:
    """With an attachment, its note or its owner go the files: once it is certain that they are gone."""
    transaction.on_commit(lambda: storage.remove(instance.content_path, instance.thumbnail_path))

"""Attach photos and files to notes, and read and remove them."""

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

from notes import audio, pictures, quotas, storage
from notes.models import Attachment, Note
from notes.pictures import Picture
from notes.storage import StorageDown
from privatekit.images import BadPicture, Busy

MAX_BYTES = 20 * 1024 * 1024
MAX_ENCODED = 3 * MAX_BYTES
"""Of a picture that was encoded anew: it may be larger than the original, and an export must be importable."""
MAX_NAME = 200  # characters
JOINERS = "\u200c\u200d"
"""Invisible, but part of Persian spelling and of many emoji."""
HARMLESS = ("text/plain", "text/csv", "application/pdf", "application/zip")
BECOME_JPEG = (".heic", ".heif", ".hif", ".mpo")
"""Endings of pictures that `pictures` converts to JPEG."""


class Fault(Enum):
    """Why a file was not attached."""

    TOO_LARGE = _("%(name)s was not attached: a file may have 20 MB.")
    EMPTY = _("%(name)s was not attached: it is empty.")
    BAD_PICTURE = _("%(name)s was not attached: this picture cannot be read.")
    STORAGE_DOWN = _(
        "%(name)s was not attached: file storage is unavailable. The note is safe. Please try again later."
    )
    FULL = _("%(name)s was not attached: your storage is full. Delete notes or files, and empty the trash.")
    GONE = _("%(name)s was not attached: the note no longer exists.")


@sensitive_variables()
def attach(owner: User, pk: UUID, name: str, file: File[bytes], ours: bool = False) -> Attachment | Fault:
    """Encrypt and store a file of up to 20 MB. Pictures lose their metadata first; everything else stays as it is.

    `ours`: it comes from our own export, where a picture may be as large as encoding it anew has made it.
    """
    note = Note.objects.of(owner).openings().filter(pk=pk).first()
    if note is None:
        return Fault.GONE
    if (file.size or 0) > max_bytes(encoded=ours):
        return Fault.TOO_LARGE
    if quotas.full(owner, size=file.size or 0):
        return Fault.FULL
    data = file.read()
    if not data:
        return Fault.EMPTY
    try:
        picture = pictures.clean_picture(data)
    except Busy:
        return Fault.STORAGE_DOWN  # it asks to try again later, which helps here too
    except BadPicture:
        return Fault.BAD_PICTURE
    size = len(picture.content) if picture else len(data)
    if size > max_bytes(encoded=picture is not None):
        return Fault.TOO_LARGE
    return keep(owner, note, tidy(name), picture or data)


def max_bytes(encoded: bool) -> int:
    """How many bytes a file may have, encoded by us or not."""
    return MAX_ENCODED if encoded else MAX_BYTES


@sensitive_variables()
def keep(owner: User, note: Note, name: str, content: Picture | bytes) -> Attachment | Fault:
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
            attachment.set_label(name, audio.sniff(content) or type_of(name))
            attachment.size = len(content)
            stored += [storage.store(attachment.seal(content, "content"))]
            [attachment.content_path] = stored
        with quotas.one_at_a_time(owner):
            full = quotas.full(owner, size=attachment.size)  # again: others may have come in meanwhile
            if full is None:
                attachment.save(force_insert=True)
    except StorageDown:
        storage.remove(*stored)
        return Fault.STORAGE_DOWN
    except BaseException:  # whatever it was: no row, no file
        storage.remove(*stored)
        raise
    if full is not None:
        storage.remove(*stored)
        return Fault.FULL
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
    """The name of a picture once it is a JPEG: a JPEG called IMG_1.HEIC would not open."""
    return name.rpartition(".")[0] + ".jpg" if name.lower().endswith(BECOME_JPEG) else name


def type_of(name: str) -> str:
    """The type that the name says, where it is a harmless one. The file is only ever downloaded."""
    content_type, encoding = mimetypes.guess_type(name)
    return harmless(content_type) if content_type and not encoding else "application/octet-stream"


def harmless(content_type: str) -> str:
    """The type, unless a page could run or apply a file of it: a script, a style, a document."""
    kind = content_type.partition("/")[0]
    known = content_type in HARMLESS or (kind in ("image", "audio", "video") and content_type != "image/svg+xml")
    return content_type if known else "application/octet-stream"


def read(attachment: Attachment) -> bytes:
    """Raises `StorageDown` or `encryption.CannotDecrypt`."""
    return attachment.unseal(storage.fetch(attachment.content_path), "content")


def read_thumbnail(attachment: Attachment) -> bytes:
    """Raises `StorageDown` or `encryption.CannotDecrypt`."""
    return attachment.unseal(storage.fetch(attachment.thumbnail_path), "thumbnail")


@receiver(post_delete, sender=Attachment)
def remove_files(*, instance: Attachment, **kwargs: Any) -> None:
    """Delete the files of a deleted attachment, once the deletion is committed."""
    transaction.on_commit(lambda: storage.remove(instance.content_path, instance.thumbnail_path))

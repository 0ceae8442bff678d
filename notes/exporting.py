"""All notes of a person as a ZIP, made while it is sent: at no time is more than one note or file of it in memory."""

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from notes import attachments
from notes.encryption import CannotDecrypt
from notes.export_format import Names, file_names, file_stem, format_note
from notes.models import Note
from notes.storage import StorageDown
from notes.templatetags.cards import card

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

AT_ONCE = 20  # notes from the database: 20 of the longest are 2 million characters


class Sent(io.RawIOBase):
    """What zipfile writes to: a stream that cannot be wound back, and is emptied into the answer."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        self.waiting += memoryview(data)
        return memoryview(data).nbytes

    def take(self) -> bytes:
        data = bytes(self.waiting)
        self.waiting.clear()
        return data


@sensitive_variables()
def export_zip(owner: User) -> Iterator[bytes]:
    """The ZIP's bytes, piece by piece. What cannot be read is named in a file of its own at the end."""
    sent, names = Sent(), Names()
    missing: list[str] = []
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as archive:
        notes = Note.objects.of(owner).with_attachments().iterator(AT_ONCE)
        for note in notes:
            try:
                stem = names.take(file_stem(note, card(note).title))
                archive.writestr(entry(note, f"{stem}.md"), format_note(note))
            except CannotDecrypt:
                missing.append(f"{note.created:%Y-%m-%d}")
                continue
            yield sent.take()
            files = file_names(attachment.name for attachment in note.hanging)
            for attachment, name in zip(note.hanging, files, strict=True):
                try:
                    place = f"{stem}/{name}"
                    archive.writestr(entry(note, place, packed=False), attachments.read(attachment))
                except (CannotDecrypt, StorageDown):
                    missing.append(stem)
                yield sent.take()
        if missing:
            lines = [_("I could not read everything. Something is missing of:"), *missing]
            archive.writestr(names.take(_("What is missing.txt")), "\n".join(lines))
    yield sent.take()


def entry(note: Note, place: str, packed: bool = True) -> zipfile.ZipInfo:
    """Dated as the note was last changed. Photos are packed already."""
    info = zipfile.ZipInfo(place, max(note.changed, note.changed.replace(year=1980)).timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    return info

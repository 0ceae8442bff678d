"""All notes of a person as a ZIP, made while it is sent: at no time is more than one note or file of it in memory."""

import zipfile
from collections.abc import Iterator

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from notes import attachments
from notes.encryption import CannotDecrypt
from notes.export_format import Names, file_names, file_stem, format_note
from notes.models import Note
from notes.storage import StorageDown
from notes.templatetags.cards import card
from privatekit import zipstream
from privatekit.zipstream import File

BATCH = 20  # notes from the database: 20 of the longest are 2 million characters


@sensitive_variables()
def export_zip(owner: User) -> Iterator[bytes]:
    """The ZIP's bytes, piece by piece. What cannot be read is named in a file of its own at the end."""
    return zipstream.stream(files_of(owner))


def files_of(owner: User) -> Iterator[File]:
    names, missing = Names(), list[str]()
    for note in Note.objects.of(owner).with_attachments().iterator(BATCH):
        try:
            stem = names.take(file_stem(note, card(note).title))
            page = format_note(note)
        except CannotDecrypt:
            missing.append(f"{note.created:%Y-%m-%d}")
            continue
        yield entry(note, f"{stem}.md"), [page]
        for attachment, name in zip(note.attached, file_names(one.name for one in note.attached), strict=True):
            try:
                content = attachments.read(attachment)
            except (CannotDecrypt, StorageDown):
                missing.append(stem)
            else:
                yield entry(note, f"{stem}/{name}", compressed=False), [content]
    if missing:
        lines = [_("Some notes could not be read in full. Parts are missing from:"), *missing]
        yield names.take(_("What is missing.txt")), ["\n".join(lines)]


def entry(note: Note, path: str, compressed: bool = True) -> zipfile.ZipInfo:
    """Dated as the note was last changed. Photos are compressed already."""
    info = zipfile.ZipInfo(path, max(note.changed, note.changed.replace(year=1980)).timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    return info

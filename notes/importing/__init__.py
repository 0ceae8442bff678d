"""Import notes: our own ZIP, or Markdown and text files.

A ZIP is checked as a whole before the first note is saved: one that is too much, or that plays tricks with paths, is
refused altogether.
"""

import zipfile
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.core.files.base import File
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from notes.attachments import tidy
from notes.importing import zips
from notes.importing.report import ENDINGS, MAX_LOOSE, MAX_ZIPPED, Refused, Result
from notes.importing.saving import save_all
from notes.importing.texts import read_loose

__all__ = ["MAX_LOOSE", "MAX_ZIPPED", "Refused", "Result", "import_files", "max_bytes"]


def max_bytes(file: File[bytes]) -> int:
    """How many bytes may be sent of such a file."""
    return MAX_ZIPPED if (file.name or "").lower().endswith(".zip") else MAX_LOOSE


@sensitive_variables()
def import_files(owner: User, files: Iterable[File[bytes]]) -> Result | Refused:
    """Keep what is in the files as notes, and say what was left out, and why."""
    result = Result()
    loose = []
    for file in files:
        name = tidy(file.name or "")
        if name.lower().endswith(".zip"):
            refused = import_zip(owner, file, result)
            if refused:
                return refused
        elif name.lower().endswith(ENDINGS):
            loose.append((name, file))
        else:
            result.left_out.append(_("%(name)s: neither Markdown nor text.") % {"name": name})
    save_all(owner, read_loose(loose, result), result)
    return result


@sensitive_variables()
def import_zip(owner: User, file: File[bytes], result: Result) -> Refused | None:
    try:
        with zipfile.ZipFile(file) as archive:
            refused = zips.check(archive.infolist(), file.size or 0)
            if not refused:
                save_all(owner, zips.read_zip(archive, result), result)
            return refused
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError):
        return Refused.NOT_A_ZIP

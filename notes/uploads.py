"""Files on their way in stay in memory; a ZIP, which may be larger than that, is laid aside sealed.

Django's own handlers write what is larger than 2.5 MB to a temporary folder: a secret, readable on a disk.
"""

import logging
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from notes.responses import unavailable
from notes.sealed_tempfile import SealedTempFile
from notes.storage import StorageDown

logger = logging.getLogger(__name__)


class MemoryUploadHandler(FileUploadHandler):
    """Keeps files in memory, up to `most` bytes of each and `most_together` of all. The rest is read and not kept.

    With `most_zipped`, ZIP files are laid aside instead, of which there may be so many bytes in all.
    """

    def __init__(self, request: HttpRequest, most: int, most_together: int, most_zipped: int = 0) -> None:
        super().__init__(request)
        self.most = most
        self.left = most_together
        self.most_zipped = self.zipped_left = most_zipped

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.content = bytearray()
        self.size = 0
        zipped = self.most_zipped and (self.file_name or "").lower().endswith(".zip")
        self.aside = SealedTempFile() if zipped else None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.aside:
            if self.size <= self.zipped_left:
                self.aside.add(raw_data)
        elif self.size <= min(self.most, self.left):
            self.content += raw_data
        else:
            self.content.clear()

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        if self.aside:
            size = self.size if self.aside.size == self.size else self.most_zipped + 1
            self.zipped_left -= self.aside.size
            return UploadedFile(self.aside.opened(), self.file_name, self.content_type, size, self.charset)
        kept = len(self.content) == self.size
        self.left -= len(self.content)
        size = self.size if kept else self.most + 1  # not kept is too large
        return InMemoryUploadedFile(
            BytesIO(self.content), self.field_name, self.file_name or "", self.content_type, size, self.charset
        )


def uploads(
    most: int, most_together: int, most_zipped: int = 0
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Take files into memory, for people who are signed in. Goes outside everything that looks at the form.

    The check against forgery looks at it too, so it has to come after, and not where Django does it for all views.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def taking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            limits = (most, most_together, most_zipped) if request.user.is_authenticated else (0, 0)
            request.upload_handlers = [MemoryUploadHandler(request, *limits)]
            try:
                return protected(request, *args, **kwargs)
            except StorageDown as error:  # while it was read: the view itself tells its own
                logger.error("No room for a file on its way in: %s", error)
                return unavailable(request)

        return taking

    return decorate

"""Files on their way in stay in memory; a ZIP, which may be larger than that, goes into an encrypted temporary file."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from notes.responses import unavailable
from notes.sealed_tempfile import SealedTempFile
from notes.storage import StorageDown
from privatekit.uploads import Limits, MemoryUploadHandler

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def uploads(limits: Limits) -> Callable[[View], View]:
    """Take files, from people who are signed in. Goes outside everything that looks at the form.

    The CSRF check looks at it too, so it has to come after this, and not where Django does it for all views.
    """

    def decorate(view: View) -> View:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def taking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            allowed = limits if request.user.is_authenticated else Limits()
            request.upload_handlers = [MemoryUploadHandler(request, allowed, SealedTempFile)]
            try:
                return protected(request, *args, **kwargs)
            except StorageDown as error:  # while it was read: the view handles its own
                logger.error("No room for an uploaded file: %s", error)
                return unavailable(request)

        return taking

    return decorate

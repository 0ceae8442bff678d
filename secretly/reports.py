"""What an error report says of the request that it happened in: names, never contents."""

from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class NamesAlone(SafeExceptionReporterFilter):
    """Reports name variables with their types, and say nothing of forms.

    Django's own filter hides what is marked as sensitive, while DEBUG is off, once the view has said so. A picture, or
    a note, passes through frames that nobody marked (the parser of forms, botocore), and errors happen before the view.
    """

    def is_active(self, request: HttpRequest | None) -> bool:
        return True  # also on the pages of DEBUG

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, f"<{type(value).__name__}>") for name, value in tb_frame.f_locals.items()]

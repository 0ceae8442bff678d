"""What an error report says about its request: names and types, never contents."""

from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class NamesOnlyFilter(SafeExceptionReporterFilter):
    """Name variables with their types, and leave forms out.

    Django's own filter hides what a view has marked as sensitive, and only while DEBUG is off. A picture or a note also
    passes through code that nobody marked (the form parser, botocore), and errors can happen before the view.
    """

    def is_active(self, request: HttpRequest | None) -> bool:
        return True  # on the pages of DEBUG, too

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, f"<{type(value).__name__}>") for name, value in tb_frame.f_locals.items()]

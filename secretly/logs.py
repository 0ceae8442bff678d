"""What the logs look like: lines for people, or JSON for programs (`SECRETLY_LOG`), each with its request's id.

The JSON has the fields named here and no others: whatever else a library puts into a log record stays out of it.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.core.signals import request_finished
from django.dispatch import receiver

KINDS = ("line", "json")

# As proxies make them: nginx 32 hexadecimal digits, others a UUID or a ULID. Anything else could forge a log line.
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{8,64}")

FIELDS = ("view", "method", "status", "ms")  # of the line about a request, see middleware.observed

request_id: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(given: str) -> str:
    """The id of the request that begins: the one that a proxy gave it, if it is well-formed, or a new one."""
    name = given if WELL_FORMED.fullmatch(given) else uuid4().hex
    request_id.set(name)
    return name


@receiver(request_finished)
def end_request(**kwargs: Any) -> None:
    """After the last byte, and not before: what streams may still have something to say."""
    request_id.set("")


class OfRequest(logging.Filter):
    """Gives every record the id of the request that it is about, or "-"."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get() or "-"
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configuration(kind: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`."""
    # Below DEBUG=False nothing prints local variables or request bodies; botocore would print pictures at DEBUG level.
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"of_request": {"()": OfRequest}},
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"},
            "json": {"()": JsonFormatter},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": kind, "filters": ["of_request"]},
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "secretly.requests": {"level": "INFO" if kind == "json" else "WARNING"},  # a line for each
            "django": {"level": "INFO", "propagate": True, "handlers": []},
            "django.request": {"level": "ERROR"},  # a refused photo is no warning: the log of the door has it
            "django.server": {"level": "INFO", "propagate": True, "handlers": []},
            "botocore": {"level": "INFO"},
            "boto3": {"level": "INFO"},
            "urllib3": {"level": "INFO"},
            "gunicorn.http.wsgi": {"level": "ERROR"},  # it warns of each HEAD: Django leaves it to drop the body
            "faiss": {"level": "WARNING"},  # it tells which of its builds it has loaded
        },
    }

"""Logs: lines for people or JSON for programs (`SECRETLY_LOG`), each with the id of its request.

The JSON has only the fields named here. Whatever else a library puts into a log record is left out.
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

# Ids as proxies make them: 32 hexadecimal digits (nginx), a UUID or a ULID. Anything else could forge a log line.
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{8,64}")

FIELDS = ("view", "method", "status", "ms")  # of the line about a request: see middleware.log_and_count

request_id: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(given: str) -> str:
    """Set the id of this request: the given one if it is well-formed, else a new one."""
    name = given if WELL_FORMED.fullmatch(given) else uuid4().hex
    request_id.set(name)
    return name


@receiver(request_finished)
def end_request(**kwargs: Any) -> None:
    """Clear the id after the last byte, not before: a streamed answer may still log."""
    request_id.set("")


class RequestIdFilter(logging.Filter):
    """Add `request_id` to every record; "-" outside of a request."""

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
    """A dictionary for `logging.config.dictConfig`. No level here is DEBUG, at which botocore prints pictures."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestIdFilter}},
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"},
            "json": {"()": JsonFormatter},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": kind, "filters": ["request_id"]},
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "secretly.requests": {"level": "INFO" if kind == "json" else "WARNING"},  # a line for each request
            "django": {"level": "INFO", "propagate": True, "handlers": []},
            "django.request": {"level": "ERROR"},  # a refused photo is in the sign-in log
            "django.server": {"level": "INFO", "propagate": True, "handlers": []},
            "botocore": {"level": "INFO"},
            "boto3": {"level": "INFO"},
            "urllib3": {"level": "INFO"},
            "gunicorn.http.wsgi": {
                "level": "ERROR"
            },  # it warns of the body of each HEAD, which Django leaves it to drop
            "faiss": {"level": "WARNING"},  # it announces which of its builds it has loaded
        },
    }

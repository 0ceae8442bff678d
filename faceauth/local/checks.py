"""Django's system check of the local service."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from faceauth.conf import named
from faceauth.local import template_encryption
from faceauth.local.models import Face, User


def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """faceauth.local.E001: templates are encrypted with a key that is not in the settings, and can never match."""
    try:
        missing = missing_keys()
    except (DatabaseError, ImproperlyConfigured, ValueError):
        return []  # no tables yet, no database, or invalid keys: other checks report these
    return [
        Error(
            f"Faces are encrypted with the key {key_id}, which ENCRYPTION_KEYS does not hold.",
            hint=f"Put that key back into {named('ENCRYPTION_KEYS')}, after the others. Without it they are lost.",
            id="faceauth.local.E001",
        )
        for key_id in missing
    ]


def missing_keys() -> list[str]:
    """The ids of keys that the database uses and the settings lack."""
    known = ["", *template_encryption.keys()]
    unknown = (kind._default_manager.exclude(key_id__in=known).order_by() for kind in (Face, User))
    return sorted({key_id for rows in unknown for key_id in rows.values_list("key_id", flat=True).distinct()})

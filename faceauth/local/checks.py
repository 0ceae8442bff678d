"""What must be right before the first face is compared, said at start."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from faceauth.local import template_encryption
from faceauth.local.models import Face, Sealed, User


def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """faceauth.local.E001: templates are sealed with a key that is not in the settings, and could never be matched."""
    try:
        missing = sorted(set(missing_keys(Face)) | set(missing_keys(User)))
    except (DatabaseError, ImproperlyConfigured, ValueError):
        return []  # no tables yet, no database, or keys that are none: other checks say so
    return [
        Error(
            f"Remembered faces are sealed with the key {key_id}, which ENCRYPTION_KEYS does not hold.",
            hint="Put that key back into SECRETLY_ENCRYPTION_KEYS, after the others. Without it these faces are lost.",
            id="faceauth.local.E001",
        )
        for key_id in missing
    ]


def missing_keys(kind: type[Sealed]) -> list[str]:
    sealed = kind._default_manager.exclude(key_id__in=["", *template_encryption.keys()])
    return list(sealed.order_by().values_list("key_id", flat=True).distinct()[:5])

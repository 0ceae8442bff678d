"""The settings of faceauth: one FACEAUTH dict, these defaults.

>>> from faceauth.conf import conf
>>> conf().THRESHOLD
'auto'
"""

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver


@dataclass(frozen=True, slots=True)
class Conf:
    ENDPOINT: str = "local"
    """Where Rekognition's calls go: `local` (this process), `aws`, or the URL of anything that speaks the same wire."""

    REGION: str = "us-east-1"
    """The AWS region to call."""

    COLLECTION: str = "secretly"
    """The CollectionId that remembers the faces: `[a-zA-Z0-9_.\\-]+`, at most 255 characters."""

    THRESHOLD: float | str = "auto"
    """The least similarity that opens the door: `auto` keeps to FALSE_OPEN_ODDS, a number from 0 to 100 fixes it."""

    FALSE_OPEN_ODDS: float = 1e-4
    """The chance, above 0 and below 1, that one attempt of a stranger may open somebody's notebook."""

    ENROLMENT: str = "consent"
    """What happens to a stranger: `consent` asks, `open` remembers at once, `closed` refuses."""

    ENCRYPTION_KEYS: list[str] = field(default_factory=list)
    """Fernet keys for what is at rest: the first one writes, all read. Needed."""

    EXPORTERS: list[str] = field(default_factory=list)
    """Dotted paths of functions that add to a person's export: see `faceauth.export`."""

    LOCAL_SECRET_KEYS: dict[str, str] = field(default_factory=dict, repr=False)
    """Who may call `manage.py rekognition_local`: secret access keys by their access key ids."""


@cache
def conf() -> Conf:
    """The settings in force; read once, and again after `override_settings`."""
    given: dict[str, Any] = getattr(settings, "FACEAUTH", {})
    unknown = sorted(given.keys() - {f.name for f in fields(Conf)})
    if unknown:
        raise ImproperlyConfigured(
            f"FACEAUTH has no setting {', '.join(unknown)}: see faceauth/conf.py for those there are."
        )
    return Conf(**given)


@receiver(setting_changed)
def forget_settings(*, setting: str, **kwargs: Any) -> None:
    if setting == "FACEAUTH":
        conf.cache_clear()

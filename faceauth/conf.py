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
    """The least similarity that opens the door: `auto` keeps to TARGET_FPIR, a number from 0 to 100 fixes it."""

    TARGET_FPIR: float = 1e-4
    """The chance, above 0 and below 1, that one attempt of a stranger may open somebody's notebook."""

    ENROLMENT: str = "consent"
    """What happens to a stranger: `consent` asks, `open` remembers at once, `closed` refuses."""

    LIVENESS: str = "camera"
    """Who must show a living face: `camera` those who come by camera, `always` everybody, `off` nobody."""

    ATTEMPTS_PER_ADDRESS: str = "60/m"
    """Attempts at the door from one address: "60/m", several with commas, or "off". 600 people who come in within ten
    minutes are 60 a minute. Looks count apart from pictures."""

    ATTEMPTS_PER_SESSION: str = "20/m"
    """Attempts in one session: nobody is quicker, and a page that has gone wild stops itself."""

    FAILURES_PER_ADDRESS: str = "30/h, 120/d"
    """Attempts from one address in which a face was looked up that opens nothing here; and, counted apart, looks that
    asked for something and were not passed. At odds of 1 in 10,000 each, 120 guesses a day open somebody's notebook
    with 1.2 %: once in 83 days of guessing all day long. And of 250 people who come in ten times a day, 1.2 to 4.8 % of
    single photos are not recognised (docs/looks.md): 30 to 120."""

    CALL_BUDGET: str = "300/m, 3000/h"
    """Calls to Rekognition, of everybody together. A sign-in makes one or two for each frame. 300 a minute are the 5 a
    second that Amazon grants in its smaller regions; 3,000 an hour cost 3 USD (0.001 USD a call)."""

    FRAMES_PER_ADDRESS: str = "1800/m"
    """Frames of looks from one address: ten people at once, three frames a second each."""

    ENCRYPTION_KEYS: list[str] = field(default_factory=list)
    """Fernet keys for what is at rest: the first one writes, all read. Needed."""

    TRUSTED_DEVICE_DAYS: int = 90
    """How long a trusted device stays one without being used."""

    EXPORTERS: list[str] = field(default_factory=list)
    """Dotted paths of functions that add to a person's export: see `faceauth.privacy.export`."""

    USAGE: list[str] = field(default_factory=list)
    """Dotted paths of functions that tell the desk how much other apps hold: see `operators.dashboard`."""

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


MAX_FRAMES = 3

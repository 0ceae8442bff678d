"""The settings of faceauth: the dict FACEAUTH, with these defaults.

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
    SITE_NAME: str = ""
    """What the pages call the site, and an authenticator app its entry; the host name where it is empty."""

    ENDPOINT: str = "local"
    """Where calls to Rekognition go: `local` (this process), `aws`, or a URL with the same API."""

    REGION: str = "us-east-1"
    """The AWS region to call."""

    COLLECTION: str = "faceauth"
    """The CollectionId of the faces: `[a-zA-Z0-9_.\\-]+`, at most 255 characters."""

    THRESHOLD: float | str = "auto"
    """The least similarity to be recognised: `auto` follows TARGET_FPIR, a number from 0 to 100 fixes it."""

    TARGET_FPIR: float = 1e-4
    """The chance, above 0 and below 1, that one attempt of a stranger may open somebody's notebook."""

    ENROLMENT: str = "closed"
    """What happens to a stranger: `consent` asks, `open` enrols at once, `closed` refuses. Whoever has an account can
    add their face to it in any case."""

    CONSENT_VERSION: str = "faceauth 2026-11-25"
    """The version of faceauth/consent_text.html, kept with each consent. Change it with the text."""

    MAKE_USER: str = ""
    """Dotted path of the function that makes a stranger's account: `(name: str) -> User`, with a new UUID as `name`. It
    runs in a transaction. Empty: a user of that name without a password."""

    FORGET_ACCOUNT: str = "made"
    """What being forgotten deletes besides the face: `made` the account where an enrolment made it and it has no
    password, `always` the account, `never` nothing. Where the account stays, the face alone is withdrawn."""

    ADMIN_PEOPLE: bool = False
    """Whether Django's admin of users becomes one of people: read-only for who signs in by face, with actions. It also
    takes away django-otp's pages, which show secrets."""

    PHOTOS: str = "fallback"
    """What a photo may open: `fallback` the notebook of who has never passed a liveness check, and otherwise only with
    a trusted device or a second factor; `open` any notebook, as a liveness check does; `never` nothing."""

    ENROLMENTS_PER_ADDRESS: str = "5/h, 20/d"
    """New people from one address. A family that begins together is five; a classroom needs more, or a day."""

    ENROLMENTS: str = "300/d"
    """New people of the whole site."""

    PHOTO_ENROLMENT_DAYS: int = 14
    """After so many days somebody who was enrolled by a photo and never came back is forgotten, by `expire`."""

    ATTEMPTS_PER_ADDRESS: str = "60/m"
    """Attempts to sign in from one address: "60/m", several with commas, or "off". 600 people who sign in within ten
    minutes are 60 a minute. Liveness checks and pictures are counted apart."""

    ATTEMPTS_PER_SESSION: str = "20/m"
    """Attempts in one session. Nobody is faster, and a page with a fault stops itself."""

    FAILURES_PER_ADDRESS: str = "30/h, 120/d"
    """Attempts from one address in which a face was searched for and not recognised; and, counted apart, liveness
    checks that were not passed. At odds of 1 in 10,000 each, 120 guesses a day open somebody's notebook with 1.2 %:
    once in 83 days of guessing all day. And of 250 people who sign in ten times a day, 1.2 to 4.8 % of single photos
    are not recognised (docs/appearances.md): 30 to 120."""

    CALL_BUDGET: str = "300/m, 3000/h"
    """Calls to Rekognition, of everybody together. A sign-in makes one or two for each frame. 300 a minute are the 5 a
    second that Amazon allows in its smaller regions; 3,000 an hour cost 3 USD (0.001 USD a call)."""

    FRAMES_PER_ADDRESS: str = "3000/m"
    """Frames of liveness checks from one address: ten people at once, five frames a second each."""

    MFA_RESET_HOURS: float = 24.0
    """How long a reset of somebody's second factor waits, so that they can see and stop it. 0 resets at once."""

    MFA_RESET_NEEDS_TWO: bool = False
    """Whether a second operator must approve a reset of somebody's second factor."""

    OPERATOR_MFA: bool = False
    """Whether operators need a second factor at /admin/, which they set up when they first sign in."""

    OPERATOR_FAILURES: str = "20/h, 60/d"
    """Failed sign-ins to one operator's account, from all addresses together. Nobody mistypes as often."""

    ENCRYPTION_KEYS: list[str] = field(default_factory=list)
    """Fernet keys for stored secrets: the first encrypts, all decrypt. Required."""

    SENSITIVE: dict[str, str] = field(default_factory=dict)
    """More acts that need a fresh proof: the names of their URLs, and of the page to come back to. See
    `faceauth.web.reauthentication`."""

    TRUSTED_DEVICE_DAYS: int = 90
    """How long a trusted device stays one without being used."""

    EXPORTERS: list[str] = field(default_factory=list)
    """Dotted paths of functions that add to a person's export: see `faceauth.privacy.export`."""

    USAGE: list[str] = field(default_factory=list)
    """Dotted paths of functions that count what other apps store: see `faceauth.operators.dashboard.usage`."""

    PRIVACY: list[str] = field(default_factory=list)
    """Dotted paths of functions that yield what other apps process: see `faceauth.privacy.record`."""

    CONTROLLER: str = ""
    """Who is responsible for the data of people (GDPR, Art. 4(7)): name and address, for the privacy file."""

    NAMES: dict[str, str] = field(default_factory=dict)
    """What the site calls settings of this dict, such as environment variables by the names here, for hints."""

    LOCAL_SECRET_KEYS: dict[str, str] = field(default_factory=dict, repr=False)
    """Who may call `manage.py rekognition_local`: secret access keys by their access key ids."""


@cache
def conf() -> Conf:
    """The current settings: read once, and again after `override_settings`."""
    given: dict[str, Any] = getattr(settings, "FACEAUTH", {})
    unknown = sorted(given.keys() - {f.name for f in fields(Conf)})
    if unknown:
        raise ImproperlyConfigured(f"FACEAUTH has no setting {', '.join(unknown)}: see faceauth/conf.py.")
    return Conf(**given)


def named(name: str) -> str:
    """What whoever runs this site calls a setting: its own name for it, or `FACEAUTH["NAME"]`."""
    names: dict[str, str] = getattr(settings, "FACEAUTH", {}).get("NAMES", {})
    return names.get(name, f'FACEAUTH["{name}"]')


@receiver(setting_changed)
def forget_settings(*, setting: str, **kwargs: Any) -> None:
    if setting == "FACEAUTH":
        conf.cache_clear()


MAX_FRAMES = 3

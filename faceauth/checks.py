"""Checks at start: settings and files of faceauth that cannot work, each with its cure."""

import re
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from faceauth.conf import Conf, conf, named
from faceauth.policy import capacity, false_matches, thresholds
from faceauth.policy.capacity import Capacity
from faceauth.ratelimit import limits
from faceauth.vision import networks

COLLECTION_ID = re.compile(r"[a-zA-Z0-9_.\-]{1,255}")
ENROLMENTS = ("consent", "open", "closed")
PHOTOS = ("fallback", "open", "never")


@register
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    try:
        given = conf()
    except (ImproperlyConfigured, TypeError) as error:
        return [Error(f"FACEAUTH cannot be read: {error}", hint="See faceauth/conf.py.", id="faceauth.E001")]
    return [
        *check_endpoint(given),
        *check_collection(given),
        *check_threshold(given),
        *check_odds(given),
        *check_enrolment(given),
        *check_photos(given),
        *check_keys(given),
        *check_limits(given),
        *check_resets(given),
    ]


def check_endpoint(given: Conf) -> list[CheckMessage]:
    if given.ENDPOINT in ("local", "aws") or re.match(r"https?://[^/\s]+", given.ENDPOINT):
        return []
    hint = f"Set {named('ENDPOINT')} to local, to aws, or to a URL such as http://127.0.0.1:5005."
    return [Error(f"{given.ENDPOINT!r} is not an endpoint for Rekognition.", hint=hint, id="faceauth.E002")]


def check_collection(given: Conf) -> list[CheckMessage]:
    if COLLECTION_ID.fullmatch(given.COLLECTION):
        return []
    hint = f"Set {named('COLLECTION')} to at most 255 letters, digits, and the marks _ . -"
    return [Error(f"{given.COLLECTION!r} cannot be the name of a collection.", hint=hint, id="faceauth.E003")]


def check_threshold(given: Conf) -> list[CheckMessage]:
    if given.THRESHOLD == "auto":
        return []
    if not isinstance(given.THRESHOLD, float | int) or not 0 <= given.THRESHOLD <= 100:
        hint = f"Set {named('THRESHOLD')} to auto, or to a number from 0 to 100."
        return [Error(f"{given.THRESHOLD!r} is not a similarity.", hint=hint, id="faceauth.E004")]
    if given.THRESHOLD < 80:
        # Rekognition's default. A value like 0.9 is on the wrong scale, and would let anybody sign in as anybody.
        hint = f"Similarities go from 0 to 100. Set {named('THRESHOLD')} to 90 or more."
        return [
            Error(f"A threshold of {given.THRESHOLD:g} lets strangers in.", hint=hint, id="faceauth.E005")
            if given.THRESHOLD <= 1
            else Warning(f"A threshold of {given.THRESHOLD:g} is low.", hint=hint, id="faceauth.W001")
        ]
    return []


def check_odds(given: Conf) -> list[CheckMessage]:
    if isinstance(given.TARGET_FPIR, float) and 0 < given.TARGET_FPIR < 1:
        return []
    hint = f"Set {named('TARGET_FPIR')} to a number between 0 and 1: 0.0001 is one attempt in 10,000."
    return [Error(f"{given.TARGET_FPIR!r} is not a probability.", hint=hint, id="faceauth.E011")]


@register(Tags.database)
def check_people(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Whether there are or soon will be too many people for the odds; run by `migrate` and `check --database`."""
    if not databases:
        return []
    try:
        now, here = thresholds.outlook(), capacity.current_capacity()
    except DatabaseError:  # before the first migration there is nobody
        return []
    return [*check_fixed_threshold(now), *check_capacity(now, here)]


def check_fixed_threshold(now: thresholds.Outlook) -> list[CheckMessage]:
    if conf().THRESHOLD == thresholds.AUTO or now.photo.odds <= now.limit * thresholds.ROUNDING:
        return []
    what = (
        f"With {now.people} people and a threshold of {now.photo.threshold:g}, {false_matches.as_words(now.photo.odds)}"
        f" attempts of a stranger may sign in as somebody; the limit is {false_matches.as_words(now.limit)}."
    )
    return [Warning(what, hint=f"Set {named('THRESHOLD')} to auto.", id="faceauth.W002")]


def check_capacity(now: thresholds.Outlook, here: Capacity) -> list[CheckMessage]:
    if not here.near:
        return []
    if here.shut_out:
        follows = "they are refused, and enrolment is closed"
    elif here.full:
        follows = "enrolment is closed, because one more person would shut them out"
    else:
        follows = "enrolment will close when one more person would shut them out"
    what = (
        f"Of {here.people} people, {here.without_mfa} have no second factor, which is required with {now.mfa_from} or"
        f" more: {follows}."
    )
    return [Warning(what, hint=capacity.CURE, id="faceauth.W003")]


def check_enrolment(given: Conf) -> list[CheckMessage]:
    if given.ENROLMENT in ENROLMENTS:
        return []
    hint = f"Set {named('ENROLMENT')} to one of {', '.join(ENROLMENTS)}."
    return [Error(f"{given.ENROLMENT!r} is not a kind of enrolment.", hint=hint, id="faceauth.E006")]


def check_photos(given: Conf) -> list[CheckMessage]:
    if given.PHOTOS in PHOTOS:
        return []
    hint = f"Set {named('PHOTOS')} to one of {', '.join(PHOTOS)}."
    return [Error(f"{given.PHOTOS!r} does not say what a photo may open.", hint=hint, id="faceauth.E012")]


def check_keys(given: Conf) -> list[CheckMessage]:
    hint = f"Set {named('ENCRYPTION_KEYS')} to a list of keys as Fernet.generate_key() makes them."
    if not given.ENCRYPTION_KEYS:
        return [Error("There is no key to encrypt templates.", hint=hint, id="faceauth.E007")]
    try:
        for key in given.ENCRYPTION_KEYS:
            Fernet(key)
    except ValueError:
        return [Error("One of the encryption keys is not valid.", hint=hint, id="faceauth.E007")]
    return []


LIMITS = (
    "ATTEMPTS_PER_ADDRESS",
    "ATTEMPTS_PER_SESSION",
    "ENROLMENTS_PER_ADDRESS",
    "ENROLMENTS",
    "FAILURES_PER_ADDRESS",
    "CALL_BUDGET",
    "FRAMES_PER_ADDRESS",
    "OPERATOR_FAILURES",
)


def check_limits(given: Conf) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    for name in LIMITS:
        hint = f"Set {named(name)} to a rate such as 60/m, to several such as 30/h, 120/d (s, m, h or d), or to off."
        try:
            most = [limit.most for limit in limits.limits(getattr(given, name))]
        except (ValueError, AttributeError):
            errors.append(Error(f"{getattr(given, name)!r} is not a rate limit.", hint=hint, id="faceauth.E009"))
        else:
            least = max(limits.ENROLMENT_CALLS, limits.calls_to_sign_in(given.ENROLMENT))
            if name == "CALL_BUDGET" and most and min(most) < least:
                hint = f"Set {named('CALL_BUDGET')} to {least} or more, or to off."
                what = f"{given.CALL_BUDGET!r} lets nobody be enrolled, which takes {least} calls."
                errors.append(Error(what, hint=hint, id="faceauth.E010"))
    return errors


def check_resets(given: Conf) -> list[CheckMessage]:
    if isinstance(given.MFA_RESET_HOURS, float | int) and 0 <= given.MFA_RESET_HOURS <= 24 * 365:
        return []
    hint = f"Set {named('MFA_RESET_HOURS')} to a number of hours from 0 to 8760."
    return [Error(f"{given.MFA_RESET_HOURS!r} is not a number of hours.", hint=hint, id="faceauth.E013")]


@register
def check_models(**kwargs: Any) -> list[CheckMessage]:
    """Whether each face model exists, can be read, and is the one that the OpenCV Zoo published."""
    errors: list[CheckMessage] = []
    for name in networks.DIGESTS:
        try:
            networks.model_bytes(name)
        except networks.ModelError as error:
            errors.append(Error(error.sentence, hint=error.cure, id="faceauth.E008"))
    return errors

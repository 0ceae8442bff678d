"""How much a liveness check asks for on a trusted device: the person chooses, and the policy has the last word."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

from faceauth.liveness.requests import Kind
from faceauth.mfa import trusted_devices
from faceauth.models import PhotoLogin, SignIn
from faceauth.policy import photo_logins

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WEAKEST_FIRST = (Kind.GLANCE, Kind.SINGLE, Kind.FULL)


def choice_of(user: "User") -> Kind:
    return Kind(photo_logins.row_of(user).device_check)


def choose(user: "User", kind: Kind) -> None:
    PhotoLogin.note(user.pk, device_check=kind)


def may_glance(user: "User") -> bool:
    """Whether a check without a movement may be enough: only where a photo on the same device would be, for a photo
    that somebody moves before the camera passes it."""
    return photo_logins.may_sign_in_by(user, SignIn.Method.FILE, trusted=True)


def choices_for(user: "User") -> list[tuple[str, str]]:
    """What the person may choose, with the sentence for each."""
    choices = PhotoLogin.DeviceCheck.choices
    return [(kind, str(words)) for kind, words in choices if kind != Kind.GLANCE or may_glance(user)]


def kind_of(user: "User") -> Kind:
    """What the person is asked for on a trusted device of theirs."""
    chosen = choice_of(user)
    return Kind.SINGLE if chosen == Kind.GLANCE and not may_glance(user) else chosen


def kind_on(request: HttpRequest) -> Kind:
    """What this browser asks for before it knows who of its people is there: the most that one of them wants.

    A full check where it is no trusted device.
    """
    kinds = (kind_of(device.user) for device in trusted_devices.people_of(request))
    return max(kinds, key=WEAKEST_FIRST.index, default=Kind.FULL)


def is_enough(kind: Kind, request: HttpRequest) -> bool:
    """Whether a check of this kind is still what this browser asks for: its cookie may be another one by now."""
    return WEAKEST_FIRST.index(kind) >= WEAKEST_FIRST.index(kind_on(request))

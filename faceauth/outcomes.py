"""What can come of a sign-in: the same codes in the database, in JSON and in the admin, and a sentence for people."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Outcome(models.TextChoices):
    RECOGNISED = "recognised", _("recognised")
    ENROLLED = "enrolled", _("enrolled")
    STRANGER = "stranger", _("stranger")
    REFUSED = "refused", _("refused")
    THROTTLED = "throttled", _("throttled")
    UNAVAILABLE = "unavailable", _("unavailable")


class Reason(models.TextChoices):
    """Why an attempt was refused."""

    NO_FACE = "no_face", _("no face")
    SEVERAL_FACES = "several_faces", _("several faces")
    TOO_SMALL = "too_small", _("too small")
    TOO_DARK = "too_dark", _("too dark")
    TOO_BRIGHT = "too_bright", _("too bright")
    BLURRED = "blurred", _("blurred")
    TURNED_AWAY = "turned_away", _("turned away")
    UNCLEAR = "unclear", _("unclear")
    NOT_AN_IMAGE = "not_an_image", _("not an image")
    UNSUPPORTED_FORMAT = "unsupported_format", _("unsupported format")
    TOO_LARGE = "too_large", _("too large")
    LIVENESS_FAILED = "liveness_failed", _("liveness check failed")
    EXPIRED = "expired", _("expired")
    AMBIGUOUS = "ambiguous", _("ambiguous")
    INACTIVE = "inactive", _("inactive")
    CLOSED = "closed", _("closed")
    NEAR_MATCH = "near_match", _("near match")
    DIFFERENT_PERSON = "different_person", _("different person")
    TOO_MANY_FACES = "too_many_faces", _("no room for more faces")
    LIVENESS_REQUIRED = "liveness_required", _("liveness check required")
    CLAIM = "claim", _("asked whose notebook it is")
    MFA_REQUIRED = "mfa_required", _("second factor required")
    MFA_FAILED = "mfa_failed", _("second factor failed")
    CONSENT_REQUIRED = "consent_required", _("consent required")
    PASSWORD_REQUIRED = "password_required", _("password required")
    PASSWORD_FAILED = "password_failed", _("password failed")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photo that cannot be used, and why. A value, not an exception: "no" is an ordinary answer here."""

    reason: Reason


# One plain sentence for the person; where something can be done, it says what.
SENTENCES: dict[Outcome | Reason, Promise] = {
    Outcome.RECOGNISED: _("I know you. Come in."),
    Outcome.ENROLLED: _("I will know you from now on. Here is a blank page."),
    Outcome.STRANGER: _("We have not met. May I remember you?"),
    Outcome.THROTTLED: _("That was too many attempts. Please wait a moment, then try again."),
    Outcome.UNAVAILABLE: _("I cannot see right now. Please try again in a moment."),
    Reason.NO_FACE: _("I cannot find a face in this picture. Look straight at me and try again."),
    Reason.SEVERAL_FACES: _("I see more than one face. Please come alone, so that I open the right notebook."),
    Reason.TOO_SMALL: _("You are too far away. Come closer and try again."),
    Reason.TOO_DARK: _("It is too dark to see you. Face a window or a lamp and try again."),
    Reason.TOO_BRIGHT: _("It is too bright to see you. Turn away from the light and try again."),
    Reason.BLURRED: _("The picture is blurred. Hold still and try again."),
    Reason.TURNED_AWAY: _("You are turned away. Look straight at me and try again."),
    Reason.UNCLEAR: _(
        "I cannot see your face clearly enough. Look straight at me, in good light, with nothing over it."
    ),
    Reason.NOT_AN_IMAGE: _("That is not a picture that I can open. Choose a photo of your face."),
    Reason.UNSUPPORTED_FORMAT: _("I cannot read this kind of picture. Choose a JPEG, PNG, HEIC or WebP photo."),
    Reason.TOO_LARGE: _("This picture is too large. Choose one below 15 MB."),
    Reason.LIVENESS_FAILED: _("I am not sure that I see a living face. Please try again."),
    Reason.EXPIRED: _("That took too long. Please look at me once more."),
    Reason.AMBIGUOUS: _("You look like more than one person I know, so I open nothing. Try again in better light."),
    Reason.INACTIVE: _("This notebook does not open for a face. Please ask whoever runs this site."),
    Reason.CLOSED: _("We have not met, and this notebook takes no new people."),
    Reason.NEAR_MATCH: _("You look familiar. Try once more: look straight at me, in good light."),
    Reason.DIFFERENT_PERSON: _("I do not see you in this picture as I know you. Try again in better light."),
    Reason.TOO_MANY_FACES: _("That is the most appearances that can be kept. Remove one first."),
    Reason.LIVENESS_REQUIRED: _("A photo is not enough here. Please look at me with the camera."),
    Reason.CLAIM: _("A photo made a notebook for a face like yours. Is it yours?"),
    Reason.MFA_REQUIRED: _(
        "Your face alone does not open this notebook: it needs your second factor. If you have none, please ask the"
        " operator of this site."
    ),
    Reason.PASSWORD_REQUIRED: _("Please give your password once more, to be sure that it is you."),
    Reason.PASSWORD_FAILED: _("That was not your password. Please try again."),
    Reason.CONSENT_REQUIRED: _("Your face is kept only if you agree. Tick the box first."),
    Reason.MFA_FAILED: _("That is not your second factor. Please try again."),
}


# The same of a chosen photo, where other words help: nobody can hold still in it any more.
PHOTO_SENTENCES: dict[Reason, Promise] = {
    Reason.NO_FACE: _("I find no face in this photo. Choose one in which you look straight into the camera."),
    Reason.SEVERAL_FACES: _("There is more than one face in this photo. Choose one that shows you alone."),
    Reason.TOO_SMALL: _("Your face is too small in this photo. Choose one that was taken from closer."),
    Reason.TOO_DARK: _("This photo is too dark. Choose a brighter one."),
    Reason.TOO_BRIGHT: _("This photo is too bright. Choose one with less light on your face."),
    Reason.BLURRED: _("This photo is blurred. Choose a sharper one."),
    Reason.TURNED_AWAY: _("You are turned away in this photo. Choose one in which you look straight into the camera."),
    Reason.UNCLEAR: _("Your face is not clear enough in this photo. Choose one in good light, with nothing over it."),
    Reason.AMBIGUOUS: _("This photo looks like more than one person I know, so I open nothing. Choose another one."),
    Reason.NEAR_MATCH: _("This face looks familiar. Choose another photo, in good light."),
    Reason.DIFFERENT_PERSON: _("I do not see you in this photo as I know you. Choose another one."),
}


def photo_sentence(reason: Reason) -> str:
    """What to say of a chosen photo that is refused."""
    return str(PHOTO_SENTENCES.get(reason, SENTENCES[reason]))


def sentence(outcome: Outcome, reason: Reason | None = None) -> str:
    """What to say to the person."""
    return str(SENTENCES[reason or outcome])


@dataclass(frozen=True, slots=True)
class Recognition:
    """What came of a photo: `user` is set when, and only when, somebody was recognised or enrolled."""

    outcome: Outcome
    reason: Reason | None = None
    user: "User | None" = None
    similarity: float | None = None
    near: "User | None" = field(default=None, compare=False)
    """Whom the photo is like, without being let in. Of a stranger: they look familiar."""
    needs_mfa: bool = False
    """Whether the face alone is not enough, with so many people: `user` may only sign in with a second factor."""
    searched: bool = field(default=False, compare=False)
    """Whether a photo that is refused for what is wrong with it was looked up before: it was a guess all the same."""


def refused(
    reason: Reason, similarity: float | None = None, near: "User | None" = None, searched: bool = False
) -> Recognition:
    return Recognition(Outcome.REFUSED, reason, similarity=similarity, near=near, searched=searched)

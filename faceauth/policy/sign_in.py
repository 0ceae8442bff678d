"""The policy of a sign-in: what a recognised face may open, and what it needs besides."""

from dataclasses import dataclass
from enum import Enum

from faceauth.mfa import authenticators
from faceauth.outcomes import Reason, Recognition, refused
from faceauth.policy import photo_logins


class Access(Enum):
    OPEN = "open"
    """The session opens now."""
    SECOND_FACTOR = "second_factor"
    """The session opens when the second factor is given."""
    NONE = "none"
    """Nothing opens: a stranger, or refused for a reason that the visitor may know."""
    CONCEALED = "concealed"
    """Nothing opens, and the visitor hears what a stranger hears: whoever holds up a photo of somebody shall not learn
    that they have a notebook here."""


@dataclass(frozen=True, slots=True)
class Decision:
    access: Access
    recognition: Recognition
    """What the sign-in log says. The visitor hears it too, unless access is concealed."""


def decide(recognition: Recognition, method: str) -> Decision:
    """What the recognition opens when its pictures came by `method`, a `SignIn.Method` or "" where it is not known."""
    user = recognition.user
    if user is None:
        return Decision(Access.NONE, recognition)
    if not photo_logins.may_sign_in_by(user, method):
        hidden = refused(Reason.LIVENESS_REQUIRED, recognition.similarity, user, searched=True)
        return Decision(Access.CONCEALED, hidden)
    if authenticators.has_mfa(user):
        return Decision(Access.SECOND_FACTOR, recognition)
    if recognition.needs_mfa:
        return Decision(Access.NONE, refused(Reason.MFA_REQUIRED, recognition.similarity, user))
    return Decision(Access.OPEN, recognition)

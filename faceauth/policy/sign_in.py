"""The policy of a sign-in: what a recognised face may open, and what it needs besides."""

from dataclasses import dataclass
from enum import Enum

from faceauth.mfa import authenticators, trusted_devices
from faceauth.models import SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, refused
from faceauth.policy import photo_logins


class Access(Enum):
    OPEN = "open"
    """The session opens now."""
    SECOND_FACTOR = "second_factor"
    """The session opens when the second factor is given."""
    NONE = "none"
    """Nothing opens: a stranger, or refused for a reason that the visitor may know."""
    CLAIM = "claim"
    """A liveness check matches a notebook that only photos have opened: the person is asked whether it is theirs."""
    CONCEALED = "concealed"
    """Nothing opens, and the visitor hears what a stranger hears: whoever holds up a photo of somebody shall not learn
    that they have a notebook here."""


@dataclass(frozen=True, slots=True)
class Decision:
    access: Access
    recognition: Recognition
    """What the sign-in log says. The visitor hears it too, unless access is concealed."""


def decide(recognition: Recognition, method: str, trusted: bool = False) -> Decision:
    """What the recognition opens when its pictures came by `method`, a `SignIn.Method` or "" where it is not known.

    `trusted` says whether they came from a trusted device of the recognised user, which counts as a second factor.
    """
    user = recognition.user
    if user is None:
        return Decision(Access.NONE, recognition)
    if not photo_logins.may_sign_in_by(user, method, trusted):
        hidden = refused(Reason.LIVENESS_REQUIRED, recognition.similarity, user, searched=True)
        return Decision(Access.CONCEALED, hidden)
    if (
        method == SignIn.Method.LIVENESS
        and recognition.outcome == Outcome.RECOGNISED
        and photo_logins.is_claimable(user)
    ):
        return Decision(Access.CLAIM, recognition)
    if trusted:
        return Decision(Access.OPEN, recognition)
    # Where the face alone is not enough, a yes on a trusted device is a second factor too.
    if authenticators.has_mfa(user) or (recognition.needs_mfa and trusted_devices.devices_of(user).exists()):
        return Decision(Access.SECOND_FACTOR, recognition)
    if recognition.needs_mfa:
        return Decision(Access.NONE, refused(Reason.MFA_REQUIRED, recognition.similarity, user))
    return Decision(Access.OPEN, recognition)

"""What the sign-in log says, in sentences for the person whom it is about."""

import ipaddress

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from faceauth.models import AccountChange, SignIn
from faceauth.outcomes import Outcome, Reason

METHODS = {
    SignIn.Method.LIVENESS: gettext_lazy("by a liveness check"),
    SignIn.Method.QUICK: gettext_lazy("by a quick check on a trusted device"),
    SignIn.Method.CAMERA: gettext_lazy("by a camera picture"),
    SignIn.Method.FILE: gettext_lazy("by a photo"),
}
REFUSALS = {
    Reason.LIVENESS_REQUIRED: gettext_lazy("Someone showed a photo of you and was not let in."),
    Reason.MFA_REQUIRED: gettext_lazy("Someone who looked like you did not give the second factor and was not let in."),
    Reason.MFA_FAILED: gettext_lazy("Someone who looked like you gave a wrong second factor."),
    Reason.CLAIM: gettext_lazy("Someone who looked like you was asked whether this notebook is theirs."),
    Reason.NEAR_MATCH: gettext_lazy("Someone who resembled you was asked to try again."),
    Reason.DIFFERENT_PERSON: gettext_lazy("A picture that did not look like you was not accepted."),
}

ADVICE = {
    AccountChange.Kind.CODES_MADE: gettext_lazy("If you take it back, these codes end. Then make new ones."),
    AccountChange.Kind.FACTOR_REMOVED: gettext_lazy("It cannot be brought back. Add it again under Second factors."),
    AccountChange.Kind.FACE_REMOVED: gettext_lazy("It cannot be brought back. Add it again under Your face."),
    AccountChange.Kind.DEVICE_APPROVED: gettext_lazy("Ending the other sessions signs that device out."),
    AccountChange.Kind.DEVICE_ENDED: gettext_lazy("You can trust it again after your next sign-in there."),
    AccountChange.Kind.SESSIONS_ENDED: gettext_lazy("Nothing was lost: sign in again there."),
    AccountChange.Kind.EXPORTED: gettext_lazy(
        "A copy cannot be called back. If it was not you, change the passwords that stand in your notes."
    ),
    AccountChange.Kind.SITE_ACT: gettext_lazy("If it was not you, look through your settings."),
    AccountChange.Kind.TAKEN_BACK: gettext_lazy("If it was not you, make the change once more."),
}


def attempt(sign_in: SignIn) -> str:
    """One sentence."""
    if sign_in.outcome == Outcome.RECOGNISED:
        return _("You were recognised.")
    if sign_in.outcome == Outcome.ENROLLED:
        return _("Your face was enrolled.")
    fallback = gettext_lazy("Someone who looked like you tried and was not let in.")
    known = Reason(sign_in.reason) if sign_in.reason in Reason.values else None
    return str(REFUSALS.get(known, fallback)) if known else str(fallback)


def advice(change: AccountChange) -> str:
    """What to know or do about a change; empty where taking it back is all."""
    return str(ADVICE.get(AccountChange.Kind(change.kind), ""))


def method(sign_in: SignIn) -> str:
    return str(METHODS[SignIn.Method(sign_in.method)]) if sign_in.method in SignIn.Method.values else ""


def place(address: str | None, here: str | None) -> str:
    """Where an address is, as far as it tells by itself: this one, the same network, or the address."""
    if not address:
        return ""
    if address == here:
        return _("same address as now")
    return _("local network (%(address)s)") % {"address": address} if is_local(address) else address


def is_local(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return known.is_private or known.is_loopback

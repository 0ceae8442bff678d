"""The operators' second factor at /admin/: set up once, and given after each sign-in with a password."""

import logging
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from faceauth.audit import user_agents
from faceauth.conf import conf
from faceauth.crypto import CannotOpen
from faceauth.mfa import authenticators, webauthn
from faceauth.mfa.authenticators import Verdict
from faceauth.models.operators import is_vouched
from faceauth.ratelimit.counters import Meter, count_with
from faceauth.ratelimit.limits import windows

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

VERIFIED = "faceauth.operator_mfa"  # in the session: the primary key of the operator who gave their second factor
APP = "faceauth.operator_app"  # in the session: the app that is being set up


class OperatorLoginForm(AdminAuthenticationForm):
    """Counts failures for each account, from all addresses together. Limits for each address are the site's."""

    def clean(self) -> dict[str, Any]:
        meters = failures(self.cleaned_data.get("username", ""))
        if not count_with(lambda store: store.take(meters)):
            raise ValidationError(throttled_text(), code="throttled")
        cleaned = super().clean()
        count_with(lambda store: store.give_back(meters))
        return cleaned

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not is_vouched(user):
            raise ValidationError(_("This account was not changed by this site, and opens nothing."), code="altered")


def failures(username: str) -> list[Meter]:
    return list(windows("failures", f"operator {username.casefold()}", conf().OPERATOR_FAILURES, 1))


def throttled_text() -> str:
    return _("There were too many failed attempts. Please try again later.")


def verified(request: HttpRequest) -> bool:
    """Whether this session has given the second factor, if operators need one."""
    return not conf().OPERATOR_MFA or request.session.get(VERIFIED) == str(request.user.pk)


@sensitive_variables()
def check(request: HttpRequest) -> str:
    """Check the passkey or code that was sent, and mark the session as verified; what was wrong, in words."""
    user = cast("User", request.user)
    meters = failures(user.get_username())
    if not count_with(lambda store: store.take(meters)):
        return throttled_text()
    try:
        verdict = verdict_of(request, user)
    except CannotOpen as error:
        logger.error("A code of an authenticator app could not be checked: %s", error)
        return _("Codes cannot be checked at the moment. Use a recovery code.")
    if verdict == Verdict.WRONG:
        return _("That was not right. Please try again.")
    count_with(lambda store: store.give_back(meters))
    if verdict != Verdict.OPEN:
        return throttled_text()
    mark_verified(request, user)
    return ""


@sensitive_variables()
def verdict_of(request: HttpRequest, user: "User") -> Verdict:
    credential = request.POST.get("credential", "")
    if not credential:
        return authenticators.check(user, request.POST.get("code", ""))
    return Verdict.OPEN if webauthn.opens(request, user, credential) else Verdict.WRONG


@sensitive_variables()
def set_up(request: HttpRequest) -> list[str]:
    """Add the passkey or app that was sent; the new recovery codes, or none if it is not valid."""
    user = cast("User", request.user)
    name = user_agents.describe(request.headers.get("User-Agent", ""))[:64]
    with transaction.atomic():
        if request.POST.get("credential"):
            added = webauthn.make(request, user, request.POST["credential"], name) is not None
        else:
            app = authenticators.app_to_confirm(user, request.session.get(APP))
            added = authenticators.confirm_app(user, app, request.POST.get("code", ""), name) == Verdict.OPEN
        if not added:
            return []
        codes = authenticators.make_recovery_codes(user)
    request.session.pop(APP, None)
    mark_verified(request, user)
    return codes


def mark_verified(request: HttpRequest, user: "User") -> None:
    request.session[VERIFIED] = request.session["faceauth.mfa_settled"] = str(user.pk)
    request.session.cycle_key()


@sensitive_variables()
def setup_context(request: HttpRequest) -> dict[str, Any]:
    """An app to confirm and the options for a passkey."""
    user = cast("User", request.user)
    app = authenticators.app_to_confirm(user, request.session.get(APP))
    request.session[APP] = app.pk
    return {
        "options": webauthn.making_options(request, user),
        "drawing": authenticators.drawing(app),
        "secret": authenticators.secret_text(app),
    }

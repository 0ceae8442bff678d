"""Notices about the second factor, for the template faceauth/mfa_advice.html."""

from typing import Any

from django import template

from faceauth.mfa import resets
from faceauth.models import MFAReset
from faceauth.policy import accounts, capacity

register = template.Library()


@register.simple_tag(takes_context=True)
def mfa_reset(context: dict[str, Any]) -> MFAReset | None:
    """The reset of the person's second factor that they can still stop."""
    return resets.pending(context["request"].user)


@register.simple_tag(takes_context=True)
def mfa_advice(context: dict[str, Any]) -> str:
    """`now` or `soon`, if the person should add a second factor."""
    user = context["request"].user
    return capacity.advice(user) if accounts.may_sign_in(user) else ""

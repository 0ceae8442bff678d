"""Whether to advise the person to add a second factor: for the template faceauth/mfa_advice.html."""

from typing import Any

from django import template

from faceauth.policy import accounts, capacity

register = template.Library()


@register.simple_tag(takes_context=True)
def mfa_advice(context: dict[str, Any]) -> str:
    user = context["request"].user
    return capacity.advice(user) if accounts.may_sign_in(user) else ""

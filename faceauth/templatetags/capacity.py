"""Whether to tell whoever is signed in that they should add a second lock: for templates/faceauth/mfa_advice.html."""

from typing import Any

from django import template

from faceauth.policy import accounts, capacity

register = template.Library()


@register.simple_tag(takes_context=True)
def mfa_advice(context: dict[str, Any]) -> str:
    user = context["request"].user
    return capacity.advice(user) if accounts.may_sign_in(user) else ""

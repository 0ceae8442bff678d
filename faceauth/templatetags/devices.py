"""What a browser with a key is asked to sign: for templates/faceauth/device_proof.html."""

from typing import Any

from django import template

from faceauth.mfa import trusted_devices

register = template.Library()


@register.simple_tag(takes_context=True)
def device_challenge(context: dict[str, Any]) -> str:
    """A challenge where the browser's key would tell more than its cookie does, else nothing: no session begins."""
    request = context["request"]
    return trusted_devices.challenge(request) if trusted_devices.asks_for_proof(request) else ""

"""What the pages say of the site that they belong to."""

from typing import Any

from django import template
from django.conf import settings
from django.shortcuts import resolve_url

from faceauth.conf import conf

register = template.Library()


@register.simple_tag(takes_context=True)
def site_name(context: dict[str, Any]) -> str:
    """FACEAUTH["SITE_NAME"], or the host name that the browser asked for."""
    return conf().SITE_NAME or str(context["request"].get_host())


@register.simple_tag
def home_url() -> str:
    """Where a signed-in person begins."""
    return resolve_url(settings.LOGIN_REDIRECT_URL)

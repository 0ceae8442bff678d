"""What a person chose about their notebook, and how much is in it, for the site's page of settings."""

from typing import Any

from django import template
from django.conf import settings

from notes import quotas
from notes.models import Preferences, preferences_of

register = template.Library()


@register.simple_tag(takes_context=True)
def notes_preferences(context: dict[str, Any]) -> dict[str, object]:
    user = context["request"].user
    return {
        "chosen": preferences_of(user),
        "choices": Preferences.HiddenFor.choices,
        "minutes": max(1, settings.SESSION_COOKIE_AGE // 60),
        "used": quotas.usage(user),
    }

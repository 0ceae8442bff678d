"""Times on the account pages."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def moment(at: datetime) -> SafeString:
    """In UTC, until `static/faceauth/times.js` shows it in the reader's own time zone."""
    utc = at.astimezone(UTC)
    return format_html('<time dir="ltr" datetime="{}">{} UTC</time>', utc.isoformat(), f"{utc:%Y-%m-%d %H:%M}")

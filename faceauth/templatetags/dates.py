"""When something happened, for the pages about oneself."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def moment(at: datetime) -> SafeString:
    """In UTC, until the page's script says it by the person's own clock: `static/site/times.js`."""
    utc = at.astimezone(UTC)
    return format_html('<time dir="ltr" datetime="{}">{} UTC</time>', utc.isoformat(), f"{utc:%Y-%m-%d %H:%M}")

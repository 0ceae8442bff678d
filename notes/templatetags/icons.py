"""Icons of Lucide (ISC licence), as inline symbols: each is drawn once in a page, and used by its name."""

from functools import cache

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

register = template.Library()


@cache
def drawing(name: str) -> SafeString:
    return mark_safe(lucide(name))  # noqa: S308 - it comes from the package, and `name` from a template of ours


@register.simple_tag
def icon_symbols(names: str) -> SafeString:
    """The symbols of these icons, whose names stand between spaces; once in a page."""
    symbols = format_html_join(
        "", '<symbol id="i-{}" viewBox="0 0 24 24">{}</symbol>', ((name, drawing(name)) for name in names.split())
    )
    return format_html('<svg width="0" height="0" hidden>{}</svg>', symbols)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon. Without a label it is decoration: the words are beside it, or on its button."""
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="#i-{}"/></svg>', label, name)
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)

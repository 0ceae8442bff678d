"""How a note is shown in a list."""

from django import template

register = template.Library()


@register.filter
def heading(opening: str) -> str:
    """Its first line with words in it."""
    return opening.strip().partition("\n")[0].strip()


@register.filter
def after_heading(opening: str) -> str:
    """What follows the heading."""
    return opening.strip().partition("\n")[2].strip()

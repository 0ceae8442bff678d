"""Changes of other sessions, for the template faceauth/changes.html."""

from typing import Any

from django import template

from faceauth.audit import changes, user_agents, words

register = template.Library()


@register.simple_tag(takes_context=True)
def changes_to_answer(context: dict[str, Any]) -> list[dict[str, Any]]:
    """What the person is asked about: the newest first, at most ten."""
    request = context["request"]
    here = request.META.get("REMOTE_ADDR")
    return [
        {
            "pk": change.pk,
            "at": change.at,
            "text": change.get_kind_display(),
            "name": change.name,
            "device": user_agents.describe(change.device),
            "place": words.place(change.address, here),
            "advice": words.advice(change),
            "undoable": change.kind in changes.UNDOABLE,
        }
        for change in changes.unanswered(request, request.user)[: changes.MOST_SHOWN]
    ]

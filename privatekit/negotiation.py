"""In which form a request wants its answer."""

from django.http import HttpRequest


def wants_json(request: HttpRequest) -> bool:
    """Whether JSON is asked for; whoever sends JSON and takes anything asks for it too."""
    kinds = ["text/html", "application/json"]
    kinds = kinds[::-1] if request.content_type == "application/json" else kinds
    return request.get_preferred_type(kinds) == "application/json"

"""Lists in pages, with tokens that are opaque and valid for one list only."""

import base64
import binascii
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from faceauth.local import template_encryption
from faceauth.local.errors import Code, Refused
from faceauth.local.service_model import Parameters

Row = TypeVar("Row", bound=Model)


def page(rows: QuerySet[Row], parameters: Parameters, default: int, name: str) -> tuple[list[Row], dict[str, Any]]:
    """One page of `rows` by primary key, and the NextToken member where more follow.

    `name` tells the list from every other. MaxResults is `default` where absent or 0. Raises `Refused` for a NextToken
    of another list.
    """
    size = parameters.get("MaxResults") or default
    context = name.encode()
    found = list(rows.filter(pk__gt=position(parameters.get("NextToken"), context)).order_by("pk")[: size + 1])
    if len(found) <= size:
        return found, {}
    token = template_encryption.current_key().encrypt(found[size - 1].pk.to_bytes(8, "big"), context)
    return found[:size], {"NextToken": base64.urlsafe_b64encode(token).decode()}


def position(token: str | None, context: bytes) -> int:
    """The primary key after which the page begins, 0 for the first page."""
    if token is None:
        return 0
    try:
        encrypted = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_token() from error
    for key in template_encryption.keys().values():
        try:
            return int.from_bytes(key.decrypt(encrypted, context), "big")
        except template_encryption.Tampered:
            continue
    raise invalid_token()


def invalid_token() -> Refused:
    return Refused(Code.INVALID_PAGINATION_TOKEN, "The pagination token is not valid for this list.")

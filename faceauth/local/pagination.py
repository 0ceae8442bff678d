"""Pagination tokens: opaque, and good for the one list that they came from."""

import base64
import binascii

from faceauth.local import template_encryption
from faceauth.local.errors import InvalidPaginationToken


def next_token(last: int, place: bytes) -> str:
    """A token to go on after the row with the primary key `last`, in the list that `place` names."""
    token = template_encryption.writing_key().seal(last.to_bytes(8, "big"), place)
    return base64.urlsafe_b64encode(token).decode()


def position(token: str | None, place: bytes) -> int:
    """The primary key to go on after, 0 for the first page. Raises `InvalidPaginationToken`."""
    if token is None:
        return 0
    try:
        sealed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid() from error
    for key in template_encryption.keys().values():
        try:
            return int.from_bytes(key.open(sealed, place), "big")
        except template_encryption.Tampered:
            continue
    raise invalid()


def invalid() -> InvalidPaginationToken:
    return InvalidPaginationToken("The pagination token is not valid for this list.")

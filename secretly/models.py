"""The site's own view of Django's table of sessions."""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session as DjangoSession


class Session(DjangoSession):
    """A row of `secretly.sessions`: `session_key` is the hash of the key, `session_data` is encrypted."""

    class Meta:
        proxy = True

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from secretly.sessions import SessionStore

        return SessionStore

    def get_decoded(self) -> dict[str, Any]:
        """The data; empty when the session is over or its row was tampered with."""
        from secretly.sessions import open_row

        found = open_row(self)
        return found[1] if found else {}

"""Sessions in the database: sealed, merged when two answers are saved at once, and over after a fixed time.

A row is named by a keyed hash of the session's key, so the key itself, which the browser holds, is not in the database.
The data is encrypted and bound to that name: a row that is changed, or copied under another name, opens nothing. Both
keys come from SECRET_KEY, so a new SECRET_KEY ends all sessions.
"""

import base64
import binascii
import copy
import hmac
import json
import logging
import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables

from secretly.models import Session

logger = logging.getLogger(__name__)

NONCE = 12  # bytes, random: NIST SP 800-38D, 8.3 allows 2^32 encryptions with one key
MESSAGES = SessionStorage.session_key
MOMENT = 1.0  # seconds: what the view has just saved is not written again with the answer
COUNTERS = {"tries"}  # numbers that are added up when two requests raise them at once

Data = dict[str, Any]


class SessionStore(SessionBase):
    """Django's session, with `row_key` for whoever needs to name it without being able to open it."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.saved: Data = {}
        """The data as it was when it was loaded or last saved."""
        self.until: float | None = None
        """When the session ends, however busy it is, in seconds since 1970."""

    @property
    def row_key(self) -> str | None:
        """The name of the session's row. It cannot be used as a session key."""
        return row_key(self.session_key) if self.session_key else None

    @property
    def model(self) -> type[Session]:
        return Session

    def load(self) -> Data:
        found = open_row(Session.objects.filter(session_key=self.row_key).first())
        if found is None:
            self._session_key = None
            return {}
        self.until, self.saved = found
        return copy.deepcopy(self.saved)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=row_key(session_key)).exists()

    def create(self) -> None:
        """Name a new session. `save` inserts its row, with all that is in it by then: one write and not two."""
        self._session_key = self._get_new_session_key()
        self.saved, self.is_new, self.modified = {}, True, True

    def _get_new_session_key(self) -> str:
        """Whether it is taken, `insert` finds out: Django asks the database."""
        return get_random_string(32, VALID_KEY_CHARS)

    def save(self, must_create: bool = False) -> None:
        """Save what has changed. Raises `CreateError` where the row exists, `UpdateError` where it is gone."""
        if self.session_key is None:
            self.create()
        data = self._get_session(no_load=must_create or self.is_new)  # type: ignore[attr-defined]
        self.until = self.until or time.time() + settings.SESSION_LIFETIME
        rows = Session.objects.filter(session_key=self.row_key)
        if must_create or self.is_new:
            self.insert(data, is_named=must_create)
        elif data != self.saved or self.until_changed:
            data = self.update_row(rows, data)
        elif time.monotonic() - self.written > MOMENT and not rows.update(expire_date=self.expires()):
            raise UpdateError
        self.written, self.is_new, self.until_changed = time.monotonic(), False, False
        self.saved, self._session_cache = copy.deepcopy(data), data

    is_new = False
    """Whether the session has a name and no row yet."""
    written = float("-inf")
    """When this object wrote the row, in seconds of the monotonic clock."""
    until_changed = False

    def insert(self, data: Data, is_named: bool) -> None:
        """Under another name where this one is taken, unless it was given. Raises `CreateError` then."""
        while True:
            row = Session(session_key=str(self.row_key), session_data=self.sealed(data), expire_date=self.expires())
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
                return
            except IntegrityError as error:
                if is_named:
                    raise CreateError from error
                self._session_key = self._get_new_session_key()

    def update_row(self, rows: "QuerySet[Session]", data: Data) -> Data:
        """Merge the changes into what another request may have saved meanwhile, and return the whole."""
        with transaction.atomic():
            found = open_row(rows.select_for_update().first())
            if found is None:
                raise UpdateError
            data = merged(self.saved, data, found[1])
            rows.update(session_data=self.sealed(data), expire_date=self.expires())
        return data

    def sealed(self, data: Data) -> str:
        return seal(json.dumps([self.until, data]).encode(), str(self.row_key))

    def expires(self) -> datetime:
        silent = timezone.now() + timedelta(seconds=self.get_expiry_age())
        return min(silent, datetime.fromtimestamp(self.until or 0, UTC))

    def begin_lifetime(self) -> None:
        """Count the session's lifetime from now on: somebody has just signed in."""
        self.until, self.until_changed = time.time() + settings.SESSION_LIFETIME, True

    def flush(self) -> None:
        super().flush()
        self.saved, self.until = {}, None

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            self.delete_row(row_key(key))

    @staticmethod
    def delete_row(name: str) -> None:
        """End the session whose `row_key` this is."""
        Session.objects.filter(session_key=name).delete()

    @staticmethod
    def load_row(name: str) -> Data:
        """The data of the session whose `row_key` this is; empty when it is over."""
        found = open_row(Session.objects.filter(session_key=name).first())
        return found[1] if found else {}

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lt=timezone.now()).delete()


@receiver(user_logged_in)
def begin_lifetime(request: HttpRequest, **kwargs: Any) -> None:
    if isinstance(request.session, SessionStore):
        request.session.begin_lifetime()


def open_row(row: Session | None) -> tuple[float, Data] | None:
    """When the session ends, and its data; None for one that is over, or whose row was tampered with."""
    now = timezone.now()
    if row is None or row.expire_date <= now:
        return None
    content = unseal(row.session_data, row.session_key)
    if content is None:
        logger.error("The session row %s was changed by something other than this site, or moved.", row.session_key)
        return None
    until, data = json.loads(content)
    return (until, data) if until > now.timestamp() else None


# Merging --------------------------------------------------------------------------------------------------------------


def merged(before: Data, mine: Data, theirs: Data) -> Data:
    """`theirs` with the changes that lead from `before` to `mine`."""
    result = dict(theirs)
    for name in before.keys() | mine.keys():
        old, new, other = before.get(name), mine.get(name), theirs.get(name)
        if new == old:
            continue
        if name == MESSAGES:
            result[name] = merged_messages(old, new, other)
        elif name not in mine:
            result[name] = None
        elif isinstance(old, dict) and isinstance(new, dict):
            # What another request has removed is over, and is not revived by a change inside it.
            result[name] = merged(old, new, other) if isinstance(other, dict) else other
        elif name in COUNTERS and isinstance(old, int) and isinstance(new, int) and isinstance(other, int):
            result[name] = other + new - old
        else:
            result[name] = new
        if result[name] is None:
            del result[name]
    return result


def merged_messages(*versions: str | None) -> str | None:
    """The messages of all; those that one of two requests has shown are gone. Each version is a JSON list."""
    before, mine, theirs = (json.loads(version or "[]") for version in versions)
    shown, added = without(before, mine), without(mine, before)
    left = without(theirs, shown) + added
    return json.dumps(left) if left else None


def without(messages: list[Any], others: list[Any]) -> list[Any]:
    """`messages` in their order, less one for each of the `others`."""
    rest, spent = [], Counter(map(repr, others))
    for message in messages:
        if spent[repr(message)]:
            spent[repr(message)] -= 1
        else:
            rest.append(message)
    return rest


# Keys -----------------------------------------------------------------------------------------------------------------


@cache
def derived(secret_key: str | bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, by HKDF (RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=f"secretly {purpose}".encode()).derive(force_bytes(secret_key))


def row_key(session_key: str) -> str:
    """HMAC-SHA256, cut to the 160 bits that the column holds."""
    key = derived(settings.SECRET_KEY, "names of sessions")
    return hmac.new(key, session_key.encode(), "sha256").hexdigest()[:40]


@sensitive_variables()
def seal(content: bytes, name: str) -> str:
    """Encrypt (AES-256-GCM) for the row of this name alone."""
    nonce = os.urandom(NONCE)
    cipher = AESGCM(derived(settings.SECRET_KEY, "sessions"))
    return base64.b64encode(nonce + cipher.encrypt(nonce, content, name.encode())).decode()


@sensitive_variables()
def unseal(sealed: str, name: str) -> bytes | None:
    """None where it was not sealed with today's SECRET_KEY for the row of this name."""
    try:
        token = base64.b64decode(sealed, validate=True)
        cipher = AESGCM(derived(settings.SECRET_KEY, "sessions"))
        return cipher.decrypt(token[:NONCE], token[NONCE:], name.encode())
    except (binascii.Error, InvalidTag, ValueError):  # ValueError: too short to have been sealed
        return None

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from notes.models import Note
from secretly.tests.transitions import faults

BACKEND = "django.contrib.auth.backends.ModelBackend"


def signed_in(user: User, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(user, BACKEND)
    session = client.session
    session["faceauth.face_verified"] = time.time()  # as after a sign-in, which an export asks for
    session.save()
    return client


def everything_in_the_database() -> bytes:
    with connection.cursor() as cursor:
        rows = [
            row
            for table in connection.introspection.table_names()
            for row in cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}").fetchall()  # noqa: S608
        ]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


@pytest.fixture
def own(owner: User) -> Client:
    """The owner's browser."""
    return signed_in(owner)


@pytest.fixture
def strange(stranger: User) -> Client:
    """The stranger's browser."""
    return signed_in(stranger)


@pytest.fixture
def note(owner: User) -> Note:
    return Note.objects.write(owner, "The kitchen at five\n\nNobody up but me and the kettle.")


# A tab in a real browser ----------------------------------------------------------------------------------------------


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A browser of its own. A mistake in the pages' scripts fails the test, at its end."""
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(10_000)
    problems: list[str] = []
    context.on("weberror", lambda thrown: faults(problems)(thrown.error))
    yield context
    context.close()
    assert problems == []


@pytest.fixture
def tab(context: BrowserContext, owner: User, live_server: LiveServer) -> Page:
    """The owner's notebook, just opened."""
    from notes.tests.tabs import come_in, open_tab  # which needs `signed_in`

    come_in(context, owner, live_server)
    return open_tab(context, "/")

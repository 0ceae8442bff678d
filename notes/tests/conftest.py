import pytest
from django.contrib.auth.models import User
from django.test import Client

from notes.models import Note

BACKEND = "django.contrib.auth.backends.ModelBackend"


def signed_in(user: User, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(user, BACKEND)
    return client


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

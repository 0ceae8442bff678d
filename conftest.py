"""The cast of every test: an owner, a stranger, and an operator."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User


def person() -> User:
    """Somebody as the door makes them: named by a face's id, with no password."""
    return User.objects.create_user(username=str(uuid4()))


@pytest.fixture
def owner(db: None) -> User:
    return person()


@pytest.fixture
def stranger(db: None) -> User:
    return person()


@pytest.fixture
def operator(db: None) -> User:
    """Runs the site from /admin/, and may do there whatever the admin offers."""
    return User.objects.create_superuser(username="operator", password=str(uuid4()))

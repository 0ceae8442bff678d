"""A health check that is started on the dashboard."""

import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connections
from django.test import Client

from faceauth.conf import conf
from faceauth.models import Face, HealthCheck
from faceauth.operators import health_checks
from faceauth.operators.health_checks import Running
from faceauth.rekognition.collection import Collection
from faceauth.tests.conftest import Fault

URL = "/admin/health-check/"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def nothing_cached() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What is started; the thread itself is tested on a real installation, where it has a database of its own."""
    found: list[tuple[str, bool]] = []

    class Thread:
        def __init__(self, args: tuple[str, Running], **options: object) -> None:
            found.append((args[0], args[1].repair))

        def start(self) -> None:
            """Do nothing."""

    monkeypatch.setattr(threading, "Thread", Thread)
    return found


@pytest.fixture
def admin(operator: User) -> Client:
    client = Client()
    client.force_login(operator, backend=BACKEND)
    return client


@pytest.mark.parametrize(("sent", "repair"), [({}, False), ({"repair": "yes"}, True), ({"repair": "1"}, False)])
def test_it_is_started_once(
    sent: dict[str, str], repair: bool, admin: Client, collection: Collection, started: list[tuple[str, bool]]
) -> None:
    assert admin.post(URL, sent)["Location"] == "/admin/"
    assert started == [(conf().COLLECTION, repair)]
    page = admin.get("/admin/").content.decode()
    assert "The health check is running." in page
    assert "Run the health check now" not in page
    answer = admin.post(URL, sent, follow=True)
    assert "A health check is running already." in answer.content.decode()
    assert len(started) == 1


def test_progress(admin: Client, collection: Collection, started: list[tuple[str, bool]]) -> None:
    assert admin.get(URL).json() == {"running": False}
    admin.post(URL)
    assert admin.get(URL).json() == {"running": True, "checked": 0, "expected": 0, "repair": False}


def test_who_may_only_look_starts_none(collection: Collection, db: None, started: list[tuple[str, bool]]) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_signin"))
    client = Client()
    client.force_login(viewer, backend=BACKEND)
    page = client.get("/admin/").content.decode()
    assert "The health check has never run." in page
    assert "Run the health check now" not in page
    assert client.post(URL).status_code == client.get(URL).status_code == 403
    assert not started


def test_people_reach_it_not(owner: User, collection: Collection, started: list[tuple[str, bool]]) -> None:
    client = Client()
    client.force_login(owner, backend=BACKEND)
    assert client.post(URL)["Location"].startswith("/admin/login/")
    assert not started


@pytest.fixture
def kept_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own connection stays open when a check closes those of its thread."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


@pytest.mark.usefixtures("kept_connections")
def test_a_check_is_recorded(hopper: User, collection: Collection) -> None:
    Face.objects.all().delete()
    health_checks.run(collection.id, Running(0, 1, repair=False))
    found = HealthCheck.objects.get()
    assert (found.error, found.faces) == ("", 1)
    assert found.found
    assert health_checks.running(collection.id) is None


@pytest.mark.usefixtures("kept_connections")
def test_a_check_that_fails_is_recorded_and_over(hopper: User, collection: Collection, fault: Fault) -> None:
    fault("ListFaces", "InternalServerError", status=500)
    health_checks.run(collection.id, Running(0, 1, repair=False))
    assert HealthCheck.objects.get().error == "unavailable"
    assert health_checks.running(collection.id) is None

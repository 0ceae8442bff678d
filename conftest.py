"""The cast of every test: an owner, a stranger, an operator, and a browser."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache as cache_calls
from uuid import uuid4

import botocore.loaders
import botocore.session
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import translation
from playwright.sync_api import Browser, expect, sync_playwright


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests run one after the other, in one process: two browsers at once would wait for each other."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session", autouse=True)
def _aws_models_are_read_once() -> Iterator[None]:
    """Every session of botocore reads its models anew, a tenth of a second each time, and tests make hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache_calls(botocore.loaders.create_loader))
        yield


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """What one test has counted is not the next one's."""
    cache.clear()


@pytest.fixture(autouse=True)
def _english() -> None:
    """The language that a test chose is not the next one's."""
    translation.deactivate()


def person() -> User:
    """A user as an enrolment makes them: named by a UUID, with no password."""
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


@pytest.fixture(autouse=True)
def quiet_sign_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has been turned away so far, and no cache was found broken."""
    from faceauth.cache import Outage
    from faceauth.ratelimit.floods import Floods

    monkeypatch.setattr(Floods, "rows", {})
    monkeypatch.setattr(Outage, "over", 0.0)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser, for tests marked `browser`."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("There is no Chromium here, so nothing was tried in a browser.")
    driver = subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, text=True)
    if driver.returncode:
        pytest.skip(f"Playwright does not start here, so nothing was tried in a browser: {driver.stderr.strip()}")
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, which makes Django think that it is called from a coroutine.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=20_000)  # milliseconds: browser and detector share a machine that may be busy
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()

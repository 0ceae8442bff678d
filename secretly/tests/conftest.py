from pathlib import Path

import pytest

from faceauth.tests.conftest import calls, collection  # noqa: F401 - fixtures
from secretly.tests.machines import Machine


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a fresh installation on SQLite, to be copied: making one takes seconds."""
    machine = Machine(tmp_path_factory.mktemp("installation") / "home")
    machine.install()
    return machine.home

"""What the tests of the local service share: the two ways to call it.

Every answer and every error is checked against botocore's service model on its way; see aws_model.py.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceauth.tests.local_endpoints import Endpoint, in_process, over_http, serving


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rekognition")


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[str]:
    with serving(str(home)) as url:
        yield url


@pytest.fixture(params=["in this process", "over HTTP"])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    if request.param == "over HTTP":
        return over_http(request.getfixturevalue("server"))
    return in_process()


@pytest.fixture
def client(endpoint: Endpoint) -> Any:
    return endpoint.client


@pytest.fixture
def people(client: Any) -> str:
    """An empty collection."""
    name = f"people-{uuid.uuid4()}"
    client.create_collection(CollectionId=name)
    return name

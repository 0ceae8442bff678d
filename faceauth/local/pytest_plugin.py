"""A pytest fixture: Rekognition's face collections, empty for every test.

    def test_my_code(rekognition_local):
        client = boto3.client("rekognition", **rekognition_local.settings)

Every test run loads its plugins, so this one imports the standard library only.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class RekognitionLocal:
    endpoint_url: str

    @property
    def settings(self) -> dict[str, str]:
        """The arguments of boto3.client and boto3.resource."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": "us-east-1",
            "aws_access_key_id": "any",
            "aws_secret_access_key": "any",
        }

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation without an SDK: the service asks for no signature."""
        target = f"RekognitionService.{operation}"
        body = json.dumps(parameters).encode()
        request = urllib.request.Request(self.endpoint_url, body, {"X-Amz-Target": target})  # noqa: S310 - our server
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def rekognition_local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RekognitionLocal]:
    """A server on a free port for the test run, with a database of its own."""
    home = tmp_path_factory.mktemp("rekognition-local")
    command = [sys.executable, "-m", "faceauth.local", "--accept-any-credentials", "--bind=127.0.0.1:0"]
    server = subprocess.Popen(  # noqa: S603
        command, env=os.environ | {"REKOGNITION_LOCAL_HOME": str(home)}, stdout=subprocess.PIPE, text=True
    )
    try:
        line = server.stdout.readline() if server.stdout else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            raise RuntimeError("rekognition_local does not start; see its error above.")
        yield RekognitionLocal(found[0])
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def rekognition_local(rekognition_local_server: RekognitionLocal) -> Iterator[RekognitionLocal]:
    """The endpoint, with no collections. The test's own are deleted after it."""
    yield rekognition_local_server
    while names := rekognition_local_server.call("ListCollections")["CollectionIds"]:
        for name in names:
            rekognition_local_server.call("DeleteCollection", CollectionId=name)

"""A pytest fixture: Rekognition's face collections, empty for every test.

    def test_my_code(rekognition_local):
        client = boto3.client("rekognition", **rekognition_local.settings)

As a plugin it is loaded by every test run, so it imports nothing of Django.
"""

import os
import re
import subprocess
import sys
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

    def client(self) -> Any:
        import boto3

        return boto3.session.Session().client("rekognition", **self.settings)  # type: ignore[call-overload]


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
    client = rekognition_local_server.client()
    for page in client.get_paginator("list_collections").paginate():
        for name in page["CollectionIds"]:
            client.delete_collection(CollectionId=name)

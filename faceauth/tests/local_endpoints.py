"""The two ways to the local Rekognition, for tests that hold for both."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from django.conf import settings

from faceauth.local import service
from faceauth.local.transport import attach
from faceauth.tests.aws_model import check_every_answer

KEY_ID, SECRET = "AKIDLOCALTEST", "a secret of nobody's"
CONFIG = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=30)

Answered = tuple[int, dict[str, str], bytes]


class Endpoint(NamedTuple):
    client: Any
    """A boto3 client; every answer it gets is checked against the service model."""
    send: Callable[[str, bytes], Answered]
    """A target and a body, as they are, signed where that is needed: status, headers, body."""


def client_for(endpoint_url: str, region: str = "eu-central-1") -> Any:
    made = boto3.session.Session().client(
        "rekognition",
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=CONFIG,
    )
    check_every_answer(made)
    return made


def in_process() -> Endpoint:
    client = client_for("http://rekognition.invalid")
    attach(client)
    return Endpoint(client, service.answer)


def over_http(url: str) -> Endpoint:
    def send(target: str, body: bytes) -> Answered:
        return post(url, signed_headers(url, target, body), body)

    return Endpoint(client_for(url), send)


def signed_headers(
    url: str, target: str, body: bytes, secret: str = SECRET, key_id: str = KEY_ID, token: str | None = None
) -> dict[str, str]:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", url, headers, body)
    SigV4Auth(Credentials(key_id, secret, token), "rekognition", "eu-central-1").add_auth(request)
    return dict(request.headers.items())


def post(url: str, headers: dict[str, str], body: bytes) -> Answered:
    answer = urllib3.request("POST", url, headers=headers, body=body, retries=False, timeout=30)
    return answer.status, dict(answer.headers), answer.data


def picture(data: bytes) -> dict[str, bytes]:
    return {"Bytes": data}


def index(client: Any, collection: str, data: bytes, **parameters: Any) -> list[str]:
    answer = client.index_faces(CollectionId=collection, Image=picture(data), **parameters)
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def refused(code: str, call: Any, **parameters: Any) -> str:
    """The message with which `call` is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


@contextlib.contextmanager
def serving(home: str, *arguments: str, credentials: bool = True) -> Iterator[str]:
    """`manage.py rekognition_local` on a free port, with a database of its own in `home`: its address."""
    with started(home, *arguments, credentials=credentials) as (url, _process):
        yield url


@contextlib.contextmanager
def started(home: str, *arguments: str, credentials: bool = True) -> Iterator[tuple[str, int]]:
    """The same, and the id of its first process."""
    environment = os.environ | {"SECRETLY_HOME": home, "DJANGO_SETTINGS_MODULE": "secretly.settings"}
    if credentials:
        environment["REKOGNITION_LOCAL_CREDENTIALS"] = f"{KEY_ID}:{SECRET}"
    environment.pop("DATABASE_URL", None)
    environment.pop("PYTHONUNBUFFERED", None)  # the address must come without it
    with open(os.path.join(home, "server.log"), "wb") as log:
        server = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "manage.py", "rekognition_local", "--bind=127.0.0.1:0", *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        line = server.stdout.readline() if server.stdout else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            raise RuntimeError(f"The server does not listen; see {home}/server.log.")
        yield found[0] + "/", server.pid
    finally:
        server.terminate()
        server.wait(30)

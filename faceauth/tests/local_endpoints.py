"""The two ways to the local Rekognition, for tests that hold for both."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
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


def client_for(endpoint_url: str) -> Any:
    made = boto3.session.Session().client(
        "rekognition",
        region_name="eu-central-1",
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


def signed_headers(url: str, target: str, body: bytes, secret: str = SECRET, key_id: str = KEY_ID) -> dict[str, str]:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", url, headers, body)
    SigV4Auth(Credentials(key_id, secret), "rekognition", "eu-central-1").add_auth(request)
    return dict(request.headers.items())


def post(url: str, headers: dict[str, str], body: bytes) -> Answered:
    answer = urllib3.request("POST", url, headers=headers, body=body, retries=False, timeout=30)
    return answer.status, dict(answer.headers), answer.data


@contextlib.contextmanager
def serving(home: str) -> Iterator[str]:
    """`manage.py rekognition_local` with a database of its own in `home`: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "SECRETLY_HOME": home,
        "DJANGO_SETTINGS_MODULE": "secretly.settings",
        "REKOGNITION_LOCAL_CREDENTIALS": f"{KEY_ID}:{SECRET}",
    }
    environment.pop("DATABASE_URL", None)
    manage = [sys.executable, "manage.py"]
    migrate = [*manage, "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=settings.BASE_DIR, env=environment, check=True)  # noqa: S603 - our own script
    server = subprocess.Popen(  # noqa: S603
        [*manage, "rekognition_local", f"--bind=127.0.0.1:{port}"],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=open(os.path.join(home, "server.log"), "wb"),  # noqa: SIM115 - the server's own from here on
    )
    try:
        wait_for(port, server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(15)


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError(f"The server stopped with {server.returncode}.")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("The server does not listen.")

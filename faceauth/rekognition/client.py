"""The boto3 client for Rekognition: the only place that builds one, and the only one that knows where its calls go."""

import os
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from django.core.signals import setting_changed
from django.dispatch import receiver

from faceauth.conf import conf
from faceauth.rekognition import timing

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

# A person stands before the camera. Rekognition answers within a second, so three to connect and eight to answer are
# generous; "standard" retries throttling and server errors with jitter, and two tries are as long as anybody waits.
# The pool is as large as a worker has threads, or threads would queue for a connection.
ONLINE = Config(
    connect_timeout=3,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
    tcp_keepalive=True,
)
# In this process nothing is lost on the way: what fails would fail again.
IN_PROCESS = Config(retries={"mode": "standard", "total_max_attempts": 1})


calls: ContextVar[int] = ContextVar("calls", default=0)
"""How many requests this thread has sent to Rekognition so far. What something cost is a difference of two readings."""


def count(**kwargs: Any) -> None:
    calls.set(calls.get() + 1)


@cache
def client() -> "RekognitionClient":
    """The client of this process. boto3 clients are thread-safe once made; sessions are not."""
    endpoint = conf().ENDPOINT
    made = local_client() if endpoint == "local" else online_client(endpoint)
    made.meta.events.register("request-created.rekognition", count)  # for each try, so retries count as well
    timing.listen(made.meta.events)
    return made


def online_client(endpoint: str) -> "RekognitionClient":
    return boto3.session.Session().client(
        "rekognition",
        region_name=conf().REGION,
        endpoint_url=None if endpoint == "aws" else endpoint,
        config=ONLINE,
    )


def local_client() -> "RekognitionClient":
    """A real client whose calls are answered inside this process, whatever AWS settings this machine has."""
    from faceauth.local.transport import attach  # with Amazon, the models and the local tables are never loaded

    nobodys: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = boto3.session.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - it signs requests that never leave the process
        region_name=conf().REGION,
        botocore_session=botocore.session.Session(session_vars=nobodys),
    )
    made = session.client("rekognition", endpoint_url="http://rekognition.invalid", config=IN_PROCESS)
    attach(made)
    return made


@receiver(setting_changed)
def forget_client(*, setting: str, **kwargs: Any) -> None:
    if setting == "FACEAUTH":
        client.cache_clear()

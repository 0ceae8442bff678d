"""The boto3 client for Rekognition: the only module that builds one and knows where its calls go."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from django.core.signals import setting_changed
from django.dispatch import receiver

from faceauth.conf import conf
from faceauth.rekognition import metering

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

# Somebody waits at the camera. Rekognition usually answers within a second, so three seconds to connect and eight to
# answer are generous. "standard" retries throttling and server errors with jitter; two tries are all anybody waits for.
# The pool has a connection for each thread of a worker.
ONLINE = Config(
    connect_timeout=3,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=32,
    tcp_keepalive=True,
)
# Within this process a retry would fail again.
IN_PROCESS = Config(retries={"mode": "standard", "total_max_attempts": 1})


@cache
def client() -> "RekognitionClient":
    """The client of this process. boto3 clients are thread-safe once made, unlike sessions."""
    made = local_client() if conf().ENDPOINT == "local" else online_client()
    metering.listen(made.meta.events)
    return made


def online_client() -> "RekognitionClient":
    return boto3.session.Session().client(
        "rekognition",
        region_name=conf().REGION,
        endpoint_url=None if conf().ENDPOINT == "aws" else conf().ENDPOINT,
        config=ONLINE,
    )


def local_client() -> "RekognitionClient":
    """A real client whose calls are answered in this process. It ignores the machine's AWS settings."""
    from faceauth.local.transport import attach  # on AWS neither the face models nor the local tables are loaded

    no_files: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = boto3.session.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - it signs requests that never leave the process
        region_name=conf().REGION,
        botocore_session=botocore.session.Session(session_vars=no_files),
    )
    made = session.client("rekognition", endpoint_url="http://rekognition.invalid", config=IN_PROCESS)
    attach(made)
    return made


@receiver(setting_changed)
def forget_client(*, setting: str, **kwargs: Any) -> None:
    if setting == "FACEAUTH":
        client.cache_clear()

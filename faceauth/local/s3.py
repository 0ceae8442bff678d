"""Pictures that a request names as an S3Object: from an S3-compatible endpoint, or from a folder."""

from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from faceauth.local.errors import Code, Refused
from faceauth.local.options import options
from faceauth.local.service_model import Parameters

MAX_BYTES = 15 * 1024 * 1024


def read_object(reference: Parameters) -> bytes:
    """The bytes of an S3Object. Raises `Refused`."""
    source, bucket, name = options().s3, reference.get("Bucket", ""), reference.get("Name", "")
    if not source:
        raise unreadable("This service has no S3: start it with --s3, or send the picture as Bytes.")
    if not (bucket and name):
        raise Refused(Code.INVALID_PARAMETER, "An S3Object has a Bucket and a Name.")
    if source.startswith(("http://", "https://")):
        data = from_endpoint(source, bucket, name, reference.get("Version"))
    else:
        data = from_folder(Path(source), bucket, name)
    if len(data) > MAX_BYTES:
        raise Refused(Code.IMAGE_TOO_LARGE, f"Image size is too large: it has more than {MAX_BYTES} bytes.")
    return data


def from_endpoint(endpoint: str, bucket: str, name: str, version: str | None) -> bytes:
    more = {"VersionId": version} if version else {}
    try:
        answer = client(endpoint).get_object(Bucket=bucket, Key=name, **more)
        with answer["Body"] as body:
            return bytes(body.read(MAX_BYTES + 1))
    except (ClientError, BotoCoreError) as error:
        raise unreadable() from error


@cache
def client(endpoint: str) -> Any:
    """A client with the AWS credentials of this process."""
    once = Config(
        connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}
    )
    return botocore.session.get_session().create_client("s3", endpoint_url=endpoint, config=once)


def from_folder(folder: Path, bucket: str, name: str) -> bytes:
    root = (folder / bucket).resolve()
    path = (root / name).resolve()
    if root.parent != folder.resolve() or not path.is_relative_to(root):
        raise unreadable()
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise unreadable() from error


def unreadable(reason: str = "Check object key, region and/or access permissions.") -> Refused:
    return Refused(Code.INVALID_S3_OBJECT, f"Unable to get object metadata from S3. {reason}")

"""ARNs of collections: in the caller's region, and of one account."""

import re
from contextvars import ContextVar

from faceauth.conf import conf
from faceauth.local.errors import Refused, invalid_parameter

ACCOUNT = "000000000000"

region: ContextVar[str] = ContextVar("region", default="")
"""The region that the request is signed for; empty for the one of the settings."""

COLLECTION_ARN = re.compile(r"arn:aws[a-z-]*:rekognition:[a-z0-9-]+:\d{12}:collection/(?P<id>[a-zA-Z0-9_.\-]+)")


def collection_arn(collection_id: str) -> str:
    return f"arn:aws:rekognition:{region.get() or conf().REGION}:{ACCOUNT}:collection/{collection_id}"


def collection_id_of(arn: str) -> str:
    """Raises `Refused` for what is not the ARN of a collection."""
    found = COLLECTION_ARN.fullmatch(arn)
    if found is None:
        raise no_collection(arn)
    return found["id"]


def no_collection(arn: str) -> Refused:
    return invalid_parameter(f"{arn:.200} is not the ARN of a face collection.")

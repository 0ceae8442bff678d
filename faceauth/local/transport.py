"""The way in from this process: a botocore client whose requests are answered here instead of being sent."""

import io
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders

from faceauth.local.service import answer


def attach(client: BaseClient) -> None:
    """Answer every request of this Rekognition client in this process.

    Building, validating, signing and reading stay botocore's own; only the network is left out.
    """
    client.meta.events.register("before-send.rekognition", answer_here)  # type: ignore[arg-type] # it may answer


def answer_here(request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse:
    status, headers, body = answer(text(request.headers.get("X-Amz-Target", "")), body_of(request))
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), Body(body))


def text(header: str | bytes) -> str:
    return header.decode("latin-1") if isinstance(header, bytes) else header


def body_of(request: AWSPreparedRequest) -> bytes:
    body: Any = request.body
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body or b"")


class Body(io.BytesIO):
    """What AWSResponse wants of urllib3's response."""

    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        yield self.read()

"""Answer the requests of a boto3 client inside this process."""

import io
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders

from faceauth.local.arns import region
from faceauth.local.service import answer
from faceauth.local.signature import stated_region


def attach(client: BaseClient) -> None:
    """Answer every request of this Rekognition client here; botocore still builds, validates, signs and parses."""
    client.meta.events.register("before-send.rekognition", answer_here)  # type: ignore[arg-type] # it may answer


def answer_here(request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse:
    content: Any = request.body
    region.set(stated_region({"authorization": text(request.headers.get("Authorization", ""))}))
    status, headers, body = answer(
        text(request.headers.get("X-Amz-Target", "")),
        content.encode() if isinstance(content, str) else bytes(content or b""),
    )
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), Body(body))


def text(header: Any) -> str:
    return header.decode("latin-1") if isinstance(header, bytes) else header


class Body(io.BytesIO):
    """The part of urllib3's response that AWSResponse uses."""

    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        yield self.read()

"""Answer the requests of a boto3 client inside this process."""

import io
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders

from faceauth.local.service import answer


def attach(client: BaseClient) -> None:
    """Answer every request of this Rekognition client here; botocore still builds, validates, signs and parses."""
    client.meta.events.register("before-send.rekognition", answer_here)  # type: ignore[arg-type] # it may answer


def answer_here(request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse:
    target: Any = request.headers.get("X-Amz-Target", "")
    content: Any = request.body
    status, headers, body = answer(
        target.decode("latin-1") if isinstance(target, bytes) else target,
        content.encode() if isinstance(content, str) else bytes(content or b""),
    )
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), Body(body))


class Body(io.BytesIO):
    """The part of urllib3's response that AWSResponse uses."""

    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        yield self.read()

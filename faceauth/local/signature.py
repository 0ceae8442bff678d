"""Signature Version 4, verified: whoever calls over HTTP has one of the configured secret keys.

What is signed, and how, is botocore's own code, the same that signs on the other side; see
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from faceauth.local.errors import (
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    UnrecognizedClient,
)

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "rekognition"
TIMESTAMP = "%Y%m%dT%H%M%SZ"
SKEW = timedelta(minutes=5)  # AWS's own; a recorded request can be sent again for so long

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class Claim(NamedTuple):
    """Who says to have signed, and what; nothing of it is proven before `verify`."""

    secret: str
    key_id: str
    region: str
    timestamp: str
    signed_headers: list[str]
    signature: str


def read_claim(headers: Mapping[str, str], secrets: Mapping[str, str], now: datetime) -> Claim:
    """What the headers (names in lower case) say, checked as far as that goes without the body.

    Raises `MissingAuthenticationToken`, `IncompleteSignature`, `UnrecognizedClient` and `InvalidSignature`.
    """
    authorization = headers.get("authorization", "")
    if not authorization:
        raise MissingAuthenticationToken("Missing Authentication Token")
    found = AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise IncompleteSignature(
            f"Authorization header requires '{ALGORITHM}', 'Credential', 'SignedHeaders' and 'Signature'."
        )
    parts = found["credential"].split("/")
    if len(parts) != 5:
        raise IncompleteSignature("Credential must have exactly 5 slash-delimited elements.")
    key_id, date, region, service, ending = parts
    timestamp = headers.get("x-amz-date", "")
    check_time(timestamp, now)
    if (date, service, ending) != (timestamp[:8], SERVICE, "aws4_request"):
        raise InvalidSignature(
            f"Credential should be scoped to the date of X-Amz-Date, to service: '{SERVICE}' and to 'aws4_request'."
        )
    signed_headers = found["headers"].split(";")
    must_sign = {"host"} | {name for name in headers if name.startswith("x-amz-")}
    if not must_sign <= set(signed_headers) <= headers.keys():
        raise InvalidSignature("The request must sign its headers Host and X-Amz-*, and none that it does not have.")
    if key_id not in secrets or "x-amz-security-token" in headers:  # there are no temporary credentials here
        raise UnrecognizedClient("The security token included in the request is invalid.")
    return Claim(secrets[key_id], key_id, region, timestamp, signed_headers, found["signature"])


def check_time(timestamp: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise IncompleteSignature(
            "Date must be in ISO-8601 'basic format', in the header X-Amz-Date: 20150830T123600Z."
        ) from error
    if signed_at < now - SKEW:
        limit = (now - SKEW).strftime(TIMESTAMP)
        raise InvalidSignature(
            f"Signature expired: {timestamp} is now earlier than {limit} ({now.strftime(TIMESTAMP)} - 5 min.)"
        )
    if signed_at > now + SKEW:
        limit = (now + SKEW).strftime(TIMESTAMP)
        raise InvalidSignature(
            f"Signature not yet current: {timestamp} is still later than {limit} ({now.strftime(TIMESTAMP)} + 5 min.)"
        )


class Verification(SigV4Auth):
    """botocore's signer, for just the headers that the other side has signed."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


def verify(claim: Claim, headers: Mapping[str, str], body: bytes) -> None:
    """Raises `InvalidSignature` unless the request, POST / with these headers and this body, was signed as claimed."""
    digest = sha256(body).hexdigest()
    if not hmac.compare_digest(headers.get("x-amz-content-sha256", digest).encode(), digest.encode()):
        raise wrong_signature()  # also for UNSIGNED-PAYLOAD
    request = AWSRequest("POST", "http://localhost/", {name: headers[name] for name in claim.signed_headers}, body)
    request.context["timestamp"] = claim.timestamp
    verification = Verification(Credentials(claim.key_id, claim.secret), SERVICE, claim.region)
    text = verification.string_to_sign(request, verification.canonical_request(request))
    if not hmac.compare_digest(verification.signature(text, request), claim.signature):
        raise wrong_signature()


def wrong_signature() -> InvalidSignature:
    return InvalidSignature(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
        " Key and signing method."
    )

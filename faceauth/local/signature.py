"""Verify AWS Signature Version 4: callers over HTTP have one of the configured secret keys.

botocore's signer computes the signature, as on the caller's side; see
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

from faceauth.local.errors import Code, Refused

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "rekognition"
TIMESTAMP = "%Y%m%dT%H%M%SZ"
REGION = re.compile(r"[a-z0-9-]{1,40}")
SKEW = timedelta(minutes=5)  # as at AWS; a recorded request can be replayed for so long

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class Claim(NamedTuple):
    """The signature that the headers state; `verify` proves it."""

    secret: str
    key_id: str
    region: str
    timestamp: str
    signed_headers: list[str]
    signature: str


def read_claim(headers: Mapping[str, str], secrets: Mapping[str, str], now: datetime) -> Claim:
    """The stated signature, checked as far as possible without the body. Header names are in lower case.

    Raises `Refused`: MISSING_AUTHENTICATION_TOKEN, INCOMPLETE_SIGNATURE, UNRECOGNIZED_CLIENT or INVALID_SIGNATURE.
    """
    authorization = headers.get("authorization", "")
    if not authorization:
        raise Refused(Code.MISSING_AUTHENTICATION_TOKEN, "Missing Authentication Token")
    found = AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise incomplete(f"Authorization header requires '{ALGORITHM}', 'Credential', 'SignedHeaders' and 'Signature'.")
    parts = found["credential"].split("/")
    if len(parts) != 5:
        raise incomplete("Credential must have exactly 5 slash-delimited elements.")
    key_id, date, region, service, ending = parts
    timestamp = headers.get("x-amz-date", "")
    check_time(timestamp, now)
    if (date, service, ending) != (timestamp[:8], SERVICE, "aws4_request"):
        raise invalid(
            f"Credential should be scoped to the date of X-Amz-Date, to service: '{SERVICE}' and to 'aws4_request'."
        )
    signed_headers = found["headers"].split(";")
    must_sign = {"host"} | {name for name in headers if name.startswith("x-amz-")}
    if not must_sign <= set(signed_headers) <= headers.keys():
        raise invalid("The request must sign its headers Host and X-Amz-*, and none that it does not have.")
    if key_id not in secrets:  # a session token may be there too: it is signed, but nothing depends on it
        raise Refused(Code.UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.")
    return Claim(secrets[key_id], key_id, region, timestamp, signed_headers, found["signature"])


def check_time(timestamp: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise incomplete(
            "Date must be in ISO-8601 'basic format', in the header X-Amz-Date: 20150830T123600Z."
        ) from error
    here = now.strftime(TIMESTAMP)
    if signed_at < now - SKEW:
        limit = (now - SKEW).strftime(TIMESTAMP)
        raise invalid(f"Signature expired: {timestamp} is now earlier than {limit} ({here} - 5 min.)")
    if signed_at > now + SKEW:
        limit = (now + SKEW).strftime(TIMESTAMP)
        raise invalid(f"Signature not yet current: {timestamp} is still later than {limit} ({here} + 5 min.)")


class Verification(SigV4Auth):
    """botocore's signer, limited to the headers that the caller signed."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


def stated_region(headers: Mapping[str, str]) -> str:
    """The region in the credential of a request whose signature is not verified, where there is one."""
    found = AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    parts = found["credential"].split("/") if found else []
    return parts[2] if len(parts) == 5 and REGION.fullmatch(parts[2]) else ""


def verify(claim: Claim, headers: Mapping[str, str], body: bytes) -> None:
    """Check the claim for POST / with these headers and this body. Raises `Refused`."""
    digest = sha256(body).hexdigest()
    request = AWSRequest("POST", "http://localhost/", {name: headers[name] for name in claim.signed_headers}, body)
    request.context["timestamp"] = claim.timestamp
    signer = Verification(Credentials(claim.key_id, claim.secret), SERVICE, claim.region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    # The stated digest of the body may also be UNSIGNED-PAYLOAD, which is refused.
    stated = headers.get("x-amz-content-sha256", digest).encode()
    if not (hmac.compare_digest(stated, digest.encode()) and hmac.compare_digest(signature, claim.signature)):
        raise invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
            " Access Key and signing method."
        )


def incomplete(message: str) -> Refused:
    return Refused(Code.INCOMPLETE_SIGNATURE, message)


def invalid(message: str) -> Refused:
    return Refused(Code.INVALID_SIGNATURE, message)

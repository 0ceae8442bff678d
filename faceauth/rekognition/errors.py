"""The errors of calls to Rekognition. Each has a code and a cure for the operator.

Cures are in English in logs and commands, and translated on pages. People only see the sentence of `throttled` or
`unavailable`.
"""

from botocore.exceptions import BotoCoreError, ClientError
from django.utils.translation import gettext_noop

THROTTLING = {"ThrottlingException", "ProvisionedThroughputExceededException", "TooManyRequestsException"}
UNKNOWN_OPERATION = {"UnknownOperationException", "InvalidAction", "NotImplemented"}
CREDENTIALS = {
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "MissingAuthenticationTokenException",
    "ExpiredTokenException",
    "OptInRequired",
}


class RekognitionError(Exception):
    """A call to Rekognition failed."""

    code = "unavailable"
    cure = gettext_noop("Check the AWS Health Dashboard and this machine's network, then try again.")

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.code}: {detail.rstrip('.')}. {self.cure}")
        self.detail = detail


class Throttled(RekognitionError):
    code = "throttled"
    cure = gettext_noop(
        "Ask AWS for a higher quota of transactions per second for this operation, or lower the setting CALL_BUDGET."
    )


class CredentialsRefused(RekognitionError):
    code = "credentials_refused"
    cure = gettext_noop(
        "Check the AWS credentials and region, and that their policy allows this operation on this collection."
    )


class CollectionMissing(RekognitionError):
    code = "collection_missing"
    cure = gettext_noop("Create it with `manage.py rekognition_collection create`, or correct the setting COLLECTION.")


class CollectionExists(RekognitionError):
    code = "collection_exists"
    cure = gettext_noop("Use it, or choose another name.")


class NotOffered(RekognitionError):
    code = "not_offered"
    cure = gettext_noop("Use a region and an IAM policy that have this operation.")


class RequestRefused(RekognitionError):
    code = "request_refused"
    cure = gettext_noop("Check the ids and settings.")


def translate(error: ClientError | BotoCoreError) -> RekognitionError:
    """Our own exception for botocore's; the caller raises it `from` the original."""
    if isinstance(error, BotoCoreError):
        name = type(error).__name__
        if "Credential" in name or name in ("ProfileNotFound", "NoRegionError"):
            return CredentialsRefused(f"{name}.")
        if name == "ParamValidationError":
            return RequestRefused(f"{error}")
        return RekognitionError(f"{name}: no answer.")
    code = error.response.get("Error", {}).get("Code", "unknown")
    message = error.response.get("Error", {}).get("Message", "")
    detail = f"{error.operation_name} answered {code}: {message}"
    if code in THROTTLING:
        return Throttled(detail)
    if code in UNKNOWN_OPERATION:
        return NotOffered(detail)
    if code in CREDENTIALS:
        return CredentialsRefused(detail)
    if code == "ResourceNotFoundException":
        return CollectionMissing(detail)
    if code == "ResourceAlreadyExistsException":
        return CollectionExists(detail)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return RequestRefused(detail) if 400 <= status < 500 else RekognitionError(detail)

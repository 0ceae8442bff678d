"""What can be broken between us and Rekognition. Each error has a code, and a cure for the operator:
in English in a log and on the command line, in the operator's own language on a page.

The person only ever hears the sentence of `throttled` or `unavailable`.
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
    """Rekognition could not do what was asked of it."""

    code = "unavailable"
    cure = gettext_noop("Look at the AWS Health Dashboard and at this machine's network, then try again.")

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.code}: {detail.rstrip('.')}. {self.cure}")
        self.detail = detail


class Throttled(RekognitionError):
    code = "throttled"
    cure = gettext_noop(
        "Ask AWS for a higher quota of transactions per second for this operation, or let fewer people in at once."
    )


class CredentialsRefused(RekognitionError):
    code = "credentials_refused"
    cure = gettext_noop(
        "Check the AWS credentials and region, and that their policy allows this operation on this collection."
    )


class CollectionMissing(RekognitionError):
    code = "collection_missing"
    cure = gettext_noop("Make it with `manage.py rekognition_collection create`, or correct REKOGNITION_COLLECTION.")


class CollectionExists(RekognitionError):
    code = "collection_exists"
    cure = gettext_noop("Use it as it is, or choose another name.")


class NotOffered(RekognitionError):
    code = "not_offered"
    cure = gettext_noop("Use a region and a policy that have this operation, or go without it.")


class RequestRefused(RekognitionError):
    code = "request_refused"
    cure = gettext_noop("Check the ids and the settings that were given.")


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

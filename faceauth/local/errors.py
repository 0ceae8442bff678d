"""Rekognition's error codes, with their HTTP statuses. The service model says which operation may give which."""

from enum import StrEnum
from http import HTTPStatus


class Code(StrEnum):
    INVALID_PARAMETER = "InvalidParameterException"
    INVALID_S3_OBJECT = "InvalidS3ObjectException"
    INVALID_IMAGE_FORMAT = "InvalidImageFormatException"
    IMAGE_TOO_LARGE = "ImageTooLargeException"
    INVALID_PAGINATION_TOKEN = "InvalidPaginationTokenException"  # noqa: S105
    NOT_FOUND = "ResourceNotFoundException"
    SESSION_NOT_FOUND = "SessionNotFoundException"
    ALREADY_EXISTS = "ResourceAlreadyExistsException"
    CONFLICT = "ConflictException"
    QUOTA_EXCEEDED = "ServiceQuotaExceededException"
    IDEMPOTENT_PARAMETER_MISMATCH = "IdempotentParameterMismatchException"
    ACCESS_DENIED = "AccessDeniedException"
    THROTTLING = "ThrottlingException"
    THROUGHPUT_EXCEEDED = "ProvisionedThroughputExceededException"
    INTERNAL_SERVER_ERROR = "InternalServerError"
    NOT_IMPLEMENTED = "NotImplementedException"  # ours: AWS has the operation, this service does not
    # Not in Rekognition's model, but given by every AWS service with the protocol JSON 1.1.
    VALIDATION = "ValidationException"
    UNKNOWN_OPERATION = "UnknownOperationException"
    SERIALIZATION = "SerializationException"
    REQUEST_TOO_LARGE = "RequestEntityTooLargeException"
    MISSING_AUTHENTICATION_TOKEN = "MissingAuthenticationTokenException"  # noqa: S105
    INCOMPLETE_SIGNATURE = "IncompleteSignatureException"
    INVALID_SIGNATURE = "InvalidSignatureException"
    UNRECOGNIZED_CLIENT = "UnrecognizedClientException"

    @property
    def status(self) -> HTTPStatus:
        statuses = {
            Code.INTERNAL_SERVER_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
            Code.NOT_IMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
            Code.REQUEST_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        }
        return statuses.get(self, HTTPStatus.BAD_REQUEST)


class Refused(Exception):
    """An answer with an error code instead of a result."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_parameter(message: str) -> Refused:
    return Refused(Code.INVALID_PARAMETER, message)

"""What Rekognition answers when it does not do what it was asked: its own codes, statuses and, where known, words."""

from http import HTTPStatus


class Refused(Exception):
    """An answer with an error code; `code` is one of AWS's."""

    code = "InvalidParameterException"
    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidParameter(Refused):
    """Also what breaks a constraint of the service model: of its errors this is the one that says so."""


class AccessDenied(Refused):
    """For what AWS can do and this service cannot."""

    code = "AccessDeniedException"


class InvalidS3Object(Refused):
    code = "InvalidS3ObjectException"


class InvalidImageFormat(Refused):
    code = "InvalidImageFormatException"


class ImageTooLarge(Refused):
    code = "ImageTooLargeException"


class InvalidPaginationToken(Refused):
    code = "InvalidPaginationTokenException"


class ResourceNotFound(Refused):
    code = "ResourceNotFoundException"


class ResourceAlreadyExists(Refused):
    code = "ResourceAlreadyExistsException"


class Conflict(Refused):
    code = "ConflictException"


class ServiceQuotaExceeded(Refused):
    code = "ServiceQuotaExceededException"


class IdempotentParameterMismatch(Refused):
    code = "IdempotentParameterMismatchException"


# Not of Rekognition's model, but of every AWS service that speaks JSON 1.1.


class UnknownOperation(Refused):
    code = "UnknownOperationException"


class Serialization(Refused):
    code = "SerializationException"


class RequestTooLarge(Refused):
    code = "RequestEntityTooLargeException"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class MissingAuthenticationToken(Refused):
    code = "MissingAuthenticationTokenException"


class IncompleteSignature(Refused):
    code = "IncompleteSignatureException"


class InvalidSignature(Refused):
    code = "InvalidSignatureException"


class UnrecognizedClient(Refused):
    code = "UnrecognizedClientException"


class InternalServerError(Refused):
    code = "InternalServerError"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

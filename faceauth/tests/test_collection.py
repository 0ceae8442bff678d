import uuid

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from faceauth.outcomes import Reason, Refusal
from faceauth.rekognition import errors
from faceauth.rekognition.collection import Collection, list_collections
from faceauth.rekognition.errors import translate
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, read
from faceauth.vision.photos import MAX_BYTES


def test_life_of_a_collection(endpoint: str) -> None:
    trial = Collection("trial.1")
    with pytest.raises(errors.CollectionMissing):
        trial.describe()
    arn = trial.create()
    with pytest.raises(errors.CollectionExists):
        trial.create()
    described = trial.describe()
    assert (described.collection_id, described.arn, described.face_count) == ("trial.1", arn, 0)
    assert described.face_model_version
    assert list(list_collections()) == [("trial.1", described.face_model_version)]
    trial.delete()
    assert list(list_collections()) == []


def test_life_of_a_face(endpoint: str, collection: Collection) -> None:
    photo = read(pictures.hopper())
    face = collection.index(photo.jpeg, "grace")
    assert not isinstance(face, Refusal)
    assert face.external_id == "grace"
    assert list(collection.faces()) == [face]
    matches = collection.search(read(pictures.another(pictures.hopper())).jpeg, 90)
    assert not isinstance(matches, Refusal)
    assert [(match.face_id, match.external_id) for match in matches] == [(face.face_id, "grace")]
    assert collection.search(read(pictures.collins()).jpeg, 80) == []
    stranger = str(uuid.uuid4())
    deletion = collection.delete_faces([face.face_id, stranger])
    assert (deletion.deleted, deletion.unknown, deletion.failed) == ([face.face_id], [stranger], {})
    assert collection.search(photo.jpeg, 80) == []


def test_no_face_is_a_value(endpoint: str, collection: Collection) -> None:
    nobody = read(pictures.landscape()).jpeg
    assert collection.search(nobody, 90) == Refusal(Reason.NO_FACE)
    assert collection.index(nobody, "nobody") == Refusal(Reason.NO_FACE)
    assert list(collection.faces()) == []


def test_deleting_nothing_asks_nothing(collection: Collection, calls: list[str]) -> None:
    assert collection.delete_faces([]).deleted == []
    assert calls == []


def test_many_faces_are_deleted_in_as_many_calls_as_rekognition_needs(collection: Collection, calls: list[str]) -> None:
    deletion = collection.delete_faces([str(uuid.uuid4()) for _ in range(4097)])
    assert len(deletion.unknown) == 4097
    assert calls == ["DeleteFaces", "DeleteFaces"]


def test_a_face_that_cannot_be_deleted_is_told(collection: Collection, fault: Fault) -> None:
    failure = {"FaceId": str(uuid.uuid4()), "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}
    fault("DeleteFaces", {"DeletedFaces": [], "UnsuccessfulFaceDeletions": [failure]}, status=200)
    deletion = collection.delete_faces([str(failure["FaceId"])])
    assert deletion.failed == {failure["FaceId"]: "ASSOCIATED_TO_AN_EXISTING_USER"}


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["LOW_BRIGHTNESS"], Reason.TOO_DARK),
        (["LOW_SHARPNESS", "EXTREME_POSE"], Reason.TURNED_AWAY),
        (["SMALL_BOUNDING_BOX", "LOW_FACE_QUALITY"], Reason.TOO_SMALL),
        (["LOW_CONFIDENCE"], Reason.NO_FACE),
        (["A_REASON_OF_TOMORROW"], Reason.NO_FACE),
    ],
)
def test_why_nothing_was_indexed(reasons: list[str], expected: Reason, collection: Collection, fault: Fault) -> None:
    unindexed = [{"Reasons": reasons, "FaceDetail": {}}]
    fault("IndexFaces", {"FaceRecords": [], "UnindexedFaces": unindexed, "FaceModelVersion": "7.0"}, status=200)
    assert collection.index(read(pictures.hopper()).jpeg, "grace") == Refusal(expected)


def client_error(code: str, status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "SearchFacesByImage")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (client_error("ThrottlingException"), errors.Throttled),
        (client_error("ProvisionedThroughputExceededException"), errors.Throttled),
        (client_error("AccessDeniedException"), errors.CredentialsRefused),
        (client_error("UnrecognizedClientException"), errors.CredentialsRefused),
        (client_error("InvalidSignatureException"), errors.CredentialsRefused),
        (client_error("ExpiredTokenException"), errors.CredentialsRefused),
        (client_error("ResourceNotFoundException"), errors.CollectionMissing),
        (client_error("ResourceAlreadyExistsException"), errors.CollectionExists),
        (client_error("InvalidParameterException"), errors.RequestRefused),
        (client_error("ImageTooLargeException"), errors.RequestRefused),
        (client_error("InternalServerError", 500), errors.RekognitionError),
        (NoCredentialsError(), errors.CredentialsRefused),
        (ReadTimeoutError(endpoint_url="x"), errors.RekognitionError),
        (EndpointConnectionError(endpoint_url="x"), errors.RekognitionError),
        (ParamValidationError(report="x"), errors.RequestRefused),
    ],
)
def test_every_failure_has_a_code_and_a_cure(error: Exception, expected: type[errors.RekognitionError]) -> None:
    translated = translate(error)  # type: ignore[arg-type]
    assert type(translated) is expected
    assert translated.code in str(translated)
    assert translated.cure in str(translated)


def test_no_error_quotes_the_picture(collection: Collection) -> None:
    with pytest.raises(errors.RekognitionError) as caught:
        collection.search(b"\xff\xd8SECRET" * (MAX_BYTES // 8), 90)
    assert "SECRET" not in f"{caught.value} {caught.value.__cause__}"

"""The collection: small dataclasses in and out, and our own exceptions.

The only module that sees botocore's errors. "No face" is a value; an outage raises `RekognitionError`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from faceauth.outcomes import Reason, Refusal
from faceauth.rekognition.client import client
from faceauth.rekognition.errors import translate

if TYPE_CHECKING:
    from mypy_boto3_rekognition.type_defs import FaceTypeDef

# Only this message distinguishes a picture without a face from a bad parameter.
NO_FACE_MESSAGE = "no faces in the image"

# More than the faces one person may have, so that a second person close behind the first is seen too.
MATCHES = 20

# DeleteFaces takes 1 to 4096 ids; ListFaces gives at most as many.
MOST_IDS = 4096

# Why IndexFaces kept nothing, and the reason the person is told. The first one that Rekognition names decides.
UNINDEXED = {
    "SMALL_BOUNDING_BOX": Reason.TOO_SMALL,
    "LOW_BRIGHTNESS": Reason.TOO_DARK,
    "EXTREME_POSE": Reason.TURNED_AWAY,
    "LOW_SHARPNESS": Reason.BLURRED,
    "LOW_FACE_QUALITY": Reason.BLURRED,
    "LOW_CONFIDENCE": Reason.NO_FACE,
}

# Of SearchFaces: more than the enrolments of one face that can run at the same moment.
MOST_ALIKE = 100


@dataclass(frozen=True, slots=True)
class Match:
    """An enrolled face, or a user vector, that resembles the one in the photo; similarity 0 to 100."""

    face_id: str
    """Empty for a user vector, whose UserId is then in `external_id`."""
    external_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class IndexedFace:
    face_id: str
    image_id: str
    external_id: str
    confidence: float
    model_version: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    collection_id: str
    arn: str
    face_count: int
    user_count: int
    face_model_version: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Deletion:
    """The result of a deletion: FaceIds deleted, FaceIds not found, and reasons for those that are still there."""

    deleted: list[str]
    unknown: list[str]
    failed: dict[str, str]


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translate(error) from error


def list_collections() -> Iterator[tuple[str, str]]:
    """(CollectionId, face model version) of every collection at this endpoint."""
    with translated():
        for page in client().get_paginator("list_collections").paginate():
            yield from zip(page["CollectionIds"], page["FaceModelVersions"], strict=True)


class Collection:
    """One collection at the endpoint that the settings name."""

    def __init__(self, collection_id: str) -> None:
        self.id = collection_id

    def create(self) -> str:
        """Create the collection and return its ARN. Raises `CollectionExists`."""
        with translated():
            return client().create_collection(CollectionId=self.id)["CollectionArn"]

    def describe(self) -> Description:
        with translated():
            answer = client().describe_collection(CollectionId=self.id)
        return Description(
            collection_id=self.id,
            arn=answer["CollectionARN"],
            face_count=answer["FaceCount"],
            user_count=answer.get("UserCount", 0),
            face_model_version=answer["FaceModelVersion"],
            created=answer["CreationTimestamp"],
        )

    def delete(self) -> None:
        """Delete the collection and every face in it."""
        with translated():
            client().delete_collection(CollectionId=self.id)

    def faces(self) -> Iterator[IndexedFace]:
        """Every enrolled face, fetched a page at a time."""
        with translated():
            pages = (
                client()
                .get_paginator("list_faces")
                .paginate(CollectionId=self.id, PaginationConfig={"PageSize": MOST_IDS})
            )
            for page in pages:
                for face in page["Faces"]:
                    yield indexed_face(face)

    def page(self, token: str = "", face_ids: Sequence[str] = ()) -> tuple[list[IndexedFace], str]:
        """One page of enrolled faces and the token of the next; with `face_ids`, those of them that exist."""
        only = {"FaceIds": list(face_ids)} if face_ids else {}
        after = {"NextToken": token} if token else {}
        with translated():
            answer = client().list_faces(CollectionId=self.id, MaxResults=MOST_IDS, **only, **after)  # type: ignore[arg-type]
        return [indexed_face(face) for face in answer["Faces"]], answer.get("NextToken", "")

    def search(self, jpeg: bytes, threshold: float) -> list[Match] | Refusal:
        """The enrolled faces most similar to the largest face in the picture, best first, from `threshold` on."""
        try:
            answer = client().search_faces_by_image(
                CollectionId=self.id,
                Image={"Bytes": jpeg},
                MaxFaces=MATCHES,
                FaceMatchThreshold=threshold,
            )
        except ClientError as error:
            if NO_FACE_MESSAGE in str(error):
                return Refusal(Reason.NO_FACE)
            raise translate(error) from error
        except BotoCoreError as error:
            raise translate(error) from error
        return [
            Match(m["Face"]["FaceId"], m["Face"].get("ExternalImageId", ""), m["Similarity"])
            for m in answer["FaceMatches"]
        ]

    def similar(self, face_id: str, threshold: float) -> list[Match]:
        """The other enrolled faces most similar to this one, best first, from `threshold` on."""
        with translated():
            answer = client().search_faces(
                CollectionId=self.id, FaceId=face_id, MaxFaces=MOST_ALIKE, FaceMatchThreshold=threshold
            )
        return [
            Match(m["Face"]["FaceId"], m["Face"].get("ExternalImageId", ""), m["Similarity"])
            for m in answer["FaceMatches"]
        ]

    def index(self, jpeg: bytes, external_id: str) -> IndexedFace | Refusal:
        """Enrol the largest face under `external_id`, or return why Rekognition kept none.

        MaxFaces is 1, or a bystander would be enrolled under the same id. QualityFilter AUTO rejects faces too poor to
        be found again.
        """
        with translated():
            answer = client().index_faces(
                CollectionId=self.id,
                Image={"Bytes": jpeg},
                ExternalImageId=external_id,
                MaxFaces=1,
                QualityFilter="AUTO",
                DetectionAttributes=["DEFAULT"],
            )
        if answer["FaceRecords"]:
            face = indexed_face(answer["FaceRecords"][0]["Face"])
            return replace(face, model_version=answer.get("FaceModelVersion", ""))
        named = {reason for face in answer.get("UnindexedFaces", []) for reason in face.get("Reasons", [])}
        return Refusal(next((ours for theirs, ours in UNINDEXED.items() if theirs in named), Reason.NO_FACE))

    def delete_faces(self, face_ids: Sequence[str]) -> Deletion:
        """Delete these faces. A face that does not exist is unknown, not an error."""
        deleted: list[str] = []
        unknown: list[str] = []
        failed: dict[str, str] = {}
        for start in range(0, len(face_ids), MOST_IDS):
            with translated():
                answer = client().delete_faces(CollectionId=self.id, FaceIds=list(face_ids[start : start + MOST_IDS]))
            deleted += answer.get("DeletedFaces", [])
            for failure in answer.get("UnsuccessfulFaceDeletions", []):
                reasons = failure.get("Reasons", [])
                if "FACE_NOT_FOUND" in reasons:
                    unknown.append(failure["FaceId"])
                else:
                    failed[failure["FaceId"]] = ", ".join(reasons)
        return Deletion(deleted, unknown, failed)

    # User vectors: one for all the faces of a person ------------------------------------------------------------------

    def search_users(self, jpeg: bytes, threshold: float) -> list[Match] | Refusal:
        """The user vectors most similar to the largest face in the picture, best first, from `threshold` on."""
        with translated():
            answer = client().search_users_by_image(
                CollectionId=self.id, Image={"Bytes": jpeg}, MaxUsers=MATCHES, UserMatchThreshold=threshold
            )
        if not answer.get("SearchedFace"):  # unlike SearchFacesByImage, no face is no error
            return Refusal(Reason.NO_FACE)
        return [Match("", m["User"]["UserId"], m["Similarity"]) for m in answer["UserMatches"]]

    def users(self) -> Iterator[str]:
        """The UserId of every user vector, fetched a page at a time."""
        with translated():
            for page in client().get_paginator("list_users").paginate(CollectionId=self.id):
                for user in page["Users"]:
                    if user.get("UserId"):
                        yield user["UserId"]

    def create_user(self, user_id: str) -> None:
        """Create an empty user vector, unless it exists."""
        try:
            client().create_user(CollectionId=self.id, UserId=user_id)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConflictException":
                raise translate(error) from error
        except BotoCoreError as error:
            raise translate(error) from error

    def associate(self, user_id: str, face_ids: Sequence[str]) -> set[str]:
        """Add these faces to the vector; return those that could not be added."""
        with translated():
            answer = client().associate_faces(CollectionId=self.id, UserId=user_id, FaceIds=list(face_ids))
        return {failure["FaceId"] for failure in answer.get("UnsuccessfulFaceAssociations", []) if "FaceId" in failure}

    def disassociate(self, user_id: str, face_ids: Sequence[str]) -> None:
        """Remove these faces from the vector. A vector or face that does not exist is no error."""
        with translated(), self.unless_gone():
            client().disassociate_faces(CollectionId=self.id, UserId=user_id, FaceIds=list(face_ids))

    def delete_user(self, user_id: str) -> None:
        """Delete the vector; its faces stay. A vector that does not exist is no error."""
        with translated(), self.unless_gone():
            client().delete_user(CollectionId=self.id, UserId=user_id)

    @contextmanager
    def unless_gone(self) -> Iterator[None]:
        """Ignore a missing user. A missing collection gives the same error, and is one here."""
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
                raise
            self.describe()


def indexed_face(face: "FaceTypeDef") -> IndexedFace:
    return IndexedFace(
        face_id=face["FaceId"],
        image_id=face["ImageId"],
        external_id=face.get("ExternalImageId", ""),
        confidence=face["Confidence"],
        model_version=face.get("IndexFacesModelVersion", ""),
    )

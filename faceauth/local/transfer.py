"""Move a collection, templates and all, from one local service to another in an encrypted file; see passphrase_file.py.

Each line of the file is JSON: the first describes the collection, the last has the number and the SHA-256 of all lines
before it. FaceIds, ImageIds, UserIds and ExternalImageIds stay what they are. The collection that is made of them is
a new one of its service: its templates are sealed with that service's keys, and the same picture indexed again gets
a new face there.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from faceauth.local import passphrase_file
from faceauth.local.errors import Refused
from faceauth.local.models import FACE_MODEL_VERSION, TEMPLATE, Collection, Face, Sealed, User, begin_change
from faceauth.local.operations.collections import create_collection
from faceauth.local.service_model import operation_model, read_request
from faceauth.vision import TEMPLATE_SIZE

BATCH = 1000  # rows of one query
FORMAT = 1

Report = Callable[[int], None]


class CannotMove(Exception):
    """The answer is no, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Moved:
    collection_id: str
    faces: int
    users: int
    there: int = 0
    """How many of both were there already, the same in all they have."""


# Out ------------------------------------------------------------------------------------------------------------------


def export_collection(
    collection_id: str, passphrase: str, file: BinaryIO, report: Report = lambda count: None
) -> Moved:
    """Write the collection as it is at one moment. Raises `CannotMove`, `KeyMissing` and `Tampered`."""
    counts = {User: 0, Face: 0}

    def counted() -> Iterator[dict[str, Any]]:
        for kind, line in lines(collection):
            if kind:
                counts[kind] += 1
                report(sum(counts.values()))
            yield line

    with transaction.atomic():
        collection = find(collection_id)
        passphrase_file.pack(with_digest(counted()), passphrase, file)
    return Moved(collection_id, counts[Face], counts[User])


def find(collection_id: str) -> Collection:
    """The collection, locked as for a change: what is written is one state of it, and not two halves."""
    found = Collection.objects.select_for_update().filter(collection_id=collection_id).first()
    if found is None:
        raise CannotMove(f"There is no collection {collection_id} here.")
    return found


def lines(collection: Collection) -> Iterator[tuple[type[Sealed] | None, dict[str, Any]]]:
    yield (
        None,
        {
            "format": FORMAT,
            "collection_id": collection.collection_id,
            "face_model_version": collection.face_model_version,
            "created": collection.created.isoformat(),
            "tags": collection.tags,
            "exported": timezone.now().isoformat(),
        },
    )
    for user in User.objects.filter(collection=collection).order_by("pk").iterator(chunk_size=BATCH):
        yield User, {"user_id": user.user_id, "template": text_of(user, collection)}
    faces = Face.objects.filter(collection=collection).select_related("user").defer("user__template")
    for face in faces.order_by("pk").iterator(chunk_size=BATCH):
        yield Face, described(face) | {"template": text_of(face, collection)}


def described(face: Face) -> dict[str, Any]:
    return {
        "face_id": str(face.face_id),
        "image_id": str(face.image_id),
        "external_image_id": face.external_image_id,
        "box": [face.left, face.top, face.width, face.height],
        "confidence": face.confidence,
        "user_id": face.user.user_id if face.user else None,
    }


def text_of(row: Sealed, collection: Collection) -> str | None:
    if row.template is None:
        return None
    return base64.b64encode(row.unsealed(collection).tobytes()).decode()


def with_digest(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    digest, count = hashlib.sha256(), 0
    for row in rows:
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        digest.update(line)
        count += 1
        yield line
    yield json.dumps({"lines": count, "sha256": digest.hexdigest()}).encode() + b"\n"


# In -------------------------------------------------------------------------------------------------------------------


def import_collection(
    collection_id: str, passphrase: str, file: BinaryIO, report: Report = lambda count: None
) -> Moved:
    """Take in all that is in the file, or nothing of it. What is there already, the same in all it has, stays.

    An empty `collection_id` stands for the one that the file names; the collection is made if it is not there.
    Raises `CannotMove`, `passphrase_file.NotAParcel` and `passphrase_file.DoesNotOpen`.
    """
    rows = checked(passphrase_file.unpack(file, passphrase))
    head = next(rows)
    with transaction.atomic():
        collection = receiving(collection_id or head["collection_id"], head)
        taking = Taking(collection)
        while batch := list(islice(rows, BATCH)):
            taking.take(batch)
            report(taking.faces + taking.users + taking.there)
        Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") + taking.faces)
    return Moved(collection.collection_id, taking.faces, taking.users, taking.there)


def checked(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The rows, but for the last, which must fit to them. Raises `DoesNotOpen` where it does not."""
    digest, ended = hashlib.sha256(), False
    for count, line in enumerate(lines):
        row = json.loads(line)
        if "sha256" in row:
            ended = row == {"lines": count, "sha256": digest.hexdigest()}
            break
        if count == 0:
            check_head(row)
        digest.update(line + b"\n")
        yield row
    if not ended or next(lines, None) is not None:
        raise passphrase_file.DoesNotOpen


def check_head(head: dict[str, Any]) -> None:
    if head.get("format") != FORMAT:
        raise passphrase_file.NotAParcel
    if head["face_model_version"] != FACE_MODEL_VERSION:
        raise CannotMove(
            f"The faces in the file were made by face model {head['face_model_version']} and do not compare with those"
            f" of {FACE_MODEL_VERSION} here: enrol the people again, from new photos."
        )


def receiving(collection_id: str, head: dict[str, Any]) -> Collection:
    """The collection that takes them in, locked for this change."""
    known = Collection.objects.filter(collection_id=collection_id).first()
    if known is None:  # made as by its operation: under a name that is none no operation would find it again
        try:
            wanted = json.dumps({"CollectionId": collection_id, "Tags": head["tags"]}).encode()
            create_collection(read_request(operation_model("CreateCollection"), wanted))
        except Refused as error:
            raise CannotMove(error.message) from error
    elif known.face_model_version != FACE_MODEL_VERSION:
        raise CannotMove(f"The collection {collection_id} here has face model {known.face_model_version}.")
    return begin_change(collection_id)


class Taking:
    """What has come in so far."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.faces, self.users, self.there = 0, 0, 0

    def take(self, rows: list[dict[str, Any]]) -> None:
        self.take_users([row for row in rows if "face_id" not in row])
        self.take_faces([row for row in rows if "face_id" in row])

    def take_users(self, rows: list[dict[str, Any]]) -> None:
        names = [row["user_id"] for row in rows]
        known = {user.user_id: user for user in User.objects.filter(collection=self.collection, user_id__in=names)}
        fresh = []
        for row in rows:
            user = known.get(row["user_id"])
            if user is None:
                user = User(collection=self.collection, user_id=row["user_id"], sequence=self.collection.sequence)
                user.seal(self.collection, vector_of(row["template"]))
                fresh.append(user)
            elif text_of(user, self.collection) != row["template"]:
                raise CannotMove(f"The vector {user.user_id} is here already, made of other faces.")
        User.objects.bulk_create(fresh)
        self.users += len(fresh)
        self.there += len(rows) - len(fresh)

    def take_faces(self, rows: list[dict[str, Any]]) -> None:
        names = {row["user_id"] for row in rows if row["user_id"]}
        users = {user.user_id: user for user in User.objects.filter(collection=self.collection, user_id__in=names)}
        ids = [row["face_id"] for row in rows]
        known = {str(face.face_id): face for face in Face.objects.filter(face_id__in=ids).select_related("user")}
        fresh = []
        for row in rows:
            face = known.get(row["face_id"])
            if face is None:
                fresh.append(self.made(row, users))
            elif face.collection_id != self.collection.pk:
                raise CannotMove(f"The face {face.face_id} is in another collection here.")
            elif described(face) | {"template": text_of(face, self.collection)} != row:
                raise CannotMove(f"The face {face.face_id} is here already, and is another.")
        Face.objects.bulk_create(fresh)
        self.faces += len(fresh)
        self.there += len(rows) - len(fresh)

    def made(self, row: dict[str, Any], users: dict[str, User]) -> Face:
        left, top, width, height = row["box"]
        face = Face(
            collection=self.collection,
            face_id=row["face_id"],
            image_id=row["image_id"],
            external_image_id=row["external_image_id"],
            left=left,
            top=top,
            width=width,
            height=height,
            confidence=row["confidence"],
            user=users[row["user_id"]] if row["user_id"] else None,
            sequence=self.collection.sequence,
        )
        face.seal(self.collection, vector_of(row["template"]))
        return face


def vector_of(text: str | None) -> Any:
    """The template, which has unit length, or it would be more similar to everybody than anybody is."""
    if text is None:
        return None
    vector = np.frombuffer(base64.b64decode(text, validate=True), TEMPLATE)
    if vector.shape != (TEMPLATE_SIZE,) or not abs(float(np.linalg.norm(vector)) - 1.0) < 1e-3:
        raise CannotMove("The file holds something that is no template.")
    return vector

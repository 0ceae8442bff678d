"""Move a collection, templates and all, from one local service to another in an encrypted file; see passphrase_file.py.

Each piece of the file is JSON: first the collection, then its users, then its faces, up to BATCH in a piece. FaceIds,
ImageIds, UserIds and ExternalImageIds do not change. Templates are encrypted with the keys of the new service. There a
picture that is indexed again gets a new face, because ImageIds depend on the keys.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
from django.db import transaction
from django.db.models import F, QuerySet

from faceauth.local import passphrase_file
from faceauth.local.errors import Refused
from faceauth.local.models import (
    FACE_MODEL_VERSION,
    TEMPLATE,
    WITH_MEAN,
    Collection,
    EncryptedTemplate,
    Face,
    User,
    begin_change,
)
from faceauth.local.operations.collections import create_collection
from faceauth.local.service_model import operation_model, read_request
from faceauth.vision.mean_template import centred
from faceauth.vision.networks import TEMPLATE_SIZE, mean

BATCH = 1000  # rows

Report = Callable[[int], None]
Item = dict[str, Any]


class CannotTransfer(Exception):
    """The transfer is refused, and nothing was changed."""


@dataclass(slots=True)
class Transferred:
    collection_id: str
    faces: int = 0
    users: int = 0
    there: int = 0
    """How many of both were there already, the same in every field."""

    @property
    def rows(self) -> int:
        return self.faces + self.users + self.there


def export_collection(
    collection_id: str, passphrase: str, file: BinaryIO, report: Report = lambda rows: None
) -> Transferred:
    """Write the collection as it is at one moment. Raises `CannotTransfer`, and as `get_template` does."""
    done = Transferred(collection_id)

    def pieces() -> Iterator[bytes]:
        yield json.dumps(description(collection)).encode()
        for batch in batches(User.objects.filter(collection=collection)):
            yield json.dumps({"users": [user_item(user, collection) for user in batch]}).encode()
            done.users += len(batch)
            report(done.rows)
        for batch in batches(faces_of(collection)):
            yield json.dumps({"faces": [face_item(face, collection) for face in batch]}).encode()
            done.faces += len(batch)
            report(done.rows)

    with transaction.atomic():
        # The lock keeps changes away until the whole collection is written.
        found = Collection.objects.select_for_update().filter(collection_id=collection_id).first()
        if found is None:
            raise CannotTransfer(f"There is no collection {collection_id} here.")
        collection = found
        passphrase_file.write(pieces(), passphrase, file)
    return done


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    found = rows.order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(islice(found, BATCH)):
        yield batch


def faces_of(collection: Collection) -> QuerySet[Face]:
    return Face.objects.filter(collection=collection).select_related("user").defer("user__template")


def description(collection: Collection) -> Item:
    return {
        "collection_id": collection.collection_id,
        "face_model_version": FACE_MODEL_VERSION,  # whatever is stored: `get_template` has subtracted the mean
        "tags": collection.tags,
    }


def user_item(user: User, collection: Collection) -> Item:
    return {"user_id": user.user_id, "template": template_text(user, collection)}


def face_item(face: Face, collection: Collection) -> Item:
    return {
        "face_id": str(face.face_id),
        "image_id": str(face.image_id),
        "external_image_id": face.external_image_id,
        "box": [face.left, face.top, face.width, face.height],
        "confidence": face.confidence,
        "user_id": face.user.user_id if face.user else None,
        "template": template_text(face, collection),
    }


def template_text(row: EncryptedTemplate, collection: Collection) -> str | None:
    return None if row.template is None else base64.b64encode(row.get_template(collection).tobytes()).decode()


# Import ---------------------------------------------------------------------------------------------------------------


def import_collection(
    collection_id: str, passphrase: str, file: BinaryIO, report: Report = lambda rows: None
) -> Transferred:
    """Import everything in the file, or nothing. Rows that are there already, the same in every field, stay.

    An empty `collection_id` stands for the name in the file. The collection is created where it does not exist.
    Raises `CannotTransfer`, `passphrase_file.NotOurFile` and `passphrase_file.CannotDecrypt`.
    """
    pieces = map(json.loads, passphrase_file.read(passphrase, file))
    head = next(pieces)
    with transaction.atomic():
        collection = begin_import(collection_id or head["collection_id"], head)
        done = Transferred(collection.collection_id)
        for piece in pieces:
            users, faces = piece.get("users", []), piece.get("faces", [])
            if head["face_model_version"] == WITH_MEAN:
                subtract_mean(users + faces)
            new_users, new_faces = import_users(collection, users), import_faces(collection, faces)
            done.users += new_users
            done.faces += new_faces
            done.there += len(users) + len(faces) - new_users - new_faces
            report(done.rows)
        Collection.objects.filter(pk=collection.pk).update(face_count=F("face_count") + done.faces)
    return done


def begin_import(collection_id: str, head: Item) -> Collection:
    """The collection to import into, locked for the change."""
    known = Collection.objects.filter(collection_id=collection_id).first()
    for where, version in (
        ("in the file", head["face_model_version"]),
        ("here", known.face_model_version if known else FACE_MODEL_VERSION),
    ):
        if version not in (FACE_MODEL_VERSION, WITH_MEAN):
            raise CannotTransfer(
                f"The faces {where} were made by face model {version} and cannot be compared with those of"
                f" {FACE_MODEL_VERSION}: enrol the people again, from new photos."
            )
    if known is None:  # by the operation, which refuses an invalid name
        try:
            request = json.dumps({"CollectionId": collection_id, "Tags": head["tags"]}).encode()
            create_collection(read_request(operation_model("CreateCollection"), request))
        except Refused as error:
            raise CannotTransfer(error.message) from error
    return begin_change(collection_id)


def subtract_mean(items: list[Item]) -> None:
    """Make the templates of an older file comparable."""
    for item in items:
        if item["template"] is not None:
            template = centred(template_from(item["template"]), mean())
            item["template"] = base64.b64encode(template.tobytes()).decode()


def import_users(collection: Collection, items: list[Item]) -> int:
    """Create the users that are missing; returns how many."""
    known = users_named(collection, [item["user_id"] for item in items])
    new = []
    for item in items:
        user = known.get(item["user_id"])
        if user is None:
            user = User(collection=collection, user_id=item["user_id"], sequence=collection.sequence)
            user.set_template(collection, template_from(item["template"]))
            new.append(user)
        elif user_item(user, collection) != item:
            raise CannotTransfer(f"The user {user.user_id} exists here with other faces.")
    User.objects.bulk_create(new)
    return len(new)


def import_faces(collection: Collection, items: list[Item]) -> int:
    """Create the faces that are missing; returns how many."""
    users = users_named(collection, [item["user_id"] for item in items])
    wanted = Face.objects.filter(face_id__in=[item["face_id"] for item in items])
    known = {str(face.face_id): face for face in wanted.select_related("user")}
    new = []
    for item in items:
        face = known.get(item["face_id"])
        if face is None:
            new.append(face_from(item, collection, users))
        elif face.collection_id != collection.pk:
            raise CannotTransfer(f"The face {face.face_id} is in another collection here.")
        elif face_item(face, collection) != item:
            raise CannotTransfer(f"The face {face.face_id} exists here with other data.")
    Face.objects.bulk_create(new)
    return len(new)


def users_named(collection: Collection, names: list[str]) -> dict[str, User]:
    return {user.user_id: user for user in User.objects.filter(collection=collection, user_id__in=names)}


def face_from(item: Item, collection: Collection, users: dict[str, User]) -> Face:
    left, top, width, height = item["box"]
    face = Face(
        collection=collection,
        face_id=item["face_id"],
        image_id=item["image_id"],
        external_image_id=item["external_image_id"],
        left=left,
        top=top,
        width=width,
        height=height,
        confidence=item["confidence"],
        sequence=collection.sequence,
    )
    face.give_to(users[item["user_id"]] if item["user_id"] else None)
    face.set_template(collection, template_from(item["template"]))
    return face


def template_from(text: str | None) -> Any:
    """A template of unit length; a longer one would resemble everybody. Raises `CannotTransfer`."""
    if text is None:
        return None
    vector = np.frombuffer(base64.b64decode(text, validate=True), TEMPLATE)
    if vector.shape != (TEMPLATE_SIZE,) or not abs(float(np.linalg.norm(vector)) - 1.0) < 1e-3:
        raise CannotTransfer("The file holds something that is not a template.")
    return vector

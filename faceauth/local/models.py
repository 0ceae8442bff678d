"""Collections, faces and users. Templates are encrypted; see template_encryption.py."""

import uuid
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from numpy.typing import NDArray

from faceauth.local import template_encryption
from faceauth.local.options import options
from faceauth.vision.mean_template import centred, uncentred
from faceauth.vision.networks import mean

# 7.0 is Rekognition's version with the behaviour of this service (quality filters, 100 faces a picture, no
# OrientationCorrection). The last number is ours and changes with the network, since templates of two do not compare,
# and with what is stored of them.
FACE_MODEL_VERSION = "7.0.2"
# Of 7.0.1 the templates are stored with the mean in them (`networks.mean`). It is subtracted as they are read, so
# both compare; `conversion.convert` makes the one of the other.
WITH_MEAN = "7.0.1"

TEMPLATE = np.dtype("<f4")


class Collection(models.Model):
    collection_id = models.CharField(max_length=255, unique=True)
    # Tells this collection from an earlier one of the same name, so that no cache or token of that one is used again.
    incarnation = models.UUIDField(default=uuid.uuid4, editable=False)
    face_model_version = models.CharField(max_length=20, default=FACE_MODEL_VERSION)
    created = models.DateTimeField(auto_now_add=True)
    tags = models.JSONField(default=dict, blank=True)
    face_count = models.PositiveBigIntegerField(default=0)
    # Counts the changes of faces and users; `begin_change` raises it first in every transaction that makes one.
    sequence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.collection_id

    @cached_property
    def shown_version(self) -> str:
        """The face model version as AWS writes it, without our last number: 7.0."""
        return ".".join(self.face_model_version.split(".")[:2])


class UncommittedChange:
    """Waits for the commit of a transaction that changes a collection. Django drops it then, and at a rollback too."""

    def __init__(self, collection: int) -> None:
        self.collection = collection

    def __call__(self) -> None:
        """Do nothing: only the waiting counts."""


def begin_change(collection_id: str) -> Collection:
    """Lock the collection for a change of its faces or users; its `sequence` is then the change's own.

    Call it first in a transaction. The row stays locked to the end, so changes become visible in the order of their
    sequences, and whoever reads a sequence sees every change up to it. Raises Collection.DoesNotExist.
    """
    chosen = Collection.objects.filter(collection_id=collection_id)
    chosen.update(sequence=F("sequence") + 1)
    collection = chosen.get()
    transaction.on_commit(UncommittedChange(collection.pk), using=collection._state.db)
    return collection


def has_uncommitted_change(collection: Collection) -> bool:
    """Whether this connection is in a transaction that has changed `collection` and may still be rolled back.

    Django keeps what waits for a commit in `run_on_commit`, and drops it when its transaction or savepoint is rolled
    back.
    """
    waiting = (entry[1] for entry in transaction.get_connection(collection._state.db).run_on_commit)
    return any(isinstance(it, UncommittedChange) and it.collection == collection.pk for it in waiting)


class EncryptedTemplate(models.Model):
    """A row with an encrypted template: 128 float32 of unit length."""

    kind: ClassVar[str]
    """A letter that tells faces from users, in removals and in the context of the encryption."""
    name_field: ClassVar[str]
    """The field that names a row within its collection."""
    collection: Any
    """Each kind has its own reference to a Collection."""

    template = models.BinaryField(null=True)
    key_id = models.CharField(max_length=template_encryption.KEY_ID, blank=True, db_index=True)
    sequence = models.PositiveBigIntegerField()

    class Meta:
        abstract = True

    @classmethod
    def context(cls, incarnation: uuid.UUID, name: object) -> bytes:
        """Binds a template to its row: moved to another row, kind or collection, it does not decrypt."""
        return incarnation.bytes + f"{cls.kind}{name}".encode()

    def own_context(self, collection: Collection) -> bytes:
        return self.context(collection.incarnation, getattr(self, self.name_field))

    def set_template(self, collection: Collection, template: NDArray[np.float32] | None) -> None:
        if template is None:
            self.template, self.key_id = None, ""
            return
        if collection.face_model_version == WITH_MEAN:
            template = uncentred(template, mean())
        key = template_encryption.current_key()
        self.template = key.seal(template.astype(TEMPLATE).tobytes(), self.own_context(collection))
        self.key_id = key.id

    def get_template(self, collection: Collection, version: str = "") -> NDArray[np.float32]:
        """The template. `version` is the collection's face model version, where it was read with this row.

        Raises `template_encryption.KeyMissing` and `template_encryption.Altered`.
        """
        key = template_encryption.key_named(self.key_id)
        stored = np.frombuffer(key.unseal(bytes(self.template or b""), self.own_context(collection)), TEMPLATE)
        return centred(stored, mean()) if (version or collection.face_model_version) == WITH_MEAN else stored


class User(EncryptedTemplate):
    """Several faces of one person. The template is their mean; a user without faces has none."""

    kind = "u"
    name_field = "user_id"

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="users")
    user_id = models.CharField(max_length=128)
    updated = models.DateTimeField(null=True)
    """When its faces last changed."""

    class Meta:
        constraints = (models.UniqueConstraint("collection", "user_id", name="user_id_once_a_collection"),)
        indexes = (models.Index(fields=["collection", "sequence"], name="local_user_changes"),)

    def __str__(self) -> str:
        return self.user_id

    @property
    def status(self) -> str:
        if self.updated and timezone.now() - self.updated < timedelta(seconds=options().updating_seconds):
            return "UPDATING"
        return "CREATED" if self.template is None else "ACTIVE"


class Face(EncryptedTemplate):
    kind = "f"
    name_field = "face_id"

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="faces", db_index=False)
    face_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    image_id = models.UUIDField()
    external_image_id = models.CharField(max_length=255, blank=True)
    left = models.FloatField()
    top = models.FloatField()
    width = models.FloatField()
    height = models.FloatField()
    confidence = models.FloatField()
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="faces")
    link = models.CharField(max_length=64, blank=True, default="", editable=False)
    """That the service itself gave the face to its user. Without it, whoever writes to the database could make
    somebody's vector of faces of their own."""

    class Meta:
        indexes = (
            models.Index(fields=["collection", "id"], name="local_face_pages"),
            models.Index(fields=["collection", "sequence"], name="local_face_changes"),
            models.Index(fields=["collection", "image_id"], name="local_face_pictures"),
        )

    def __str__(self) -> str:
        return str(self.face_id)

    def give_to(self, user: User | None) -> None:
        self.user = user
        self.link = link_of(template_encryption.current_key(), self.face_id, user.user_id) if user else ""

    @property
    def is_linked(self) -> bool:
        """Whether its user is the one to whom it was given."""
        return self.user is not None and any(
            constant_time_compare(self.link, link_of(key, self.face_id, self.user.user_id))
            for key in template_encryption.keys().values()
        )


def link_of(key: template_encryption.Key, face_id: object, user_id: str) -> str:
    return key.fingerprint("faceauth.local links", f"{face_id} {user_id}".encode()).hex()


def faces_of(user: User) -> list[Face]:
    """The user's faces, without those that somebody put there."""
    return [face for face in user.faces.select_related("user") if face.is_linked]


class Removal(models.Model):
    """A deleted face or user, by its primary key, so that every process removes it from its search index."""

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="removals")
    sequence = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=1)
    key = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=["collection", "kind", "sequence"], name="local_removal_changes"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class RequestToken(models.Model):
    """A used ClientRequestToken with its answer, which the same request gets again."""

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="request_tokens")
    operation = models.CharField(max_length=40)
    token = models.CharField(max_length=64)
    fingerprint = models.BinaryField()
    answer = models.JSONField()
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint("operation", "token", name="request_token_once_an_operation"),)

    def __str__(self) -> str:
        return self.operation

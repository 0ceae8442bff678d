"""Collections, faces and users as the local service keeps them. Templates are sealed; see template_encryption.py."""

import uuid
from typing import Any, ClassVar

import numpy as np
from django.db import models, transaction
from django.db.models import F
from numpy.typing import NDArray

from faceauth.local import template_encryption

# 7.0 is Rekognition's: the version whose behaviour this service has (quality filters, 100 faces a picture, no
# OrientationCorrection). The last number is ours and changes with the network: templates of two do not compare.
FACE_MODEL_VERSION = "7.0.1"

TEMPLATE = np.dtype("<f4")


class Collection(models.Model):
    collection_id = models.CharField(max_length=255, unique=True)
    # Tells this collection from one of the same name before it, so that nothing remembered of that one is used again.
    incarnation = models.UUIDField(default=uuid.uuid4, editable=False)
    face_model_version = models.CharField(max_length=20, default=FACE_MODEL_VERSION)
    created = models.DateTimeField(auto_now_add=True)
    tags = models.JSONField(default=dict, blank=True)
    face_count = models.PositiveBigIntegerField(default=0)
    # Counts the changes of faces and users. Written first in each transaction that makes one (`begin_change`).
    sequence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.collection_id


class Unsettled:
    """Waits in a transaction of this connection for its commit: that transaction has changed a collection."""

    def __init__(self, collection: int) -> None:
        self.collection = collection

    def __call__(self) -> None:
        """Nothing is left to do after the commit: Django drops this object then, and at a rollback as well."""


def begin_change(collection_id: str) -> Collection:
    """Lock the collection for a change of its faces or users and return it with the change's own sequence.

    Call it first in a transaction. The row stays locked to its end, so changes of one collection become visible in the
    order of their sequences, and whoever sees a sequence sees every change up to it. Raises Collection.DoesNotExist.
    """
    chosen = Collection.objects.filter(collection_id=collection_id)
    chosen.update(sequence=F("sequence") + 1)
    collection = chosen.get()
    transaction.on_commit(Unsettled(collection.pk), using=collection._state.db)
    return collection


def is_unsettled(collection: Collection) -> bool:
    """Whether this connection is in a transaction that has changed `collection` and may still be rolled back.

    Django keeps what waits for a commit in `run_on_commit` and drops it when its transaction or savepoint is rolled
    back, which is just what has to be known here.
    """
    connection = transaction.get_connection(collection._state.db)
    waiting = (entry[1] for entry in connection.run_on_commit)
    return any(isinstance(it, Unsettled) and it.collection == collection.pk for it in waiting)


class Sealed(models.Model):
    """A row with a template, which is 128 float32 of unit length; `seal` and `template_of` are the ways in and out."""

    kind: ClassVar[str]
    """A letter that tells faces from users, in removals and where a template belongs."""
    name_field: ClassVar[str]
    """The field that names a row within its collection."""

    template = models.BinaryField(null=True)
    key_id = models.CharField(max_length=template_encryption.KEY_ID, blank=True, db_index=True)
    sequence = models.PositiveBigIntegerField()

    class Meta:
        abstract = True

    @classmethod
    def rows(cls, collection: Collection) -> models.QuerySet[Any]:
        """The rows of a collection."""
        manager: Any = cls._default_manager  # faces and users each have their own `collection`
        return manager.filter(collection=collection)  # type: ignore[no-any-return]

    @classmethod
    def place(cls, incarnation: uuid.UUID, name: object) -> bytes:
        """Where a template belongs: a token moved to another row, or to another collection, does not open there."""
        return incarnation.bytes + f"{cls.kind}{name}".encode()

    @property
    def name(self) -> object:
        return getattr(self, self.name_field)

    def seal(self, collection: Collection, template: NDArray[np.float32] | None) -> None:
        if template is None:
            self.template, self.key_id = None, ""
            return
        key = template_encryption.writing_key()
        self.template = key.seal(template.astype(TEMPLATE).tobytes(), self.place(collection.incarnation, self.name))
        self.key_id = key.id

    def unsealed(self, collection: Collection) -> NDArray[np.float32]:
        """The template. Raises `template_encryption.KeyMissing` and `template_encryption.Tampered`."""
        token = bytes(self.template or b"")
        value = template_encryption.key_named(self.key_id).open(token, self.place(collection.incarnation, self.name))
        return np.frombuffer(value, TEMPLATE)


class User(Sealed):
    """Faces of one person. The template is the mean of theirs; a user without faces has none."""

    kind = "u"
    name_field = "user_id"

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="users")
    user_id = models.CharField(max_length=128)

    class Meta:
        constraints = (models.UniqueConstraint("collection", "user_id", name="user_id_once_a_collection"),)
        indexes = (models.Index(fields=["collection", "sequence"], name="local_user_changes"),)

    def __str__(self) -> str:
        return self.user_id

    @property
    def status(self) -> str:
        return "CREATED" if self.template is None else "ACTIVE"


class Face(Sealed):
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

    class Meta:
        indexes = (
            models.Index(fields=["collection", "id"], name="local_face_pages"),
            models.Index(fields=["collection", "sequence"], name="local_face_changes"),
            models.Index(fields=["collection", "image_id"], name="local_face_pictures"),
        )

    def __str__(self) -> str:
        return str(self.face_id)


class Removal(models.Model):
    """A face or user that is gone: the row that tells every process so. It names only what the row was numbered."""

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="removals")
    sequence = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=1)
    key = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=["collection", "kind", "sequence"], name="local_removal_changes"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class RequestToken(models.Model):
    """A ClientRequestToken that was used, and what was answered: the same request again gets the same answer."""

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

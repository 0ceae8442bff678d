"""Notes, their attachments, and each person's key and preferences."""

import json
import logging
import os
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Self
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notes import encryption
from notes.history import Version as Version  # a model too
from notes.hits import Hit

logger = logging.getLogger(__name__)

MAX_LENGTH = 100_000
"""The most characters (code points) in a note: about fifty printed pages."""

OPENING_LENGTH = 300  # characters of a note that its list shows at most
TRASH_DAYS = 30  # how long a deleted note can be restored


class Key(models.Model):
    """A person's own key, wrapped by one of `settings.ENCRYPTION_KEYS`. Without this row their notes cannot be read."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="notes_key"
    )
    wrapped = models.BinaryField(_("wrapped key"))
    wrapped_by = models.CharField(_("wrapped by"), max_length=encryption.KEY_ID_LENGTH, db_index=True)

    class Meta:
        verbose_name = _("key")
        verbose_name_plural = _("keys")

    def __str__(self) -> str:
        return str(self.pk)

    @cached_property
    def unwrapped(self) -> tuple[bytes, bool]:
        return encryption.unwrap(bytes(self.wrapped), self.wrapped_by, self.pk)

    @cached_property
    def secret(self) -> bytes:
        return self.unwrapped[0]

    @property
    def versioned(self) -> bool:
        """Whether all of the person's notes are bound to their versions."""
        return self.unwrapped[1]

    def seal(self, value: bytes, place: str) -> bytes:
        return encryption.seal(self.secret, value, f"{place} of {self.pk}")

    def unseal(self, sealed: bytes | memoryview, place: str) -> bytes:
        return encryption.unseal(self.secret, bytes(sealed), f"{place} of {self.pk}")

    def unseal_note(self, sealed: bytes | memoryview, part: str, pk: UUID, version: int) -> str:
        """A part of a note, where it is of this version. Raises `Altered`."""
        try:
            return self.unseal(sealed, encryption.note_place(part, pk, version)).decode()
        except encryption.Altered:
            if self.versioned:
                raise
        return self.unseal(sealed, encryption.note_place(part, pk)).decode()  # from the time before versions were bound


def key_of(owner: User) -> Key:
    """The person's key, made when there is none. One query, and none when the same object asks again."""
    try:
        return owner.notes_key
    except Key.DoesNotExist:
        wrapped, key_id = encryption.wrap(os.urandom(encryption.KEY), owner.pk, versioned=True)
        # Two first notes at the same moment: the one that comes second takes the key of the first.
        key, _made = Key.objects.get_or_create(owner_id=owner.pk, defaults={"wrapped": wrapped, "wrapped_by": key_id})
        owner.notes_key = key
        return key


class Preferences(models.Model):
    """A person's settings of the notebook. There is no row until something is chosen."""

    class HiddenFor(models.IntegerChoices):
        """Seconds that a tab may be out of sight before it locks."""

        TEN_SECONDS = 10, _("10 seconds")
        ONE_MINUTE = 60, _("1 minute")
        FIVE_MINUTES = 300, _("5 minutes")
        NEVER = 0, _("as long as I like")

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="notes_preferences"
    )
    hidden_for = models.PositiveSmallIntegerField(
        _("out of sight"), choices=HiddenFor.choices, default=HiddenFor.FIVE_MINUTES
    )
    single_keys = models.BooleanField(_("keys pressed alone"), default=True)
    """Whether n, / and ? are shortcuts (WCAG 2.1.4: people who use speech input can switch them off)."""

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return str(self.pk)


def preferences_of(owner: User) -> Preferences:
    """The person's choices, or the defaults, which are not kept until something is chosen."""
    try:
        return owner.notes_preferences
    except Preferences.DoesNotExist:
        return Preferences(owner_id=owner.pk)


class SendCount(models.Model):
    """How many uploads, or imports, somebody has sent since a moment."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes_sent")
    kind = models.CharField(_("kind"), max_length=10)
    began = models.DateTimeField(_("began"))
    count = models.PositiveIntegerField(_("count"), default=0)

    class Meta:
        verbose_name = _("count of uploads")
        verbose_name_plural = _("counts of uploads")
        constraints = (models.UniqueConstraint(fields=("owner", "kind"), name="notes_one_count_of_a_kind"),)

    def __str__(self) -> str:
        return str(self.pk)


class NoteQuerySet(models.QuerySet["Note"]):
    def openings(self) -> Self:
        """Without the whole texts: fifty notes may hold 5 million characters."""
        return self.defer("sealed_text")

    def with_attachments(self) -> Self:
        """With the attachments of each, as the list `attached`: one query for all notes."""
        return self.prefetch_related(models.Prefetch("attachments", to_attr="attached"))


class NoteManager(models.Manager["Note"]):
    def get_queryset(self) -> NoteQuerySet:
        return NoteQuerySet(self.model, using=self._db)

    def of(self, owner: User) -> NoteQuerySet:
        """One person's notes. Every view uses this, so that somebody else's note is a 404.

        All of them share this `owner` object and its key: fifty notes need one query for the key, not fifty.
        """
        return owner.notes.get_queryset().filter(trashed=None)

    def trashed(self, owner: User) -> NoteQuerySet:
        """What the person has deleted in the last thirty days, the latest first."""
        return owner.notes.get_queryset().filter(trashed__gt=trash_horizon()).order_by("-trashed", "-id")

    def write(self, owner: User, text: str, **fields: Any) -> "Note":
        """Keep a new note. Raises `IntegrityError` where its id is taken."""
        note = Note.written(owner, text, **fields)
        note.save(force_insert=True)
        return note


def trash_horizon() -> datetime:
    """What was put into the trash before this moment is gone, deleted from the database or not."""
    return timezone.now() - timedelta(days=TRASH_DAYS)


class Note(models.Model):
    """A note has no title: its first line is one.

    `text` reads and writes like a field, and is encrypted for this note of this owner; `opening` is its beginning.
    """

    # Random: a number in the address would tell how much everybody here writes.
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes")
    sealed_text = models.BinaryField(_("sealed text"))
    # Beside the text, so that a list of fifty notes does not decrypt fifty whole texts.
    sealed_opening = models.BinaryField(_("sealed opening"))
    version = models.PositiveIntegerField(_("version"), default=1, help_text=_("Counts the changes, from 1."))
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    changed = models.DateTimeField(_("changed"), default=timezone.now, editable=False)
    pinned = models.BooleanField(_("pinned"), default=False)
    trashed = models.DateTimeField(_("moved to the trash"), null=True, blank=True, editable=False, db_index=True)

    attached: list["Attachment"]
    """What `with_attachments` has fetched."""
    hit: Hit | None = None
    """Why a search found it."""

    objects = NoteManager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ("-pinned", "-created", "-id")
        indexes = (models.Index(fields=("owner", "-pinned", "-created", "-id"), name="notes_pinned_then_newest"),)

    def __str__(self) -> str:
        """Never the text: the admin prints this where it lists what is deleted with a person."""
        return str(self.pk)

    @classmethod
    def written(cls, owner: User, text: str, **fields: Any) -> Self:
        """A note that is not saved yet."""
        note = cls(owner=owner, **fields)
        note.text = text
        return note

    @property
    def text(self) -> str:
        return self.unseal(self.sealed_text, "text")

    @text.setter
    def text(self, text: str) -> None:
        self.__dict__.update(self.sealed(text, self.version))

    @property
    def opening(self) -> str:
        return self.unseal(self.sealed_opening, "opening")

    def sealed(self, text: str, version: int) -> dict[str, bytes]:
        """The fields that hold `text`, for this note and this version of it, and for no other."""
        return {
            "sealed_text": self.seal(text, "text", version),
            "sealed_opening": self.seal(text[:OPENING_LENGTH], "opening", version),
        }

    def seal(self, text: str, part: str, version: int) -> bytes:
        return key_of(self.owner).seal(text.encode(), encryption.note_place(part, self.pk, version))

    def unseal(self, sealed: bytes | memoryview, part: str) -> str:
        return key_of(self.owner).unseal_note(sealed, part, self.pk, self.version)


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def of(self, owner: User) -> Self:
        """The attachments of one person's notes, without those in the trash."""
        return self.filter(note__owner_id=owner.pk, note__trashed=None).select_related("note")


class Attachment(models.Model):
    """A photo or a file on a note. Its content is encrypted in the default storage, under a random name."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="attachments")
    sealed_label = models.BinaryField(_("sealed name and type"))
    content_path = models.CharField(_("file of the content"), max_length=200)
    # Only pictures that were decoded here have one. Nothing else is ever shown, whatever its name says.
    thumbnail_path = models.CharField(_("file of the thumbnail"), max_length=200, blank=True)
    size = models.PositiveIntegerField(_("size"), help_text=_("Bytes, before sealing."))
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ("created", "id")

    def __str__(self) -> str:
        return str(self.pk)

    def seal(self, value: bytes, part: str) -> bytes:
        return key_of(self.note.owner).seal(value, f"{part} of attachment {self.pk}")

    def unseal(self, sealed: bytes | memoryview, part: str) -> bytes:
        return key_of(self.note.owner).unseal(sealed, f"{part} of attachment {self.pk}")

    def set_label(self, name: str, content_type: str) -> None:
        self.sealed_label = self.seal(json.dumps([name, content_type]).encode(), "label")

    @cached_property
    def label(self) -> tuple[str, str]:
        """Its file name and its type. An altered one gets another name, and does not close the whole notebook."""
        try:
            name, content_type = json.loads(self.unseal(self.sealed_label, "label"))
        except encryption.Altered as error:
            logger.error("The attachment %s: %s", self.pk, error)
            return gettext("A file that cannot be opened"), "application/octet-stream"
        return name, content_type

    @property
    def name(self) -> str:
        return self.label[0]

    @property
    def content_type(self) -> str:
        return self.label[1]

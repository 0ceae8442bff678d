"""Earlier versions of notes: what a note said before it was changed, for thirty days.

A page saves itself while somebody writes, so not every save is worth keeping. Kept is what stood there before a
sitting, and every ten minutes within one; and what loses more than a few words, or is replaced by an earlier version.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notes.encryption import note_place

if TYPE_CHECKING:
    from notes.models import Note

DAYS = 30
SITTING = timedelta(minutes=10)
LOST = 100  # characters fewer than before: more than a slip of the hand
PART = "earlier text"
"""Another part than the note's own text, so that nobody puts an earlier version in the place of the note."""


def horizon() -> datetime:
    """What was replaced before this moment is gone, deleted from the database or not."""
    return timezone.now() - timedelta(days=DAYS)


class VersionQuerySet(models.QuerySet["Version"]):
    def of(self, owner: User) -> Self:
        """The earlier versions of one person's notes, without those in the trash."""
        return self.filter(note__owner_id=owner.pk, note__trashed=None, replaced__gt=horizon()).select_related("note")

    def expired(self) -> Self:
        return self.filter(replaced__lte=horizon())


class Version(models.Model):
    """What a note said until it was changed, encrypted for this owner, note and number."""

    note = models.ForeignKey("notes.Note", on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    sealed_text = models.BinaryField(_("sealed text"))
    size = models.PositiveIntegerField(_("size"), help_text=_("Bytes, sealed."))
    written = models.DateTimeField(_("written"))
    replaced = models.DateTimeField(_("replaced"), default=timezone.now, db_index=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("earlier version")
        verbose_name_plural = _("earlier versions")
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("note", "number"), name="notes_one_version_of_a_number"),)

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def text(self) -> str:
        """Raises `encryption.CannotDecrypt`."""
        return self.note.owner.notes_key.unseal(self.sealed_text, note_place(PART, self.note_id, self.number)).decode()


def worth_keeping(note: "Note", text: str) -> bool:
    """Whether what the note says is kept when `text` replaces it."""
    if len(note.text) - len(text) > LOST:
        return True
    return not note.versions.filter(replaced__gt=timezone.now() - SITTING).exists()


def keep(note: "Note") -> None:
    """Keep what the note says now, which is about to be replaced or just was."""
    sealed = note.seal(note.text, PART, note.version)
    kept = Version(note=note, number=note.version, sealed_text=sealed, size=len(sealed), written=note.changed)
    Version.objects.bulk_create([kept], ignore_conflicts=True)
    note.versions.expired().delete()


def shown(note: "Note") -> models.QuerySet[Version]:
    """Numbers and times of a note's earlier versions, the latest first."""
    return note.versions.filter(replaced__gt=horizon()).only("number", "written")


def delete_expired() -> int:
    """Delete all that was replaced more than thirty days ago. Returns how many versions."""
    return Version.objects.expired().delete()[0]

"""A note: some words, and whose they are."""

from typing import Self
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_LENGTH = 100_000
"""The most characters (code points) in a note: about fifty printed pages."""

OPENING_LENGTH = 300
"""How many characters of a note its list shows at most."""


class NoteQuerySet(models.QuerySet["Note"]):
    def of(self, owner: AbstractBaseUser) -> Self:
        """One person's notes. Every page comes through here, so a note of somebody else is simply not there."""
        return self.filter(owner_id=owner.pk)

    def openings(self) -> Self:
        """How the notes begin, as `opening`, without reading the rest: fifty notes may hold 5 million characters."""
        return self.defer("text").annotate(opening=Left("text", OPENING_LENGTH))


class Note(models.Model):
    """There is no title: the first line is one."""

    # Random rather than counted: a number in the address would tell how much everybody here writes.
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(_("text"))
    version = models.PositiveIntegerField(_("version"), default=1, help_text=_("Counts the changes, from 1."))
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    changed = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ("-created", "-id")
        indexes = (models.Index(fields=("owner", "-created", "-id"), name="notes_newest_first"),)

    def __str__(self) -> str:
        """Never the words: the admin prints this where it lists what goes when a person is deleted."""
        return str(self.pk)

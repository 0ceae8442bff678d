"""Deleted notes stay in the trash for thirty days, and can be restored.

After that they are deleted when their owner deletes something or opens the trash, and by `manage.py empty_trash` for
people who do neither. Until then nobody is shown them.
"""

from uuid import UUID

from django.contrib.auth.models import User

from notes.models import Note, trash_horizon


def restore(owner: User, pk: UUID) -> bool:
    """Restore a note as it was. False: there is none."""
    return bool(Note.objects.trashed(owner).filter(pk=pk).update(trashed=None))


def delete_forever(owner: User, pk: UUID) -> bool:
    """Delete for good one note that is in the trash."""
    deleted, _ = Note.objects.trashed(owner).filter(pk=pk).delete()
    return deleted > 0


def empty(owner: User) -> None:
    """Delete for good all that is in the trash."""
    Note.objects.filter(owner_id=owner.pk, trashed__isnull=False).delete()


def delete_expired(owner: User | None = None) -> int:
    """Delete for good what has been in the trash for thirty days, of one person or of all. Returns how many notes."""
    expired = Note.objects.filter(trashed__lte=trash_horizon())
    if owner is not None:
        expired = expired.filter(owner_id=owner.pk)
    deleted = expired.delete()[1]
    return deleted.get(Note._meta.label, 0)

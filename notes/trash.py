"""What was deleted lies here for thirty days, and can be brought back.

It is swept out when its owner deletes something or looks into the trash, and by `manage.py empty_trash` for those who
do neither. What is older than thirty days is shown to nobody in any case.
"""

from uuid import UUID

from django.contrib.auth.models import User

from notes.models import Note, trash_horizon


def restore(owner: User, pk: UUID) -> bool:
    """Bring a note back as it was. False: there is none to bring back."""
    return bool(Note.objects.trashed(owner).filter(pk=pk).update(trashed=None))


def delete_forever(owner: User, pk: UUID) -> bool:
    """Delete for good one note that is in the trash."""
    deleted, _ = Note.objects.trashed(owner).filter(pk=pk).delete()
    return deleted > 0


def empty(owner: User) -> None:
    """Delete for good all that is in the trash."""
    Note.objects.filter(owner_id=owner.pk, trashed__isnull=False).delete()


def delete_expired(owner: User | None = None) -> int:
    """Delete for good what has lain there for thirty days, of one person or of all; how many notes it was."""
    expired = Note.objects.filter(trashed__lte=trash_horizon())
    if owner is not None:
        expired = expired.filter(owner_id=owner.pk)
    deleted = expired.delete()[1]
    return deleted.get(Note._meta.label, 0)

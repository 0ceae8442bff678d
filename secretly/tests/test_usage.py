"""The storage that the dashboard shows."""

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from pytest_django import DjangoAssertNumQueries, Settings

from notes import attachments, editing, quotas
from notes.models import Note
from secretly import usage


def test_notes_are_counted(
    owner: User, stranger: User, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.STORAGE_PER_PERSON = 1000
    note = Note.objects.write(owner, "One.")
    Note.objects.write(owner, "Two.")
    attachments.attach(owner, note.pk, "a.txt", ContentFile(b"12345"))
    changed = editing.change(owner, note.pk, 1, "One, and what was there before is kept.")
    assert isinstance(changed, editing.Saved)
    used = quotas.usage(owner).bytes
    settings.STORAGE_PER_PERSON = 2 * used
    with django_assert_num_queries(3):
        found = usage.of_notes([owner.pk, stranger.pk])
    told = {user: [(it.count, it.size) for it in some] for user, some in found.items()}
    assert used > 5 + 100  # texts and earlier versions too, sealed
    assert told == {
        owner.pk: [(2, None), (1, 5), (50, None)],
        stranger.pk: [(0, None), (0, 0), (0, None)],
    }
    [people, notes, attached_files] = usage.of_notes(None)[None]
    assert (people.count, notes.count, attached_files.count, attached_files.size) == (2, 2, 1, 5)


def test_the_database_has_a_size(db: None) -> None:
    [held] = usage.of_database(None)[None]
    assert held.size is not None
    assert held.size > 10_000
    assert usage.of_database([1]) == {}

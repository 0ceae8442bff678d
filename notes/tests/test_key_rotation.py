"""People's keys move to another key of the settings, and a key that is missing is an error, not an empty notebook."""

import logging

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from pytest_django.fixtures import Settings

from notes import editing, encryption, key_rotation
from notes.encryption import Altered, KeyMissing
from notes.models import Key, Note, key_of
from notes.tests.conftest import signed_in
from privatekit.rotation import Progress


@pytest.fixture
def fresh(settings: Settings, note: Note) -> str:
    """A new key, in front of the one that the owner's note was written under."""
    key = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [key, *settings.ENCRYPTION_KEYS]
    return key


def rotate() -> list[Progress]:
    return list(key_rotation.rotate_keys())


def test_rotating_moves_the_keys_and_touches_no_note(
    fresh: str, settings: Settings, owner: User, stranger: User, note: Note
) -> None:
    key_of(stranger)  # is made under the new key
    before = bytes(Note.objects.get(pk=note.pk).sealed_text)
    assert rotate() == [(0, 1), (1, 1)]
    assert rotate() == [(0, 0)]
    settings.ENCRYPTION_KEYS = [fresh]
    after = Note.objects.get(pk=note.pk)
    assert "kettle" in after.text
    assert bytes(after.sealed_text) == before


def test_until_then_the_old_key_reads(fresh: str, settings: Settings, note: Note) -> None:
    assert "kettle" in Note.objects.get(pk=note.pk).text
    settings.ENCRYPTION_KEYS = [fresh]
    with pytest.raises(KeyMissing, match="does not hold"):
        _ = Note.objects.get(pk=note.pk).text


def test_rotating_without_the_old_key_says_which_is_missing(fresh: str, settings: Settings) -> None:
    [key_id] = Key.objects.values_list("wrapped_by", flat=True)
    settings.ENCRYPTION_KEYS = [fresh]
    with pytest.raises(KeyMissing, match=key_id):
        rotate()


def test_a_rotation_that_is_stopped_goes_on_where_it_was(
    fresh: str, settings: Settings, owner: User, stranger: User, note: Note
) -> None:
    old = settings.ENCRYPTION_KEYS[1:]
    settings.ENCRYPTION_KEYS = old
    key_of(stranger)
    settings.ENCRYPTION_KEYS = [fresh, *old]
    steps = key_rotation.rotate_keys()
    assert [next(steps), next(steps)] == [(0, 2), (1, 2)]
    del steps  # as when the command is interrupted
    assert "kettle" in Note.objects.get(pk=note.pk).text
    assert rotate() == [(0, 1), (1, 1)]


def test_a_person_who_is_deleted_meanwhile_does_not_stop_the_rotation(fresh: str, owner: User) -> None:
    steps = key_rotation.rotate_keys()
    next(steps)
    owner.delete()
    assert list(steps) == [(1, 1)]
    assert not Key.objects.exists()


def test_a_missing_key_stops_the_start(fresh: str, settings: Settings) -> None:
    assert key_rotation.check_keys(databases=["default"]) == []
    settings.ENCRYPTION_KEYS = [fresh]
    [fault] = key_rotation.check_keys(databases=["default"])
    assert fault.id == "notes.E001"
    assert "ENCRYPTION_KEYS" in fault.msg
    assert fault.hint
    with pytest.raises(Exception, match=r"notes\.E001"):
        call_command("migrate", verbosity=0, skip_checks=False)


def test_the_first_start_has_no_table_to_check(fresh: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENCRYPTION_KEYS = [fresh]
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert key_rotation.check_keys(databases=["default"]) == []


def test_the_check_asks_no_database_that_it_was_not_given(fresh: str) -> None:
    assert key_rotation.check_keys() == []


@pytest.mark.parametrize("path", ["/", "/trash/", "/notes/{}/"])
def test_a_missing_key_is_said_and_is_no_empty_notebook(
    fresh: str, settings: Settings, owner: User, note: Note, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    Note.objects.write(owner, "deleted")
    if path == "/trash/":
        Note.objects.update(trashed=note.created)
    settings.ENCRYPTION_KEYS = [fresh]
    answer = signed_in(owner).get(path.format(note.pk))
    assert answer.status_code == 503
    assert "The site will be back in a moment." in answer.content.decode()
    assert "new" not in answer.content.decode()
    [record] = [record for record in caplog.records if record.name == "notes.responses"]
    assert record.levelno == logging.ERROR
    assert "ENCRYPTION_KEYS does not hold" in record.getMessage()


def test_text_comes_back_while_a_key_is_missing(fresh: str, settings: Settings, owner: User, note: Note) -> None:
    settings.ENCRYPTION_KEYS = [fresh]
    answer = signed_in(owner).post("/", {"text": "unsaved words"})
    assert answer.status_code == 503
    assert "unsaved words</textarea>" in answer.content.decode()
    answer = signed_in(owner).post("/", {"text": "unsaved words"}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["outcome"]) == (503, "unavailable")


# Versions -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unbound(owner: User, note: Note) -> Note:
    """The owner's note as it was sealed before versions were bound, under a key of that time."""
    key, text = key_of(owner), note.text
    key.wrapped, key.wrapped_by = encryption.wrap(key.secret, key.pk)
    key.save()
    for part in ("text", "opening"):
        setattr(note, f"sealed_{part}", key.seal(text.encode(), f"{part} of note {note.pk}"))
    note.save()
    return Note.objects.get(pk=note.pk)


def put_back(note: Note, version: int) -> None:
    """What somebody can do who can write to the database, and has kept an older row."""
    row = {"sealed_text": bytes(note.sealed_text), "sealed_opening": bytes(note.sealed_opening)}
    Note.objects.filter(pk=note.pk).update(**row, version=version)


def test_an_older_version_under_a_newer_number_does_not_open_and_is_told(
    owner: User, note: Note, caplog: pytest.LogCaptureFixture
) -> None:
    editing.change(owner, note.pk, 1, "The kettle is cold.")
    assert key_rotation.check_notes(databases=["default"]) == []
    put_back(note, 2)
    client = signed_in(owner)
    assert "This note cannot be opened." in client.get("/").content.decode()
    assert client.get(f"/notes/{note.pk}/").status_code == 503
    assert "kettle" not in client.post("/search/", {"words": "five"}).context["found"]
    assert f"The note {note.pk}" in caplog.text
    assert "older version" in caplog.text
    [fault] = key_rotation.check_notes(databases=["default"])
    assert (fault.id, str(note.pk) in fault.msg) == ("notes.E002", True)


def test_a_whole_older_row_is_told_while_a_newer_version_is_kept(owner: User, note: Note) -> None:
    editing.change(owner, note.pk, 1, "The kettle is cold.")
    editing.change(owner, note.pk, 2, "The kettle is gone.", keep=True)
    assert key_rotation.check_notes(databases=["default"]) == []
    put_back(note, 1)
    assert Note.objects.get(pk=note.pk).text == note.text  # its seal is right
    [fault] = key_rotation.check_notes(databases=["default"])
    assert (fault.id, str(note.pk) in fault.msg) == ("notes.E004", True)


def test_a_note_without_a_bound_version_is_bound_by_the_next_save(owner: User, unbound: Note) -> None:
    assert "kettle" in unbound.text
    editing.change(User.objects.get(pk=owner.pk), unbound.pk, 1, "The kettle is cold.")
    sealed = Note.objects.get(pk=unbound.pk).sealed_text
    assert key_of(owner).unseal(sealed, f"text of note {unbound.pk}, version 2") == b"The kettle is cold."


def test_rotating_binds_every_note_to_its_version(owner: User, unbound: Note) -> None:
    assert rotate() == [(0, 1), (1, 1)]
    assert rotate() == [(0, 0)]
    assert "kettle" in Note.objects.get(pk=unbound.pk).text
    assert Key.objects.get().versioned
    put_back(unbound, 1)
    with pytest.raises(Altered):
        _ = Note.objects.get(pk=unbound.pk).text


def test_a_note_that_does_not_open_keeps_the_others_from_no_rotation(
    owner: User, unbound: Note, caplog: pytest.LogCaptureFixture
) -> None:
    Note.objects.write(owner, "other")
    Note.objects.filter(pk=unbound.pk).update(sealed_text=b"x" * 40)
    assert rotate() == [(0, 1), (1, 1)]
    assert str(unbound.pk) in caplog.text
    assert not Key.objects.get().versioned

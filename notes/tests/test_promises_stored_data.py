"""What somebody has written opens with the keys of the installation, today and after every change of the code.

The values below were sealed by the first version, with a key that opens nothing else. Where one of these tests fails,
everybody's notes would be lost with the update: write a migration instead.
"""

import base64

import pytest
from pytest_django import Settings

from notes import encryption
from notes.models import Key

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
KEY_OF_7 = base64.b64decode("UcN7FpJ7+11JSGjcXvgY1mgQz+Gh60ERJQCZQnuRx4ZGNZc2dZ87XqZN4OrJYozWsny4x7ThfgFvd0Ug")
TEXT_OF_NOTE_5 = base64.b64decode("gEOwlVEL4rYmlx9ZooXnChSTtaHgw44GPt+rRyg1llSlfA==")


@pytest.fixture(autouse=True)
def _key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [KEY]


def key_of(person: int) -> Key:
    return Key(pk=person, wrapped=KEY_OF_7, wrapped_by="044927333f907e58")


def test_a_note_opens() -> None:
    assert key_of(7).unseal(TEXT_OF_NOTE_5, "text of note 5") == b"a note"


@pytest.mark.parametrize("version", [1, 7])
def test_a_note_from_the_time_before_versions_were_bound_opens(version: int) -> None:
    assert key_of(7).unseal_note(TEXT_OF_NOTE_5, "text", 5, version) == "a note"  # type: ignore[arg-type] # once a number


@pytest.mark.parametrize("place", ["text of note 6", "opening of note 5", "text of attachment 5"])
def test_a_note_opens_in_no_other_row(place: str) -> None:
    with pytest.raises(encryption.Altered):
        key_of(7).unseal(TEXT_OF_NOTE_5, place)


def test_a_persons_key_opens_for_nobody_else() -> None:
    with pytest.raises(encryption.KeyDamaged):
        _ = key_of(8).secret

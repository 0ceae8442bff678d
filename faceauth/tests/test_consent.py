from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.signed_cookies import SessionStore
from pytest_django import Settings

from faceauth.web import consent

PICTURE = b"the picture " * 1000


def session() -> SessionStore:
    return SessionStore()


def test_opens_in_its_session() -> None:
    visitor = session()
    assert consent.unseal(consent.seal([PICTURE], visitor, "file"), visitor) == ([PICTURE], "file")


@pytest.mark.parametrize(
    "pictures", [[b"a", b"bb"], [b"a", b"", PICTURE], [PICTURE] * 3], ids=["two", "empty", "three"]
)
def test_opens_with_all_its_pictures_in_their_order(pictures: list[bytes]) -> None:
    visitor = session()
    assert consent.unseal(consent.seal(pictures, visitor), visitor) == (pictures, "")


@pytest.mark.parametrize("count", [0, 4])
def test_holds_one_to_three_pictures(count: int) -> None:
    visitor = session()
    with pytest.raises(ValueError, match="One to 3"):
        consent.seal([PICTURE] * count, visitor)
    assert consent.NONCE not in visitor


def test_shows_nothing_and_leaves_no_picture_in_the_session() -> None:
    visitor = session()
    sealed = consent.seal([PICTURE], visitor)
    assert b"picture" not in sealed.encode()
    assert list(visitor.keys()) == [consent.NONCE]
    assert len(visitor[consent.NONCE]) < 40


def test_opens_once() -> None:
    visitor = session()
    sealed = consent.seal([PICTURE], visitor)
    consent.unseal(sealed, visitor)
    assert consent.unseal(sealed, visitor) is None


def test_does_not_open_in_another_session() -> None:
    visitor, other = session(), session()
    sealed = consent.seal([PICTURE], visitor)
    consent.seal([b"of the other"], other)
    assert consent.unseal(sealed, other) is None
    assert consent.unseal(sealed, session()) is None


def test_a_new_seal_ends_the_old_one() -> None:
    visitor = session()
    old = consent.seal([PICTURE], visitor)
    consent.seal([b"newer"], visitor)
    assert consent.unseal(old, visitor) is None


@pytest.mark.parametrize("seconds", [121, 3600])
def test_is_worthless_after_two_minutes(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = session()
    sealed = consent.seal([PICTURE], visitor)
    now = datetime.now(UTC) + timedelta(seconds=seconds)
    monkeypatch.setattr("cryptography.fernet.time.time", now.timestamp)
    assert consent.unseal(sealed, visitor) is None


@pytest.mark.parametrize("forged", ["", "nonsense", "gAAAAA==", "é", "\0"])
def test_forged(forged: str) -> None:
    visitor = session()
    consent.seal([PICTURE], visitor)
    assert consent.unseal(forged, visitor) is None


def test_altered() -> None:
    visitor = session()
    sealed = consent.seal([PICTURE], visitor)
    middle = len(sealed) // 2
    altered = sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :]
    assert consent.unseal(altered, visitor) is None


def test_survives_a_rotation_of_the_secret_key(settings: Settings) -> None:
    visitor = session()
    settings.SECRET_KEY = "old"
    sealed = consent.seal([PICTURE], visitor)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    assert consent.unseal(sealed, visitor) == ([PICTURE], "")


def test_another_secret_key_opens_nothing(settings: Settings) -> None:
    visitor = session()
    sealed = consent.seal([PICTURE], visitor)
    settings.SECRET_KEY = "another"
    assert consent.unseal(sealed, visitor) is None

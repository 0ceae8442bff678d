"""What a thief gets from a copied cookie, a copied database, an overheard signature, or a borrowed browser."""

import hashlib
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import User

from conftest import person
from faceauth.mfa import trusted_devices
from faceauth.models import TrustedDevice
from faceauth.tests.device_cast import Browser, enrolled, keyed, new_key, public_text, signature, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(owner: User) -> User:
    return enrolled(owner)


@pytest.fixture
def ben(stranger: User) -> User:
    return enrolled(stranger)


@pytest.fixture
def browser(ada: User) -> Browser:
    """Ada's, with a key, before it signed anything in this session."""
    made = keyed()
    made.trust(ada)
    return made.closed()


def test_a_copied_cookie_is_nobody(browser: Browser) -> None:
    thief = browser.copied()
    assert thief.people() == []


def test_a_copied_cookie_with_a_key_of_the_thief_is_nobody(browser: Browser) -> None:
    thief = browser.copied()
    thief.key = new_key()
    assert not thief.prove()
    assert thief.people() == []


def test_a_thief_who_is_trusted_as_themselves_takes_nobody_along_from_a_copied_cookie(
    browser: Browser,
    ada: User,
    ben: User,
) -> None:
    for thief in (browser.copied(), Browser(dict(browser.cookies), new_key())):
        thief.trust(ben)
        assert thief.cookies != browser.cookies
        assert ada not in thief.people()
    assert browser.prove()
    assert browser.people() == [ada]


def test_a_copied_database_opens_nothing_by_any_of_its_columns(browser: Browser) -> None:
    row = TrustedDevice.objects.get()
    for value in (
        row.cookie_hash,
        str(row.pk),
        text_of(bytes.fromhex(row.cookie_hash)),
        text_of(bytes(row.public_key)),
    ):
        thief = Browser({"__Host-device_token": value})
        assert thief.people() == []
    assert browser.cookies["__Host-device_token"] not in str(TrustedDevice.objects.values())


def test_the_hash_is_keyed(browser: Browser) -> None:
    """Who could write into the database would otherwise plant the hash of a cookie of their own."""
    secret = browser.cookies["__Host-device_token"].encode()
    assert TrustedDevice.objects.get().cookie_hash not in {
        hashlib.sha256(secret).hexdigest(),
        hashlib.sha256(trusted_devices.decoded(secret.decode(), 32) or b"").hexdigest(),
    }


def test_a_signature_counts_once(browser: Browser) -> None:
    assert browser.key is not None
    request = browser.request()
    answer = signature(browser.key, trusted_devices.challenge(request))
    assert trusted_devices.prove(request, answer)
    del browser.session[trusted_devices.PROOF]
    assert not trusted_devices.prove(browser.request(), answer)
    assert browser.people() == []


def test_a_wrong_answer_uses_the_challenge_up(browser: Browser) -> None:
    assert browser.key is not None
    request = browser.request()
    answer = signature(browser.key, trusted_devices.challenge(request))
    assert not trusted_devices.prove(request, "")
    assert not trusted_devices.prove(request, answer)


def test_a_signature_of_another_sessions_challenge_is_worth_nothing(browser: Browser) -> None:
    assert browser.key is not None
    overheard = signature(browser.key, trusted_devices.challenge(browser.request()))
    thief = browser.copied()
    trusted_devices.challenge(thief.request())
    assert not trusted_devices.prove(thief.request(), overheard)
    fresh = browser.copied()  # was asked nothing at all
    assert not trusted_devices.prove(fresh.request(), overheard)
    assert thief.people() == fresh.people() == []


def test_a_proof_stays_in_the_session_that_gave_it(browser: Browser) -> None:
    assert browser.prove()
    assert browser.copied().people() == []


def test_a_challenge_and_a_proof_are_short_lived(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.key is not None
    now = time.time()
    answer = signature(browser.key, trusted_devices.challenge(browser.request()))
    monkeypatch.setattr(time, "time", lambda: now + trusted_devices.CHALLENGE_FOR + 1)
    assert not trusted_devices.prove(browser.request(), answer)
    assert browser.prove()
    monkeypatch.setattr(time, "time", lambda: now + trusted_devices.CHALLENGE_FOR + trusted_devices.PROOF_FOR + 2)
    assert browser.people() == []


def test_a_key_of_another_device_of_the_same_person_does_not_do(browser: Browser, ada: User) -> None:
    other = keyed()
    other.trust(ada)
    mixed = Browser(dict(browser.cookies), other.key)
    assert not mixed.prove()
    assert mixed.people() == []


@pytest.mark.parametrize(
    "answer", ["", "!", "A" * 85, "A" * 86, "A" * 87, "é" * 86, text_of(b"\xff" * 64), "A" * 100_000, "\0" * 86]
)
def test_an_answer_that_is_no_signature_is_refused(browser: Browser, answer: str) -> None:
    request = browser.request()
    trusted_devices.challenge(request)
    assert not trusted_devices.prove(request, answer)


def test_an_ended_or_expired_row_opens_nothing_though_the_key_was_shown(browser: Browser, ada: User) -> None:
    browser.prove()
    trusted_devices.end_all(ada)
    assert browser.people() == []
    assert not browser.prove()


def test_a_new_key_must_have_signed(ada: User) -> None:
    mine, request = new_key(), Browser().request()
    asked = trusted_devices.challenge(request)
    assert trusted_devices.new_key(request, public_text(new_key()), signature(mine, asked)) is None
    assert trusted_devices.new_key(request, public_text(mine), signature(mine, asked)) is None  # used up


def test_another_curve_is_refused(ada: User) -> None:
    key, request = ec.generate_private_key(ec.SECP256K1()), Browser().request()
    asked = trusted_devices.challenge(request)
    public = text_of(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert trusted_devices.new_key(request, public, signature(key, asked)) is None
    assert not trusted_devices.signed_by(b"\0" * 91, b"\0" * 64, asked)


def test_a_cookie_that_was_planted_before_is_worth_nothing_after(ada: User, ben: User) -> None:
    """Somebody sat at the browser first, and kept its cookie: trust gives it a new one."""
    browser = Browser()
    browser.trust(ben)
    kept = browser.copied()
    browser.trust(ada)
    assert kept.people() == []
    assert set(browser.people()) == {ada, ben}


def test_trust_never_takes_the_key_away(browser: Browser, ada: User) -> None:
    """A copied cookie and a whole sign-in: the thief's browser is one more device, and the first keeps its key."""
    thief = browser.copied()
    thief.trust(ada)
    rows = TrustedDevice.objects.filter(user=ada)
    assert sorted(bool(row.public_key) for row in rows) == [False, True]
    assert browser.people() == []


def test_somebody_elses_trusted_device_says_nothing_about_a_stranger(browser: Browser) -> None:
    """The face decides who it is; the device only whose factor it is."""
    browser.prove()
    assert not trusted_devices.is_trusted(browser.request(), enrolled(person()))

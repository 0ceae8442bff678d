"""Authenticator apps, recovery codes and removing factors, without pages."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from faceauth import crypto
from faceauth.mfa import authenticators
from faceauth.mfa.authenticators import Verdict
from faceauth.models import AuthenticatorApp, MFAReset, Passkey, PhotoLogin, RecoveryCode, SignIn
from faceauth.policy import photo_logins
from faceauth.policy.photo_logins import Choice
from faceauth.tests.mfa_cast import code_of, reset, with_app


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time that passes when it is told to; codes go by the true time all the same."""

    class Clock:
        now = timezone.now()

        def passes(self, **span: float) -> None:
            self.now += timedelta(**span)

    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def passkey_of(user: User) -> Passkey:
    made: Passkey = Passkey.objects.create(
        user=user, name="key", credential_id=f"id of {user.pk}", public_key=b"", host="testserver"
    )
    return made


# One-time codes -------------------------------------------------------------------------------------------------------


def test_a_code_opens_once(owner: User) -> None:
    app = with_app(owner)
    code = code_of(app)
    assert authenticators.check(owner, code) == Verdict.OPEN
    assert authenticators.check(owner, code) == Verdict.WRONG


def test_the_code_that_confirmed_the_app_opens_nothing(owner: User) -> None:
    app = authenticators.app_to_confirm(owner, None)
    code = code_of(app)
    assert not authenticators.has_mfa(owner)
    assert authenticators.confirm_app(owner, app, code, "") == Verdict.OPEN
    assert authenticators.has_mfa(owner)
    assert authenticators.check(owner, code) == Verdict.WRONG


def test_an_app_that_was_not_confirmed_opens_nothing(owner: User) -> None:
    app = authenticators.app_to_confirm(owner, None)
    assert authenticators.check(owner, code_of(app)) == Verdict.WRONG
    assert list(authenticators.factors_of(owner)) == []


def test_a_secret_that_was_shown_elsewhere_is_not_taken_up(owner: User) -> None:
    seen = authenticators.app_to_confirm(owner, None)
    assert authenticators.app_to_confirm(owner, seen.pk).key == seen.key
    assert authenticators.app_to_confirm(owner, None).key != seen.key


@pytest.mark.parametrize("later", [-1, 1])
def test_clocks_may_differ_by_half_a_minute(later: int, owner: User) -> None:
    assert authenticators.check(owner, code_of(with_app(owner), later)) == Verdict.OPEN


@pytest.mark.parametrize("later", [-3, 3])
def test_and_not_by_more(later: int, owner: User) -> None:
    assert authenticators.check(owner, code_of(with_app(owner), later)) == Verdict.WRONG


def test_a_code_of_somebody_else_opens_nothing(owner: User, stranger: User) -> None:
    with_app(owner)
    assert authenticators.check(owner, code_of(with_app(stranger))) == Verdict.WRONG


def test_codes_are_read_as_people_write_them(owner: User) -> None:
    code = code_of(with_app(owner))
    assert authenticators.check(owner, f" {code[:3]} {code[3:]} ") == Verdict.OPEN


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "０００", "-1", "1e5", "\0", "a" * 10_000])  # noqa: RUF001
def test_what_is_no_code(code: str, owner: User) -> None:
    with_app(owner)
    authenticators.make_recovery_codes(owner)
    assert authenticators.check(owner, code) == Verdict.WRONG


def wrong_code(app: AuthenticatorApp) -> str:
    right = {code_of(app, later) for later in (-1, 0, 1, 2)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444") if code not in right)


def test_after_wrong_codes_even_the_right_one_waits(owner: User, clock: Any) -> None:
    app = with_app(owner)
    for seconds in (1, 2, 4, 8):
        assert authenticators.check(owner, wrong_code(app)) == Verdict.WRONG
        clock.passes(seconds=seconds - 0.1)
        assert authenticators.check(owner, code_of(app)) == Verdict.WAIT
        assert authenticators.wait(owner) == 1
        clock.passes(seconds=0.2)
    assert authenticators.check(owner, code_of(app)) == Verdict.OPEN
    assert authenticators.wait(owner) == 0


def test_nobody_waits_for_more_than_an_hour(owner: User, clock: Any) -> None:
    """Whoever looks like somebody may guess in their name, and must not shut them out by it."""
    app = with_app(owner)
    AuthenticatorApp.objects.update(throttling_failure_count=99, throttling_failure_timestamp=clock.now)
    assert authenticators.check(owner, code_of(app)) == Verdict.WAIT
    assert authenticators.wait(owner) == 3600
    clock.passes(hours=1)
    assert authenticators.check(owner, code_of(app)) == Verdict.OPEN


def test_brute_force_is_hopeless(owner: User, clock: Any) -> None:
    """Somebody guesses as often as they may, for ten years: a hundred guesses are looked at, and then none is."""
    app = with_app(owner)
    codes = authenticators.make_recovery_codes(owner)
    looked_at = 0
    start = clock.now
    while clock.now - start < timedelta(days=3650) and authenticators.check(owner, wrong_code(app)) == Verdict.WRONG:
        looked_at += 1
        clock.passes(seconds=authenticators.wait(owner))
    assert looked_at == AuthenticatorApp.MOST_WRONG == 100
    assert clock.now - start > timedelta(days=3)  # even those take so long
    clock.passes(days=365)
    assert authenticators.check(owner, code_of(app)) == Verdict.RESTS
    assert looked_at * 3 / 10**6 <= 0.0003  # three codes are valid at a time
    assert authenticators.check(owner, codes[0]) == Verdict.OPEN  # its owner comes in all the same
    assert authenticators.check(owner, code_of(app)) == Verdict.OPEN


def test_guessing_between_the_owners_sign_ins_is_hopeless_too(owner: User, clock: Any) -> None:
    """The owner signs in with a code every day, which forgives some guesses and not all."""
    app = with_app(owner)
    looked_at = 0
    for _day in range(365):
        tomorrow = clock.now + timedelta(days=1)
        while clock.now < tomorrow and authenticators.check(owner, wrong_code(app)) == Verdict.WRONG:
            looked_at += 1
            clock.passes(seconds=authenticators.wait(owner))
        AuthenticatorApp.objects.update(last_t=-1)  # the clock of the codes stands still
        if authenticators.check(owner, code_of(app)) == Verdict.RESTS:
            break
        assert authenticators.wait(owner) == 0
    else:
        pytest.fail("The codes never came to rest.")
    assert looked_at < 120
    assert looked_at * 3 / 10**6 < 0.0004


def test_a_mistyped_code_is_forgiven(owner: User, clock: Any) -> None:
    app = with_app(owner)
    for _ in range(AuthenticatorApp.FORGIVEN):
        authenticators.check(owner, wrong_code(app))
        clock.passes(seconds=authenticators.wait(owner))
    assert authenticators.check(owner, code_of(app)) == Verdict.OPEN
    assert AuthenticatorApp.objects.get().throttling_failure_count == 0


def test_recovery_codes_cannot_be_guessed_and_never_wait(owner: User) -> None:
    with_app(owner)
    codes = authenticators.make_recovery_codes(owner)
    assert len(authenticators.ALPHABET) ** authenticators.CODE_LENGTH >= 2**80
    for _ in range(30):
        assert authenticators.check(owner, "abcd-efgh-jkmn-pqrs") == Verdict.WRONG
    assert authenticators.check(owner, codes[3]) == Verdict.OPEN


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_ten_equal_codes_at_the_same_moment_one_opens(kind: str, owner: User) -> None:
    code = code_of(with_app(owner)) if kind == "app" else authenticators.make_recovery_codes(owner)[0]
    verdicts: list[Verdict] = []
    start = threading.Barrier(10)

    def attempt() -> None:
        start.wait()
        try:
            verdicts.append(authenticators.check(owner, code))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verdicts) == 10
    assert verdicts.count(Verdict.OPEN) == 1


# Secrets at rest ------------------------------------------------------------------------------------------------------


def test_the_secret_of_an_app_is_sealed(owner: User) -> None:
    app = with_app(owner)
    [stored] = AuthenticatorApp.objects.values_list("key", flat=True)
    assert app.bin_key.hex() not in stored
    assert authenticators.secret_text(app).replace("-", "") not in stored


def test_a_secret_that_is_moved_to_somebody_else_does_not_open(owner: User, stranger: User) -> None:
    mine, theirs = with_app(owner), with_app(stranger)
    AuthenticatorApp.objects.filter(pk=theirs.pk).update(key=mine.key)
    with pytest.raises(crypto.CannotOpen, match="SECRETLY_ENCRYPTION_KEYS"):
        authenticators.check(stranger, code_of(mine))


@pytest.mark.parametrize("sealed", ["", "not base64", "AAAA", "A" * 64])
def test_what_was_never_sealed_does_not_open(sealed: str, owner: User) -> None:
    with_app(owner)
    AuthenticatorApp.objects.update(key=sealed)
    with pytest.raises(crypto.CannotOpen):
        authenticators.check(owner, "123456")


def test_keys_are_changed(owner: User, settings: Settings) -> None:
    app = with_app(owner)
    secret = app.bin_key
    old, new = settings.FACEAUTH["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new, *old]}
    assert list(authenticators.rotate_keys())[-1] == (1, 1)
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new]}
    app.refresh_from_db()
    assert app.bin_key == secret
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": old}
    with pytest.raises(crypto.CannotOpen, match="put it back"):
        list(authenticators.rotate_keys())


def test_recovery_codes_are_kept_as_hashes(owner: User, stranger: User) -> None:
    codes = authenticators.make_recovery_codes(owner)
    assert len(set(codes)) == 10
    stored = "".join(RecoveryCode.objects.values_list("digest", flat=True))
    assert not [code for code in codes if code in stored or code.replace("-", "") in stored]
    authenticators.make_recovery_codes(stranger)
    RecoveryCode.objects.filter(user=owner).update(user=stranger)
    assert authenticators.check(stranger, codes[0]) == Verdict.WRONG


def test_new_recovery_codes_end_the_old_ones(owner: User) -> None:
    old, new = authenticators.make_recovery_codes(owner), authenticators.make_recovery_codes(owner)
    assert authenticators.codes_left(owner) == 10
    assert authenticators.check(owner, old[0]) == Verdict.WRONG
    assert authenticators.check(owner, new[0].upper().replace("-", " ")) == Verdict.OPEN
    assert authenticators.check(owner, new[0]) == Verdict.WRONG
    assert authenticators.codes_left(owner) == 9


def test_letters_that_are_taken_for_others(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticators, "ALPHABET", "10v")
    code = authenticators.make_recovery_codes(owner)[0]
    assert authenticators.check(owner, code.replace("1", "l").replace("0", "O").replace("v", "U")) == Verdict.OPEN


# Taking away ----------------------------------------------------------------------------------------------------------


def test_recovery_codes_alone_are_no_factor(owner: User) -> None:
    authenticators.make_recovery_codes(owner)
    assert not authenticators.has_mfa(owner)


def test_with_the_last_factor_go_the_recovery_codes(owner: User) -> None:
    app, passkey = with_app(owner), passkey_of(owner)
    authenticators.make_recovery_codes(owner)
    assert authenticators.remove(owner, "app", app.pk)
    assert authenticators.codes_left(owner) == 10
    assert authenticators.remove(owner, "passkey", passkey.pk)
    assert authenticators.codes_left(owner) == 0
    assert not authenticators.has_mfa(owner)


def test_nobody_removes_the_factor_of_somebody_else(owner: User, stranger: User) -> None:
    app = with_app(owner)
    assert not authenticators.remove(stranger, "app", app.pk)
    assert authenticators.has_mfa(owner)


def test_a_reset_removes_every_factor(owner: User, stranger: User) -> None:
    with_app(owner)
    passkey_of(owner)
    with_app(stranger)
    codes = authenticators.make_recovery_codes(owner)
    assert reset(owner)
    assert not authenticators.has_mfa(owner)
    assert authenticators.check(owner, codes[0]) == Verdict.WRONG
    assert MFAReset.objects.get().user == owner
    assert authenticators.has_mfa(stranger)


def test_everything_goes_with_its_person(owner: User) -> None:
    with_app(owner)
    passkey_of(owner)
    authenticators.make_recovery_codes(owner)
    photo_logins.choose(owner, Choice.NEVER)
    MFAReset.objects.create(user=owner)
    owner.delete()
    for model in (AuthenticatorApp, Passkey, RecoveryCode, MFAReset, PhotoLogin):
        assert not model._default_manager.exists(), model


# The photo path -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [*SignIn.Method.values, ""])
@pytest.mark.parametrize("lock", [True, False])
@pytest.mark.parametrize("choice", [None, *Choice])
def test_what_a_photo_may_open(choice: Choice | None, lock: bool, method: str, owner: User) -> None:
    if choice is not None:
        photo_logins.choose(owner, choice)
    if lock:
        passkey_of(owner)
    photos = {None: True, Choice.OPEN: True, Choice.WITH_MFA: lock, Choice.NEVER: False}[choice]
    expected = {SignIn.Method.LIVENESS: True, SignIn.Method.QUICK: False}.get(method, photos)  # type: ignore[call-overload]
    assert photo_logins.may_sign_in_by(owner, method) is expected
    assert photo_logins.may_sign_in_by(owner, SignIn.Method.QUICK, trusted=True)

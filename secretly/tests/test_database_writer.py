"""Whoever can write to the database, but has no keys, gets in nowhere; table by table."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from faceauth.crypto import CannotOpen
from faceauth.enrolment.enrol import settle
from faceauth.mfa import authenticators, resets
from faceauth.mfa.authenticators import Verdict
from faceauth.models import (
    AccountChange,
    AuthenticatorApp,
    Enrolment,
    Face,
    MFAReset,
    OperatorAccount,
    PhotoLogin,
    RecoveryCode,
    SignIn,
    TrustedDevice,
)
from faceauth.models.row_seals import SealedRow, rotate_keys
from faceauth.operators.database_checks import altered_rows, put_back_rows
from faceauth.outcomes import Outcome
from faceauth.policy import photo_logins, thresholds
from faceauth.rekognition.collection import IndexedFace
from faceauth.tests.mfa_cast import code_of, enrolled, open_notebook, with_app
from faceauth.vision.measures import Quality
from privatekit.crypto import KeyMissing

pytestmark = pytest.mark.django_db

PASSWORD = "a long password of theirs"

SEALED = {model._meta.label for model in SealedRow.__subclasses__()}
ENCRYPTED = {
    "notes.Key": "notes/tests/test_encryption.py",
    "notes.Note": "notes/tests/test_encryption.py: bound to its place and version",
    "notes.Version": "notes/tests/test_history.py: bound to its note and number",
    "notes.Attachment": "notes/tests/test_attachments_at_rest.py",
    "sessions.Session": "secretly/tests/test_sessions.py",
    "secretly.Session": "the same table",
    "faceauth.LivenessSession": "faceauth/tests/test_looking.py",
    "faceauth.AuthenticatorApp": "below",
    "otp_totp.TOTPDevice": "the same table",
    "faceauth_local.User": "faceauth/tests/rekognition_local/test_template_encryption.py",
    "faceauth_local.Face": "faceauth/tests/rekognition_local/test_template_encryption.py",
    "auth.User": "below: an operator's account is vouched for by faceauth.OperatorAccount",
}
HARMLESS = {
    "notes.Preferences": "how one's own notebook looks and locks",
    "notes.SendCount": "a limit that starts anew",
    "faceauth.Consent": "a record of what somebody agreed to",
    "faceauth.Receipt": "proof of a deletion",
    "faceauth.Deletion": "a face that is gone for its person",
    "faceauth.HealthCheck": "figures of the last check, which the next one makes anew",
    "faceauth.SpentFrame": "a frame of the day could be sent again, in a check that asks for other movements",
    "faceauth.SignIn": "the log",
    "faceauth.RateCount": "a limit that starts anew",
    "faceauth_local.Collection": "what is sealed is bound to its incarnation",
    "faceauth_local.Removal": "a face that is not found",
    "faceauth_local.RequestToken": "an answer to a request that changed something",
    "admin.LogEntry": "the log",
    "auth.Permission": "which buttons an operator has who can sign in; none reads a note",
    "auth.Group": "the same",
    "auth.Group_permissions": "the same",
    "auth.User_groups": "the same",
    "auth.User_user_permissions": "the same",
    "contenttypes.ContentType": "names of tables",
    "otp_static.StaticDevice": "not used any more",
    "otp_static.StaticToken": "not used any more",
}


def test_somebody_has_thought_about_every_table() -> None:
    tables = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert tables == SEALED | ENCRYPTED.keys() | HARMLESS.keys()
    assert not SEALED & ENCRYPTED.keys()
    assert not (SEALED | ENCRYPTED.keys()) & HARMLESS.keys()


# Operators ------------------------------------------------------------------------------------------------------------


def admin_opens(name: str, password: str) -> bool:
    client = Client()
    client.post("/admin/login/", {"username": name, "password": password})
    return client.get("/admin/").status_code == 200


@pytest.fixture
def chief() -> User:
    return User.objects.create_superuser("chief", password=PASSWORD)


def test_an_operator_made_in_the_database_gets_in_nowhere(owner: User, caplog: pytest.LogCaptureFixture) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True, password=make_password("mine"))
    User.objects.bulk_create([User(username="new", password=make_password("mine"), is_staff=True, is_superuser=True)])
    assert not admin_opens(owner.username, "mine")
    assert not admin_opens("new", "mine")
    assert "row_altered: the account of operator" in caplog.text
    assert {finding.subject for finding in altered_rows()} == {f"operator {owner.username}", "operator new"}


@pytest.mark.parametrize("change", [{"password": make_password("mine")}, {"username": "mine"}, {"is_superuser": False}])
def test_an_operators_account_changed_in_the_database_opens_nothing(chief: User, change: dict[str, object]) -> None:
    client = Client()
    client.force_login(chief, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=chief.pk).update(**change)
    assert client.get("/admin/").status_code == 302
    name, password = (
        str(change.get("username", "chief")),
        "mine" if "password" in change else PASSWORD,
    )
    assert not admin_opens(name, password)
    User.objects.get(pk=chief.pk).save()  # no save makes it good
    assert not admin_opens(name, password)


def test_what_the_site_changes_goes_on_working(chief: User) -> None:
    chief.set_password("another long password")
    chief.save()
    assert admin_opens("chief", "another long password")
    staff = User.objects.create_user("staff", password=PASSWORD)
    assert not admin_opens("staff", PASSWORD)
    staff.is_staff = True
    staff.save(update_fields=["is_staff"])
    assert admin_opens("staff", PASSWORD)
    assert not list(altered_rows())


def test_the_seal_of_one_operator_does_for_no_other(chief: User) -> None:
    other = User.objects.create_superuser("other", password=PASSWORD)
    OperatorAccount.objects.filter(pk=other.pk).delete()
    OperatorAccount.objects.filter(pk=chief.pk).update(user_id=other.pk)
    User.objects.filter(pk=chief.pk).delete()
    User.objects.filter(pk=other.pk).update(username="chief")
    assert not admin_opens("chief", PASSWORD)


def test_more_rights_in_the_database_read_no_notes(owner: User) -> None:
    """What is said above of groups: every right of the site together shows an operator no note."""
    everything = Group.objects.create(name="everything")
    everything.permissions.set(Permission.objects.all())
    staff = User.objects.create_user("staff", is_staff=True)
    staff.groups.add(everything)
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 200
    for table in ("note", "attachment", "key"):
        assert client.get(f"/admin/notes/{table}/").status_code == 404


# Second factors -------------------------------------------------------------------------------------------------------


def test_a_second_factor_that_was_deleted_is_still_asked_for(owner: User) -> None:
    with_app(enrolled(owner))
    AuthenticatorApp.objects.all().delete()
    assert authenticators.has_mfa(owner)
    PhotoLogin.objects.update(has_mfa=False)
    assert authenticators.has_mfa(owner)
    PhotoLogin.objects.all().delete()
    assert authenticators.has_mfa(owner)
    resets.request(owner, owner, "they lost everything").change(due=timezone.now())
    assert not authenticators.has_mfa(owner)  # the cure
    assert not photo_logins.may_sign_in_by(owner, SignIn.Method.FILE)


def test_an_operators_second_factor_that_was_deleted_is_not_set_up_anew(chief: User, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "OPERATOR_MFA": True}
    with_app(chief)
    AuthenticatorApp.objects.all().delete()
    PhotoLogin.objects.all().delete()
    client = Client()
    client.force_login(chief, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/admin/second-factor/").content.decode()
    assert "data:image/svg" not in page
    assert not AuthenticatorApp.objects.exists()


def test_a_recovery_code_made_in_the_database_is_none(owner: User, stranger: User) -> None:
    authenticators.make_recovery_codes(owner)
    theirs = authenticators.make_recovery_codes(stranger)
    seal = RecoveryCode.objects.filter(user=owner)[0].seal
    RecoveryCode.objects.filter(user=owner).update(salt="1", digest=RecoveryCode.hashed("1", "0" * 16))
    assert authenticators.check(owner, "0" * 16) == Verdict.WRONG
    RecoveryCode.objects.create(user=owner, salt="1", digest=RecoveryCode.hashed("1", "0" * 16), seal=seal)
    assert authenticators.check(owner, "0" * 16) == Verdict.WRONG
    RecoveryCode.objects.filter(user=stranger).update(user=owner)
    assert authenticators.check(owner, theirs[0]) == Verdict.WRONG


@pytest.mark.parametrize("change", [{"digits": 1}, {"tolerance": 20_000}, {"step": 3600}, {"drift": -2000}, {"t0": 9}])
def test_an_app_that_asks_for_less_is_none(change: dict[str, int], owner: User) -> None:
    app = with_app(owner)
    code = code_of(app)
    AuthenticatorApp.objects.update(last_t=-1, **change)
    with pytest.raises(CannotOpen):
        authenticators.check(owner, code)


def test_an_app_with_somebody_elses_secret_is_none(owner: User, stranger: User) -> None:
    theirs = with_app(stranger)
    with_app(owner)
    AuthenticatorApp.objects.filter(user=owner).update(key=theirs.key)
    with pytest.raises(CannotOpen):
        authenticators.check(owner, code_of(theirs))


def test_a_reset_made_in_the_database_resets_nothing(owner: User, stranger: User) -> None:
    app = with_app(owner)
    reset = resets.request(stranger, owner, "lost")
    MFAReset.objects.filter(pk=reset.pk).update(user=owner, due=timezone.now())
    MFAReset.objects.bulk_create([MFAReset(user=owner, reason="x", due=timezone.now(), seal="0" * 16 + ":1")])
    resets.apply_all_due()
    assert authenticators.has_mfa(owner)
    assert AuthenticatorApp.objects.filter(pk=app.pk).exists()


def test_a_reset_that_was_stopped_stays_stopped(owner: User) -> None:
    with_app(owner)
    resets.request(owner, owner, "lost").change(due=timezone.now() - timedelta(hours=1), stopped=timezone.now())
    MFAReset.objects.update(stopped=None)
    assert authenticators.has_mfa(owner)
    assert AuthenticatorApp.objects.exists()


# What a photo opens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deleted", [True, False])
def test_a_notebook_closed_to_photos_stays_closed(owner: User, deleted: bool, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "fallback"}
    photo_logins.note_enrolled(owner, live=True)
    enrolled(owner)
    assert not photo_logins.may_sign_in_by(owner, SignIn.Method.FILE)
    PhotoLogin.objects.update(liveness_passed=None, choice="open")
    if deleted:
        PhotoLogin.objects.all().delete()
    assert not photo_logins.may_sign_in_by(owner, SignIn.Method.FILE)
    assert not photo_logins.is_claimable(owner)
    assert photo_logins.may_sign_in_by(owner, SignIn.Method.LIVENESS)
    assert f"faceauth.PhotoLogin {owner.pk}" in {finding.subject for finding in altered_rows()}


# Faces ----------------------------------------------------------------------------------------------------------------


def test_an_enrolment_does_not_make_somebody_else_of_a_stranger(owner: User) -> None:
    """Between two steps of an enrolment its row says who was enrolled with the same face a moment ago."""
    enrolled(owner)
    intent = Enrolment.objects.create(external_id=str(uuid.uuid4()), collection_id="secretly")
    Enrolment.objects.update(winner=owner)
    indexed = IndexedFace(str(uuid.uuid4()), str(uuid.uuid4()), intent.external_id, 99.0)
    recognition = settle(intent, indexed, [], Quality(50, 50), "", thresholds.current())
    assert (recognition.outcome, recognition.user) == (Outcome.REFUSED, None)


def test_a_change_made_up_in_the_database_is_not_taken_back(owner: User) -> None:
    photo_logins.choose(owner, PhotoLogin.Choice.NEVER)
    made = AccountChange.objects.create(user=owner, kind="check_changed", subject="single")
    AccountChange.objects.update(kind="photos_changed", subject="open")
    assert open_notebook(owner).post(reverse("faceauth:take_back", args=[made.pk])).status_code == 404
    assert photo_logins.choice_of(owner) == PhotoLogin.Choice.NEVER


def test_what_was_removed_and_put_back_with_its_seal_is_told(owner: User) -> None:
    app = with_app(enrolled(owner))
    client = open_notebook(owner)
    device = TrustedDevice.objects.create(user=owner, name="telephone", cookie_hash="x")
    assert client.post(reverse("faceauth:end_device", args=[device.pk])).status_code == 302
    assert client.post(reverse("faceauth:remove_factor", args=["app", app.pk])).status_code == 302
    face = Face.objects.get(user=owner)
    Face.objects.all().delete()
    assert not TrustedDevice.objects.exists()
    assert not AuthenticatorApp.objects.exists()
    assert not list(put_back_rows())
    rows: list[Any] = [face, device, app]
    for row in rows:
        type(row)._default_manager.bulk_create([row])
    assert face.is_sealed()
    assert device.is_sealed()
    assert {finding.subject for finding in put_back_rows()} == {
        f"faceauth.Face {face.pk}",
        f"faceauth.TrustedDevice {device.pk}",
        f"faceauth.AuthenticatorApp {app.pk}",
    }


# Keys -----------------------------------------------------------------------------------------------------------------


def test_a_key_that_is_missing_is_named_and_nobody_is_called_an_intruder(
    owner: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    face = Face.objects.get(user=enrolled(owner))
    old, new = settings.FACEAUTH["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new]}
    assert not face.is_sealed()
    key_id = face.seal.partition(":")[0]
    assert "row_altered" not in caplog.text
    assert (
        f"key_missing: faceauth.Face {face.pk} opens nothing. This was encrypted with the key {key_id}" in caplog.text
    )
    finding = next(finding for finding in altered_rows() if finding.subject == f"faceauth.Face {face.pk}")
    assert (str(finding.kind), key_id in finding.what) == ("key_missing", True)
    with pytest.raises(KeyMissing, match=key_id):
        list(rotate_keys())
    with pytest.raises(CommandError, match=key_id):
        call_command("rotate_keys")
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new, *old]}
    assert face.is_sealed()
    assert not list(altered_rows())

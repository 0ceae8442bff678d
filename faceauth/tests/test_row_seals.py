"""Who can write to the database, but has no keys, gets in nowhere, and the operator is told."""

import base64
import hashlib
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from pytest_django.fixtures import Settings

from faceauth.enrolment.enrol import enrol
from faceauth.local.models import Face as LocalFace
from faceauth.local.models import User as LocalUser
from faceauth.mfa import authenticators, device_approvals, webauthn
from faceauth.mfa.authenticators import Verdict
from faceauth.models import AuthenticatorApp, DeviceApproval, Face, Passkey, TrustedDevice
from faceauth.models.operators import is_vouched
from faceauth.models.row_seals import SealedRow, rotate_keys
from faceauth.operators.database_checks import altered_rows
from faceauth.operators.reconcile import reconcile
from faceauth.outcomes import Outcome
from faceauth.recognition import user_vectors
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.device_cast import Browser, enrolled, keyed
from faceauth.tests.mfa_cast import add_passkey, open_notebook, with_app
from privatekit.crypto import Altered

pytestmark = pytest.mark.django_db


def face_of(user: User) -> Face:
    return Face.objects.create(
        user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="secretly", person=user.username
    )


def passkey_of(user: User) -> Passkey:
    made: Passkey = Passkey.objects.create(
        user=user, name="key", credential_id=uuid.uuid4().hex, public_key=b"key", host="testserver"
    )
    return made


def device_of(user: User) -> TrustedDevice:
    return TrustedDevice.objects.create(user=user, cookie_hash="a" * 64, public_key=b"key", name="computer")


def approval_of(user: User) -> DeviceApproval:
    later = timezone.now() + timedelta(minutes=5)
    return DeviceApproval.objects.create(user=user, number=42, name="telephone", expires=later)


MAKERS: tuple[Callable[[User], SealedRow], ...] = (face_of, passkey_of, device_of, approval_of)


@pytest.mark.parametrize("vectors", [True, False])
def test_a_face_given_to_somebody_else_opens_nobodys_notebook(
    hopper: User, owner: User, vectors: bool, caplog: pytest.LogCaptureFixture
) -> None:
    Face.objects.update(user=owner, associated=vectors)
    recognition = recognise(read(pictures.another(pictures.hopper())))
    assert (recognition.outcome, recognition.user) == (Outcome.STRANGER, None)
    assert "row_altered: faceauth.Face" in caplog.text


def test_a_face_made_by_hand_opens_nothing(hopper: User, owner: User) -> None:
    seal = Face.objects.get().seal
    for made_up in ("", seal, seal.partition(":")[0], f"{'0' * 16}:{'0' * 64}"):
        Face.objects.update(user=owner, seal=made_up)
        assert recognise(read(pictures.another(pictures.hopper()))).user is None


def test_saving_a_changed_row_does_not_make_it_good(hopper: User, owner: User) -> None:
    Face.objects.update(user=owner)
    Face.objects.get().save()
    assert not Face.objects.get().is_sealed()


def test_a_face_given_to_somebody_else_stays_out_of_their_vector(collection: Collection) -> None:
    hopper, collins = (enrol(read(face)).user for face in (pictures.hopper(), pictures.collins()))
    assert hopper is not None
    assert collins is not None
    Face.objects.filter(user=collins).update(user=hopper)
    user_vectors.renew(hopper)
    recognition = recognise(read(pictures.another(pictures.collins())))
    assert recognition.user is None
    assert recognise(read(pictures.another(pictures.hopper()))).user == hopper


def test_faces_put_into_a_vector_of_the_local_service_do_not_make_it(collection: Collection) -> None:
    """Whoever has several faces here could make somebody's vector look like themselves, at its next renewal."""
    hopper, collins = (enrol(read(face)).user for face in (pictures.hopper(), pictures.collins()))
    assert hopper is not None
    assert collins is not None
    names = {user: Face.objects.get(user=user).person for user in (hopper, collins)}
    vector = LocalUser.objects.get(user_id=names[hopper])
    before = vector.get_template(vector.collection)
    theirs = LocalFace.objects.get(external_image_id=names[collins])
    LocalFace.objects.filter(pk=theirs.pk).update(user=vector, link=LocalFace.objects.exclude(pk=theirs.pk)[0].link)
    LocalFace.objects.exclude(pk=theirs.pk).update(user=None, link="")  # so that it is made anew
    user_vectors.renew(hopper)
    vector.refresh_from_db()
    assert np.allclose(vector.get_template(vector.collection), before, atol=1e-3)
    assert recognise(read(pictures.another(pictures.collins()))).user == collins


def test_a_passkey_given_to_somebody_else_is_refused(owner: User, stranger: User) -> None:
    device = add_passkey(open_notebook(stranger))
    for user, is_theirs in ((stranger, True), (owner, False)):
        Passkey.objects.update(user=user)
        assert used_by(user, device) is is_theirs


def used_by(user: User, device: Any) -> bool:
    request = Browser().request(secure=False)
    request.META["HTTP_HOST"] = "testserver"
    return webauthn.opens(request, user, device.use(webauthn.asking_options(request, user)))


def test_a_device_given_to_somebody_else_is_not_trusted(owner: User, stranger: User) -> None:
    browser = keyed()
    browser.trust(enrolled(stranger))
    assert browser.people() == [stranger]
    TrustedDevice.objects.update(user=enrolled(owner))
    assert browser.people() == []


def test_a_device_whose_key_was_taken_away_is_not_trusted(owner: User) -> None:
    browser = keyed()
    browser.trust(enrolled(owner))
    TrustedDevice.objects.update(public_key=b"")
    assert browser.copied().people() == []


def test_a_yes_that_no_device_gave_does_not_count(owner: User) -> None:
    browser, asking = keyed(), Browser().request()
    browser.trust(enrolled(owner))
    device_approvals.ask(asking, owner, "telephone")
    DeviceApproval.objects.update(approved_by=TrustedDevice.objects.get())
    assert not device_approvals.taken(asking, owner)


@pytest.mark.parametrize("make", MAKERS)
def test_the_health_check_finds_it(make: Callable[[User], SealedRow], owner: User, stranger: User) -> None:
    row = make(stranger)
    assert not list(altered_rows())
    rows: Any = type(row)._base_manager
    rows.update(user=owner)
    finding, *_more = altered_rows()
    assert (str(finding.kind), finding.subject) == ("altered_row", f"{row._meta.label} {row.pk}")


def test_the_whole_health_check_reports_it(hopper: User, owner: User, collection: Collection) -> None:
    Face.objects.update(user=owner)
    assert "altered_row" in {str(finding.kind) for finding in reconcile(collection.id, repair=True)}
    assert not Face.objects.get().is_sealed()  # nothing repairs it but somebody who knows whose it is


def use(settings: Settings, *keys: str) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": list(keys)}


@pytest.mark.parametrize("make", MAKERS)
def test_after_the_keys_are_rotated_the_old_one_can_go(
    make: Callable[[User], SealedRow], owner: User, settings: Settings
) -> None:
    row, [old], new = make(owner), settings.FACEAUTH["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    use(settings, new, old)
    done, total = [*rotate_keys()][-1]
    assert done == total >= 1
    assert [*rotate_keys()][-1] == (0, 0)
    use(settings, new)
    row.refresh_from_db()
    assert row.is_sealed()


def test_rotation_does_not_make_a_changed_row_good(owner: User, stranger: User, settings: Settings) -> None:
    face_of(owner)
    device_of(owner)
    Face.objects.update(user=stranger)
    use(settings, Fernet.generate_key().decode(), *settings.FACEAUTH["ENCRYPTION_KEYS"])
    with pytest.raises(Altered):
        list(rotate_keys())
    assert not Face.objects.get().is_sealed()
    use(settings, settings.FACEAUTH["ENCRYPTION_KEYS"][0])
    assert TrustedDevice.objects.get().is_sealed()


def test_rows_from_before_are_sealed_as_they_are(transactional_db: None, owner: User) -> None:
    def migrate(name: str) -> Any:
        MigrationExecutor(connection).migrate([("faceauth", name)])
        return MigrationExecutor(connection).loader.project_state([("faceauth", name)]).apps

    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("faceauth")[0][1]
    rows = [make(owner) for make in MAKERS]
    try:
        before = migrate("0016_unclear_pictures").get_model("faceauth", "Face")
        assert "seal" not in before.objects.values()[0]
    finally:
        migrate(latest)
    for row in rows:
        row.refresh_from_db()
        assert row.is_sealed()


def test_fixtures_keep_their_seals(owner: User, stranger: User, tmp_path: Any) -> None:
    face_of(owner)
    file = tmp_path / "faces.json"
    call_command("dumpdata", "faceauth.face", output=str(file))
    file.write_text(file.read_text().replace(f'"user": {owner.pk}', f'"user": {stranger.pk}'))
    Face.objects.all().delete()
    call_command("loaddata", str(file))
    assert Face.objects.get().user == stranger
    assert not Face.objects.get().is_sealed()


def test_what_lets_in_from_before_goes_on_letting_in(transactional_db: None, owner: User, operator: User) -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("faceauth")[0][1]
    key, code = with_app(face_of(owner).user).key, "0123456789abcdef"
    try:
        MigrationExecutor(connection).migrate([("faceauth", "0017_sealed_rows")])
        device = StaticDevice.objects.create(user=owner, name="recovery codes")
        token = base64.b64encode(hashlib.sha256(f"{device.pk} {code}".encode()).digest()[:12]).decode()
        StaticToken.objects.create(device=device, token=token)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM faceauth_photologin")
    finally:
        MigrationExecutor(connection).migrate([("faceauth", latest)])
    assert AuthenticatorApp.objects.get().key == key
    assert not list(altered_rows())
    assert is_vouched(operator)
    assert authenticators.check(owner, code) == Verdict.OPEN
    assert authenticators.check(owner, code) == Verdict.WRONG
    AuthenticatorApp.objects.all().delete()
    assert authenticators.has_mfa(owner)

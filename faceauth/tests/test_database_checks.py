"""Rows that refer to a row that is gone, as after a deletion without Django."""

import uuid

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection

from faceauth.enrolment.enrol import enrol
from faceauth.models import Consent, Deletion, Face, HealthCheck, MFAReset, SignIn
from faceauth.operators.database_checks import dangling_rows
from faceauth.operators.reconcile import reconcile
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.mfa_cast import with_app
from notes.models import Note

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL does not let a row dangle.")


def delete_behind_djangos_back(user: User) -> None:
    """As with the sqlite3 program, which does not enforce foreign keys."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])


def found(repair: bool = False) -> dict[str, bool]:
    """The tables with dangling rows, and whether these were repaired."""
    return {finding.subject: finding.repaired for finding in dangling_rows(repair)}


def test_nothing_dangles(hopper: User) -> None:
    SignIn.objects.create(outcome="stranger")  # without a user, as it should be
    with_app(hopper)
    assert found() == {}


def test_whatever_refers_to_a_user_who_is_gone_is_found(transactional_db: None, owner: User, operator: User) -> None:
    Face.objects.create(user=owner, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="secretly", person="x")
    Consent.objects.create(user=owner, text="1")
    SignIn.objects.create(outcome="recognised", user=owner)
    MFAReset.objects.create(user=owner)
    with_app(owner)
    content_type = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(user=operator, content_type=content_type, action_flag=CHANGE)
    Note.objects.write(owner, "What I wrote.")
    for user in (owner, operator):
        delete_behind_djangos_back(user)
    leftovers = {
        f"faceauth.{name}" for name in ("Face", "Consent", "SignIn", "PhotoLogin", "MFAReset", "OperatorAccount")
    }
    leftovers |= {"otp_totp.TOTPDevice", "admin.LogEntry"}
    before = found()
    notebook = before.keys() - leftovers
    assert "notes.Note" in notebook
    assert before == dict.fromkeys(leftovers | notebook, False)
    assert found(repair=True) == dict.fromkeys(leftovers, True) | dict.fromkeys(notebook, False)
    assert found() == dict.fromkeys(notebook, False)
    assert SignIn.objects.get().user_id is None  # the log stays, as it does when Django deletes a user
    assert Note.objects.count() == 1  # a restored backup may bring its owner back


def test_a_face_of_nobody_leaves_the_collection(transactional_db: None, collection: Collection) -> None:
    user = enrol(read(pictures.hopper())).user
    assert user is not None
    delete_behind_djangos_back(user)
    kinds = [str(finding.kind) for finding in reconcile(collection.id)]
    assert kinds
    assert set(kinds) == {"dangling_row"}
    assert len(list(collection.faces())) == 1
    assert all(finding.repaired for finding in reconcile(collection.id, repair=True))
    assert list(collection.faces()) == []
    assert Deletion.objects.get().confirmed
    assert list(reconcile(collection.id)) == []


def test_the_health_check_reports_it(transactional_db: None, collection: Collection, owner: User) -> None:
    Note.objects.write(owner, "What I wrote.")
    delete_behind_djangos_back(owner)
    with pytest.raises(CommandError, match="not repaired"):
        call_command("rekognition_collection", "doctor", "--repair")
    assert HealthCheck.objects.get().found.keys() == {"dangling_row"}

"""Rows that refer to a row that is gone, as after a deletion without Django."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import ForeignKey, Model
from django.utils import timezone

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


SOMETHING: dict[str, Callable[[int], Any]] = {
    "BinaryField": lambda number: b"x",
    "BooleanField": lambda number: False,
    "CharField": lambda number: f"gone {number}",
    "DateTimeField": lambda number: timezone.now(),
    "JSONField": lambda number: {},
    "TextField": lambda number: "x",
    "UUIDField": lambda number: uuid.UUID(int=number),
}


def references() -> list[tuple[type[Model], ForeignKey[Any, Any]]]:
    """Every reference from a table to another, those of other apps and between many and many among them."""
    tables = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    fields = [(model, field) for model in tables for field in model._meta.local_concrete_fields]
    return [(model, field) for model, field in fields if isinstance(field, ForeignKey)]


def add_dangling_row(model: type[Model], reference: ForeignKey[Any, Any], number: int) -> None:
    """A row in which this reference, and each that must not be empty, leads nowhere."""
    values: dict[str, Any] = {}
    for field in model._meta.local_concrete_fields:
        refers = isinstance(field, ForeignKey)
        kind = field.target_field.get_internal_type() if isinstance(field, ForeignKey) else field.get_internal_type()
        if field is reference or not (field.null or "Auto" in kind or (field.has_default() and not refers)):
            values[field.attname] = SOMETHING[kind](number) if kind in SOMETHING else number
        elif refers and not field.null:
            values[field.attname] = number
    model._base_manager.bulk_create([model(**values)])


def test_every_reference_that_can_dangle_is_looked_for(transactional_db: None) -> None:
    with connection.constraint_checks_disabled():
        for number, (model, field) in enumerate(references(), 900_000):
            add_dangling_row(model, field, number)
    told = {(finding.subject, finding.what.split(" = ")[0].split()[-1]) for finding in dangling_rows(False)}
    assert told == {(model._meta.label, field.name) for model, field in references()}
    assert {(Face._meta.label, "user"), ("notes.Note", "owner"), ("auth.User_groups", "group")} <= told


# Columns that name a row, a face or a file without a reference of the database, and what notices where that is gone.
NAMES = {
    "faceauth.Face.face_id": "missing_faces",
    "faceauth.Face.image_id": "nothing: it says which picture a face came from",
    "faceauth.Face.person": "vectors_without_user",
    "faceauth.Deletion.face_id": "unfinished_deletions",
    "faceauth.Deletion.person": "unfinished_deletions",
    "faceauth.Enrolment.external_id": "unfinished_enrolments",
    "faceauth.SignIn.session_key": "audit.sessions.open_sessions",
}


def test_every_column_of_faceauth_that_names_something_is_accounted_for() -> None:
    """A new one must be looked for too, or say here why not."""
    names = {"face_id", "image_id", "person", "external_id", "session_key", "user_id", "username", "owner"}
    found = {
        f"{model._meta.label}.{field.attname}"
        for model in apps.get_app_config("faceauth").get_models()
        for field in model._meta.local_concrete_fields
        if field.attname in names and not isinstance(field, ForeignKey)
    }
    assert found == NAMES.keys()


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

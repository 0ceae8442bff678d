"""Rows whose user is gone. The user is deleted as by SQLite's shell, which does not ask what belongs to it."""

from contextlib import closing

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection

from faceauth import dangling, doctor
from faceauth.models import Consent, Deletion, Face, Login
from faceauth.outcomes import Outcome
from faceauth.people import remember
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read


@pytest.fixture
def grace(transactional_db: None, collection: Collection) -> User:
    user = remember(read(pictures.hopper()), "text").user
    assert user is not None
    Login.objects.create(outcome=Outcome.RECOGNISED, user=user)
    return user


def delete_behind_the_back(user: User) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])
        cursor.execute("PRAGMA foreign_keys = ON")


def kinds(repair: bool = False) -> list[tuple[str, bool]]:
    return [(str(it.kind), it.mended) for it in doctor.examine("secretly", repair)]


def test_nothing_dangles_where_everybody_is_here(grace: User) -> None:
    assert list(dangling.dangling_rows()) == []


def test_a_user_deleted_behind_the_back_is_told_and_mended(grace: User) -> None:
    face_id = Face.objects.get().face_id
    delete_behind_the_back(grace)
    found = {(row._meta.label, field.name) for row, field in dangling.dangling_rows()}
    assert found == {("faceauth.Face", "user"), ("faceauth.Consent", "user"), ("faceauth.Login", "user")}
    assert kinds().count(("dangling_row", False)) == 3
    assert kinds(repair=True).count(("dangling_row", True)) == 3
    assert not Face.objects.exists()
    assert not Consent.objects.exists()
    assert Login.objects.get().user is None  # the log keeps that somebody came
    assert Deletion.objects.get().face_id == face_id
    assert list(Collection("secretly").faces()) == []
    assert kinds() == []


def test_what_is_not_ours_is_told_and_left(grace: User) -> None:
    LogEntry.objects.create(user=grace, action_flag=CHANGE)
    delete_behind_the_back(grace)
    kinds(repair=True)
    [left] = doctor.examine("secretly", repair=True)
    assert (left.kind, left.mended) == (doctor.Kind.DANGLING_ROW, False)
    assert left.subject.startswith("admin.LogEntry ")
    assert left.what == f"its user, auth.User {grace.pk}, is gone"
    LogEntry.objects.get().delete()

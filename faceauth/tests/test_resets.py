"""A reset of somebody's second factor: reason, second operator, wait, and the person who stops it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from faceauth.checks import check_settings
from faceauth.mfa import authenticators, resets
from faceauth.models import MFAReset, PhotoLogin, SignIn
from faceauth.policy import photo_logins
from faceauth.rekognition.collection import Collection
from faceauth.tests.mfa_cast import open_notebook, reset, with_app

REASON = "Lost her phone; asked by telephone."


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(operator: User, name: str, user: User, reason: str = "") -> str:
    url = reverse("admin:auth_user_action", args=[name])
    sent = {"people": user.pk, "confirmed": "yes", "reason": reason}
    return client_of(operator).post(url, sent, follow=True).content.decode()


def later(**time: float) -> None:
    """Let this time pass for every reset."""
    for row in MFAReset.objects.exclude(due=None):
        row.change(due=row.due - timedelta(**time))  # type: ignore[operator]


@pytest.fixture
def person(owner: User) -> User:
    with_app(owner)
    return owner


def test_nothing_is_reset_without_a_reason(operator: User, person: User) -> None:
    assert "a reason is needed" in act(operator, "reset_mfa", person, reason="  ")
    assert not MFAReset.objects.exists()
    assert not LogEntry.objects.exists()


def test_it_takes_effect_after_a_day_and_not_before(operator: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    row = MFAReset.objects.get()
    assert (row.requested_by, row.reason) == (operator, REASON)
    assert row.due is not None
    assert timedelta(hours=23, minutes=59) < row.due - timezone.now() <= timedelta(hours=24)
    later(hours=23, minutes=59)
    assert authenticators.has_mfa(person)
    later(minutes=1)
    assert not authenticators.has_mfa(person)
    assert authenticators.codes_left(person) == 0
    row.refresh_from_db()
    assert row.done is not None
    assert not resets.apply_due(person)  # once


def test_the_wait_is_a_setting(operator: User, person: User, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "MFA_RESET_HOURS": 72}
    act(operator, "reset_mfa", person, REASON)
    later(hours=71, minutes=59)
    assert authenticators.has_mfa(person)


@pytest.mark.parametrize("hours", [-1, "a day", 24 * 366])
def test_a_wait_that_cannot_be(hours: object, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "MFA_RESET_HOURS": hours}
    assert "faceauth.E013" in [message.id for message in check_settings()]


def test_it_is_requested_once(operator: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    assert "there was nothing to do" in act(operator, "reset_mfa", person, REASON)
    assert MFAReset.objects.count() == 1


# The person -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/account/"])
def test_the_person_sees_it(path: str, operator: User, person: User) -> None:
    notebook = open_notebook(person)
    assert "requested a reset" not in notebook.get(path).content.decode()
    act(operator, "reset_mfa", person, REASON)
    page = notebook.get(path).content.decode()
    assert "requested a reset of your second factor" in page
    assert REASON in page
    assert "requested a reset" not in open_notebook(operator).get("/").content.decode()


def test_the_person_stops_it(operator: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    notebook = open_notebook(person)
    assert notebook.post(reverse("faceauth:stop_mfa_reset"))["Location"] == "/account/#second-factors"
    assert "requested a reset" not in notebook.get("/account/").content.decode()
    later(days=2)
    assert authenticators.has_mfa(person)
    assert photo_logins.may_sign_in_by(person, SignIn.Method.FILE)
    assert MFAReset.objects.get().stopped is not None


def test_nobody_else_stops_it(operator: User, person: User, stranger: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    url = reverse("faceauth:stop_mfa_reset")
    assert open_notebook(stranger).post(url).status_code == 302
    assert Client().post(url)["Location"].startswith("/login/")
    assert open_notebook(person).get(url).status_code == 405
    assert resets.pending(person)


def test_photos_sign_nobody_in_meanwhile_nor_afterwards(operator: User, person: User) -> None:
    """Or an operator with a picture from the web could reset the second factor and read the notes."""
    act(operator, "reset_mfa", person, REASON)
    for method in (SignIn.Method.FILE, SignIn.Method.CAMERA, ""):
        assert not photo_logins.may_sign_in_by(person, method)
    assert photo_logins.may_sign_in_by(person, SignIn.Method.LIVENESS)
    later(days=1)
    assert not authenticators.has_mfa(person)
    assert not photo_logins.may_sign_in_by(person, SignIn.Method.FILE)
    assert photo_logins.choice_of(person) == PhotoLogin.Choice.NEVER  # which the person can change
    assert photo_logins.may_sign_in_by(person, SignIn.Method.LIVENESS)


def test_where_photos_are_all_there_is_they_stay(operator: User, person: User, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "open"}
    act(operator, "reset_mfa", person, REASON)
    assert photo_logins.may_sign_in_by(person, SignIn.Method.FILE)
    later(days=1)
    assert not authenticators.has_mfa(person)
    assert photo_logins.may_sign_in_by(person, SignIn.Method.FILE)


def test_the_account_page_tells_of_it_only_once_it_is_done(operator: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    notebook = open_notebook(person)
    assert notebook.get("/account/", headers={"Accept": "application/json"}).json()["mfa_resets"] == []
    later(days=1)
    assert not authenticators.has_mfa(person)
    assert len(notebook.get("/account/", headers={"Accept": "application/json"}).json()["mfa_resets"]) == 1


# A second operator ----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "MFA_RESET_NEEDS_TWO": True}


@pytest.fixture
def second(db: None) -> User:
    return User.objects.create_superuser("second")


def test_another_operator_approves_it(two: None, operator: User, second: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    assert MFAReset.objects.get().due is None
    assert not photo_logins.may_sign_in_by(person, SignIn.Method.FILE)
    question = client_of(second).get(
        reverse("admin:auth_user_action", args=["approve_mfa_reset"]), {"person": person.pk}
    )
    assert REASON in question.content.decode()
    assert operator.username in question.content.decode()
    act(second, "approve_mfa_reset", person)
    row = MFAReset.objects.get()
    assert (row.requested_by, row.approved_by) == (operator, second)
    assert row.due is not None
    assert row.due > timezone.now() + timedelta(hours=23)  # from the approval on
    assert authenticators.has_mfa(person)
    later(days=1)
    assert not authenticators.has_mfa(person)


def test_nobody_approves_their_own_request(two: None, operator: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    assert "another operator must approve" in act(operator, "approve_mfa_reset", person)
    resets.approve(person, operator)
    assert MFAReset.objects.get().due is None
    assert authenticators.has_mfa(person)


def test_there_is_nothing_to_approve(operator: User, second: User, person: User) -> None:
    assert "there was nothing to do" in act(second, "approve_mfa_reset", person)
    act(operator, "reset_mfa", person, REASON)
    assert "there was nothing to do" in act(second, "approve_mfa_reset", person)  # it needs no second operator
    assert LogEntry.objects.filter(user=second).count() == 0


def test_a_stopped_request_is_not_approved(two: None, operator: User, second: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    assert resets.stop(person)
    assert "there was nothing to do" in act(second, "approve_mfa_reset", person)
    assert authenticators.has_mfa(person)


# Others ---------------------------------------------------------------------------------------------------------------


def test_the_health_check_carries_out_what_is_due(collection: Collection, operator: User, person: User) -> None:
    act(operator, "reset_mfa", person, REASON)
    later(days=1)
    with pytest.raises(CommandError):  # the person has no face
        call_command("rekognition_collection", "doctor")
    assert MFAReset.objects.get().done is not None


def test_a_reset_that_is_done_stops_nothing_later(person: User) -> None:
    assert reset(person)
    with_app(person)
    assert authenticators.has_mfa(person)
    assert not resets.stop(person)


@pytest.mark.slow
def test_resets_from_before_the_wait_are_done(transactional_db: None, person: User) -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("faceauth")[0][1]

    def migrate(name: str) -> Any:
        MigrationExecutor(connection).migrate([("faceauth", name)])
        return MigrationExecutor(connection).loader.project_state([("faceauth", name)]).apps

    migrate("0011_plain_labels").get_model("faceauth", "MFAReset").objects.create(user_id=person.pk)
    migrate(latest)
    row = MFAReset.objects.get()
    assert row.done == row.due == row.at
    assert authenticators.has_mfa(person)

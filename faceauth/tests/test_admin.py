from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from faceauth.models import Deletion, Face, Login
from faceauth.rekognition.collection import Collection
from faceauth.tests.conftest import Fault


@pytest.fixture
def desk(operator: User) -> Client:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_operators_come_in_with_a_password(operator: User) -> None:
    operator.set_password("one two three four")
    operator.save()
    client = Client()
    given = {"username": "operator", "password": "one two three four", "next": "/admin/"}
    assert client.post("/admin/login/", given)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("who", ["nobody", "owner"])
def test_others_do_not_come_in(who: str, owner: User) -> None:
    client = Client()
    if who == "owner":
        client.force_login(owner, backend="faceauth.backends.FaceBackend")
    answer = client.get("/admin/faceauth/login/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("model", ["face", "login"])
def test_lists_are_shown_with_few_queries_and_are_read_only(
    model: str, desk: Client, hopper: User, django_assert_max_num_queries: object
) -> None:
    for _ in range(30):
        Login.objects.create(outcome="recognised", user=hopper, similarity=99.0)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page = desk.get(reverse(f"admin:faceauth_{model}_changelist"))
    assert hopper.username in page.content.decode()
    row = (Face if model == "face" else Login).objects.first()
    assert row is not None
    assert desk.get(reverse(f"admin:faceauth_{model}_add")).status_code == 403
    assert desk.post(reverse(f"admin:faceauth_{model}_delete", args=[row.pk])).status_code == 403
    url = reverse(f"admin:faceauth_{model}_change", args=[row.pk])
    assert desk.get(url).status_code == 200
    assert desk.post(url, {"outcome": "stranger"}).status_code == 403


def test_users_are_found_by_face_id(desk: Client, hopper: User, owner: User) -> None:
    face = Face.objects.get()
    page = desk.get(reverse("admin:auth_user_changelist"), {"q": str(face.face_id)}).content.decode()
    assert hopper.username in page
    assert owner.username not in page


def test_deleting_a_user_forgets_the_face(
    transactional_db: None, desk: Client, hopper: User, collection: Collection
) -> None:
    url = reverse("admin:auth_user_delete", args=[hopper.pk])
    assert hopper.username in desk.get(url).content.decode()
    desk.post(url, {"post": "yes"})
    assert not User.objects.filter(pk=hopper.pk).exists()
    assert list(collection.faces()) == []


def test_deleting_users_as_an_action_forgets_their_faces(
    transactional_db: None, desk: Client, hopper: User, owner: User, collection: Collection
) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [hopper.pk, owner.pk], "post": "yes"}
    desk.post(reverse("admin:auth_user_changelist"), chosen)
    assert not User.objects.filter(pk__in=[hopper.pk, owner.pk]).exists()
    assert list(collection.faces()) == []


def test_rekognition_is_not_asked_before_the_deletion_is_committed(
    transactional_db: None, desk: Client, hopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ones = []

    def note(*args: object) -> None:
        open_ones.append(connection.in_atomic_block)

    monkeypatch.setattr("faceauth.ledger.settle_person", note)
    desk.post(reverse("admin:auth_user_delete", args=[hopper.pk]), {"post": "yes"})
    assert open_ones == [False]


@pytest.mark.parametrize("way", ["one", "action"])
def test_while_rekognition_is_away_the_face_waits_in_the_ledger(
    way: str, transactional_db: None, desk: Client, hopper: User, fault: Fault
) -> None:
    fault("DeleteUser", "InternalServerError", status=500)
    if way == "one":
        desk.post(reverse("admin:auth_user_delete", args=[hopper.pk]), {"post": "yes"}, follow=True)
    else:
        chosen = {"action": "delete_selected", "_selected_action": [hopper.pk], "post": "yes"}
        desk.post(reverse("admin:auth_user_changelist"), chosen, follow=True)
    assert not User.objects.filter(pk=hopper.pk).exists()
    deletion = Deletion.objects.get()
    assert deletion.confirmed is None
    page = desk.get(reverse("admin:faceauth_deletion_changelist")).content.decode()
    assert str(deletion.face_id) in page
    detail = desk.get(reverse("admin:faceauth_deletion_change", args=[deletion.pk])).content.decode()
    assert str(deletion.receipt_id) not in detail


def test_confirmation_shows_nothing_that_was_written(desk: Client, owner: User) -> None:
    from django.apps import apps

    notes: Any = apps.get_model("notes", "Note")._default_manager
    notes.write(owner, "The key is under the stone.")
    for url, data in (
        (reverse("admin:auth_user_delete", args=[owner.pk]), None),
        (reverse("admin:auth_user_changelist"), {"action": "delete_selected", "_selected_action": [owner.pk]}),
    ):
        page = desk.post(url, data) if data else desk.get(url)
        assert page.status_code == 200
        assert owner.username in page.content.decode()
        assert "stone" not in page.content.decode()

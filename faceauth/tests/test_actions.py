"""What operators do to people, and who may."""

from dataclasses import replace

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from faceauth.audit.sessions import store, stored_key
from faceauth.models import Deletion, Face, MFAReset, Receipt, SignIn
from faceauth.operators import actions
from faceauth.rekognition.collection import Collection
from faceauth.tests.conftest import Fault
from faceauth.tests.mfa_cast import with_app


def act(admin: Client, name: str, *people: User, **more: object) -> str:
    """Confirm; what the next page says."""
    url = reverse("admin:auth_user_action", args=[name])
    chosen = ",".join(str(user.pk) for user in people)
    sent = {"people": chosen, "confirmed": "yes", "reason": "They asked for it.", **more}
    return admin.post(url, sent, follow=True).content.decode()


@pytest.mark.parametrize("name", actions.ACTIONS)
def test_an_action_only_asks(name: str, admin: Client, owner: User, stranger: User) -> None:
    chosen = {"action": name, "_selected_action": [owner.pk, stranger.pk]}
    page = admin.post(reverse("admin:auth_user_changelist"), chosen)
    assert page.status_code == 200
    content = page.content.decode()
    assert owner.username in content
    assert stranger.username in content
    assert str(actions.ACTIONS[name].question) in content
    assert User.objects.filter(pk__in=[owner.pk, stranger.pk], is_active=True).count() == 2
    assert not LogEntry.objects.exists()


def test_asking_about_one_person_does_nothing(admin: Client, owner: User) -> None:
    url = reverse("admin:auth_user_action", args=["forget"])
    assert owner.username in admin.get(url, {"person": owner.pk}).content.decode()
    admin.post(url, {"people": owner.pk})  # without `confirmed`
    assert User.objects.filter(pk=owner.pk).exists()


@pytest.mark.parametrize("key", ["9" * 19, "9" * 5000, "-1", "1.5", "one", ""])
def test_a_key_that_nobody_has(key: str, admin: Client, owner: User) -> None:
    url = reverse("admin:auth_user_action", args=["deactivate"])
    assert admin.get(url, {"person": key}).status_code == 302
    assert admin.post(url, {"people": f"{key},{owner.pk}", "confirmed": "yes", "done": key}).status_code == 302
    assert not User.objects.get(pk=owner.pk).is_active


def test_deactivate_and_activate(admin: Client, owner: User, operator: User) -> None:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    SignIn.objects.create(outcome="recognised", user=owner, session_key=stored_key(client.session))
    assert client.get("/").status_code == 200
    act(admin, "deactivate", owner)
    assert not User.objects.filter(pk=owner.pk, is_active=True).exists()
    assert client.get("/").status_code == 302
    act(admin, "activate", owner)
    assert User.objects.filter(pk=owner.pk, is_active=True).exists()
    assert client.get("/").status_code == 302  # the session ended
    entries = LogEntry.objects.filter(object_id=str(owner.pk)).order_by("pk")
    assert [(it.change_message, it.user) for it in entries] == [("Deactivated.", operator), ("Activated.", operator)]


def test_end_sessions(admin: Client, owner: User) -> None:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    SignIn.objects.create(outcome="recognised", user=owner, session_key=stored_key(client.session))
    act(admin, "sign_out", owner)
    assert not store().model.objects.filter(session_key=stored_key(client.session)).exists()
    assert client.get("/").status_code == 302
    assert User.objects.get(pk=owner.pk).is_active


@pytest.mark.parametrize("name", ["sign_out", "deactivate"])
def test_a_session_that_the_log_does_not_show_ends_too(name: str, admin: Client, owner: User) -> None:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    act(admin, name, owner)
    act(admin, "activate", owner)
    assert client.get("/").status_code == 302


def test_a_superuser_ends_the_sessions_of_an_operator(admin: Client, operator: User) -> None:
    other = User.objects.create_user("other", password="right", is_staff=True)
    client = Client()
    client.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 200
    assert operator.is_superuser
    act(admin, "sign_out", other)
    assert client.get("/admin/").status_code == 302
    assert admin.get("/admin/").status_code == 200


def test_forget_goes_through_the_ledger(
    transactional_db: None, admin: Client, hopper: User, collection: Collection
) -> None:
    name, pk = hopper.username, hopper.pk
    act(admin, "sign_out", hopper)
    act(admin, "forget", hopper)
    assert not User.objects.filter(pk=pk).exists()
    assert list(collection.faces()) == []
    [deletion] = Deletion.objects.all()
    assert deletion.confirmed
    assert deletion.receipt == Receipt.objects.get()
    entries = LogEntry.objects.filter(object_id=str(pk))
    assert entries.get(action_flag=DELETION).change_message == "Forgotten."
    assert {it.object_repr for it in entries} == {f"#{pk}"}  # not by the name, in no entry
    assert name not in admin.get("/admin/").content.decode()


def test_rekognition_is_not_asked_before_the_deletion_is_committed(
    transactional_db: None, admin: Client, hopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ones = []
    monkeypatch.setattr(
        "faceauth.privacy.deletion_ledger.settle_person", lambda *args: open_ones.append(connection.in_atomic_block)
    )
    act(admin, "forget", hopper)
    assert open_ones == [False]


def test_while_rekognition_is_away_the_face_waits_in_the_ledger(
    transactional_db: None, admin: Client, hopper: User, fault: Fault
) -> None:
    fault("DeleteUser", "InternalServerError", status=500)
    assert "still to be deleted" in act(admin, "forget", hopper)
    assert not User.objects.filter(pk=hopper.pk).exists()
    assert not Face.objects.exists()
    deletion = Deletion.objects.get()
    assert deletion.confirmed is None
    page = admin.get(reverse("admin:faceauth_deletion_changelist")).content.decode()
    assert str(deletion.face_id) in page
    detail = admin.get(reverse("admin:faceauth_deletion_change", args=[deletion.pk])).content.decode()
    assert str(deletion.receipt_id) not in detail


@pytest.mark.parametrize("name", actions.ACTIONS)
def test_nobody_does_it_to_themselves(name: str, admin: Client, operator: User) -> None:
    assert "nobody can do this to their own account" in act(admin, name, operator)
    operator.refresh_from_db()
    assert operator.is_active
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", actions.ACTIONS)
def test_only_a_superuser_does_it_to_an_operator(name: str, operator: User, owner: User) -> None:
    from django.contrib.auth.models import Group

    helper = User.objects.create_user("helper", is_staff=True)
    helper.groups.add(Group.objects.get(name="operators"))
    client = Client()
    client.force_login(helper, backend="django.contrib.auth.backends.ModelBackend")
    with_app(owner)  # so that there is something to do
    User.objects.filter(pk=owner.pk).update(is_active=name != "activate")
    if name == "approve_mfa_reset":
        MFAReset.objects.create(user=owner, reason="They asked for it.")
    page = act(client, name, operator, owner)
    assert "only a superuser" in page
    operator.refresh_from_db()
    assert operator.is_active
    assert LogEntry.objects.get().object_id == str(owner.pk)


def test_many_go_on_over_several_requests(admin: Client, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request does one at least, and says how far it is; the form of each page does the next."""
    people = [User.objects.create_user(f"person {n}") for n in range(5)]
    monkeypatch.setattr(actions, "SECONDS_PER_REQUEST", 0.0)
    page = act(admin, "deactivate", *people)
    pages = [page]
    while "data-go-on" in page:
        form = {
            name: page.split(f'name="{name}" value="')[1].split('"')[0]
            for name in ("people", "total", "done", "confirmed")
        }
        page = admin.post(reverse("admin:auth_user_action", args=["deactivate"]), form, follow=True).content.decode()
        pages.append(page)
    assert len(pages) == 5
    assert "1 of 5 done." in pages[0]
    assert "4 of 5 done." in pages[3]
    assert "Deactivate: 5 people." in pages[4]
    assert not User.objects.filter(username__startswith="person", is_active=True).exists()
    assert LogEntry.objects.count() == 5


def test_who_has_gone_meanwhile_is_skipped(admin: Client, owner: User, stranger: User) -> None:
    pk = stranger.pk
    chosen = f"{owner.pk},{pk}"
    stranger.delete()
    admin.post(reverse("admin:auth_user_action", args=["deactivate"]), {"people": chosen, "confirmed": "yes"})
    assert LogEntry.objects.get().object_id == str(owner.pk)


@pytest.mark.parametrize("wrong", ["", "nobody", "1;2"])
def test_nobody_chosen(wrong: str, admin: Client) -> None:
    answer = admin.post(reverse("admin:auth_user_action", args=["forget"]), {"people": wrong, "confirmed": "yes"})
    assert answer.status_code == 302


def test_an_action_that_does_not_exist(admin: Client, owner: User) -> None:
    assert admin.get("/admin/auth/user/action/promote/", {"person": owner.pk}).status_code == 404


def test_the_forms_are_protected(operator: User, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("admin:auth_user_action", args=["forget"])
    assert client.post(url, {"people": owner.pk, "confirmed": "yes"}).status_code == 403
    assert User.objects.filter(pk=owner.pk).exists()


def test_what_is_not_written_down_is_not_done(admin: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(type(LogEntry.objects), "log_actions", fail)
    with pytest.raises(RuntimeError):
        act(admin, "deactivate", owner)
    assert User.objects.filter(pk=owner.pk, is_active=True).exists()


@pytest.mark.parametrize("name", ["activate", "reset_mfa"])
def test_nothing_to_do_is_told_and_not_written_down(name: str, admin: Client, owner: User) -> None:
    assert "there was nothing to do" in act(admin, name, owner)
    assert not LogEntry.objects.exists()


def test_an_action_that_fails_is_not_written_down(admin: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(user: User, order: actions.Order) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setitem(actions.ACTIONS, "sign_out", replace(actions.ACTIONS["sign_out"], perform=fail))
    with pytest.raises(RuntimeError):
        act(admin, "sign_out", owner)
    assert not LogEntry.objects.exists()

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from faceauth.models import Consent, Face, MFAReset, SignIn
from faceauth.operators import actions, groups
from faceauth.tests.mfa_cast import with_app


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
    answer = client.get("/admin/faceauth/signin/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("model", ["face", "signin"])
def test_lists_are_shown_with_few_queries_and_are_read_only(
    model: str, admin: Client, hopper: User, django_assert_max_num_queries: object
) -> None:
    for _ in range(30):
        SignIn.objects.create(outcome="recognised", user=hopper, similarity=99.0)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page = admin.get(reverse(f"admin:faceauth_{model}_changelist"))
    assert hopper.username in page.content.decode()
    row = (Face if model == "face" else SignIn).objects.first()
    assert row is not None
    assert admin.get(reverse(f"admin:faceauth_{model}_add")).status_code == 403
    assert admin.post(reverse(f"admin:faceauth_{model}_delete", args=[row.pk])).status_code == 403
    url = reverse(f"admin:faceauth_{model}_change", args=[row.pk])
    assert admin.get(url).status_code == 200
    assert admin.post(url, {"outcome": "stranger"}).status_code == 403


def test_users_are_found_by_face_id(admin: Client, hopper: User, owner: User) -> None:
    face = Face.objects.get()
    page = admin.get(reverse("admin:auth_user_changelist"), {"q": str(face.face_id)}).content.decode()
    assert hopper.username in page
    assert owner.username not in page


# Kinds of operators ---------------------------------------------------------------------------------------------------


def somebody(kind: str) -> User:
    if kind == "superuser":
        return User.objects.create_superuser(username=kind)
    user = User.objects.create_user(username=kind, is_staff=kind != "person")
    if kind in (groups.VIEWERS, groups.OPERATORS):
        user.groups.add(Group.objects.get(name=kind))
    return user


def client_of(kind: str) -> Client:
    client = Client()
    client.force_login(somebody(kind), backend="django.contrib.auth.backends.ModelBackend")
    return client


PAGES = [
    *(f"admin:faceauth_{model}_changelist" for model in groups.VIEWED),
    "admin:faceauth_signin_export",
    "admin:auth_user_changelist",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("kind", "status"),
    [("person", 302), ("staff", 403), (groups.VIEWERS, 200), (groups.OPERATORS, 200), ("superuser", 200)],
)
def test_who_sees_what(page: str, kind: str, status: int, db: None) -> None:
    answer = client_of(kind).get(reverse(page))
    assert answer.status_code == status
    if status == 200:
        assert b"".join(answer) if answer.streaming else answer.content


@pytest.mark.parametrize("act", actions.ACTIONS)
@pytest.mark.parametrize(
    ("kind", "status"), [("person", 302), ("staff", 403), (groups.VIEWERS, 403), (groups.OPERATORS, 200)]
)
def test_who_may_do_what(act: str, kind: str, status: int, owner: User) -> None:
    client = client_of(kind)
    with_app(owner)  # so that there is a second factor to reset
    User.objects.filter(pk=owner.pk).update(is_active=act != "activate")
    if act == "approve_mfa_reset":
        MFAReset.objects.create(user=owner, reason="They asked for it.")
    url = reverse("admin:auth_user_action", args=[act])
    assert client.get(url, {"person": owner.pk}).status_code == status
    done = client.post(url, {"people": owner.pk, "confirmed": "yes", "reason": "They asked for it."})
    assert done.status_code == (302 if status == 200 else status)
    assert LogEntry.objects.filter(object_id=str(owner.pk)).exists() == (status == 200)
    assert User.objects.filter(pk=owner.pk).exists() == (act != "forget" or status != 200)


@pytest.mark.parametrize("kind", [groups.VIEWERS, groups.OPERATORS])
def test_operators_change_no_account_and_add_none(kind: str, owner: User, operator: User) -> None:
    client = client_of(kind)
    for user in (owner, operator):
        page = client.get(reverse("admin:auth_user_change", args=[user.pk]))
        assert page.status_code == 200
        assert b'name="is_superuser"' not in page.content
        assert client.post(reverse("admin:auth_user_change", args=[user.pk]), {"is_staff": "1"}).status_code == 403
        assert client.get(reverse("admin:auth_user_password_change", args=[user.pk])).status_code == 403
        assert client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:auth_user_add")).status_code == 403


def test_not_even_a_superuser_gives_a_person_a_password(admin: Client, owner: User, operator: User) -> None:
    assert admin.get(reverse("admin:auth_user_password_change", args=[owner.pk])).status_code == 403
    assert admin.post(reverse("admin:auth_user_change", args=[owner.pk]), {"is_staff": "1"}).status_code == 403
    assert b'name="is_superuser"' in admin.get(reverse("admin:auth_user_change", args=[operator.pk])).content


def test_viewers_are_offered_no_action(owner: User) -> None:
    client = client_of(groups.VIEWERS)
    assert b"action/forget" not in client.get(reverse("admin:auth_user_change", args=[owner.pk])).content
    assert b'name="action"' not in client.get(reverse("admin:auth_user_changelist")).content


# People ---------------------------------------------------------------------------------------------------------------


def test_a_person_s_page_tells_the_facts(admin: Client, hopper: User) -> None:
    Consent.objects.create(user=hopper, text="2026-11-23.2")
    SignIn.objects.create(outcome="refused", reason="too_dark", user=hopper, device="Firefox Windows")
    page = admin.get(reverse("admin:auth_user_change", args=[hopper.pk])).content.decode()
    for fact in (str(Face.objects.get().face_id), "2026-11-23.2", "too dark", "Firefox"):
        assert fact in page
    listed = admin.get(reverse("admin:auth_user_changelist"), {"q": hopper.username[:8]}).content.decode()
    assert "2026-11-23.2" in listed
    assert '<td class="field-face_count">1</td>' in listed


def test_the_sessions_of_an_operator_are_not_said_to_be_none(admin: Client, operator: User, owner: User) -> None:
    """They come in by a password, which the sign-in log does not show."""
    for user, said in ((operator, "\N{EN DASH}"), (owner, "0")):
        page = admin.get(reverse("admin:auth_user_change", args=[user.pk])).content.decode()
        row = page.partition("field-open_sessions")[2].partition("field-stored")[0]
        assert f'<div class="readonly">{said}</div>' in row


def test_the_list_of_people_costs_the_same_for_many(admin: Client, db: None) -> None:
    url = reverse("admin:auth_user_changelist")
    User.objects.create_user("first")
    with CaptureQueriesContext(connection) as few:
        admin.get(url)
    User.objects.bulk_create([User(username=f"person {n}") for n in range(60)])
    with CaptureQueriesContext(connection) as many:
        admin.get(url)
    assert len(many) == len(few) < 15


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("admin:faceauth_signin_changelist", "session_key__startswith=a"),
        ("admin:faceauth_signin_changelist", "user__password__startswith=a"),
        ("admin:faceauth_signin_export", "session_key__startswith=a"),
        ("admin:faceauth_deletion_changelist", "receipt__id__startswith=a"),
        ("admin:faceauth_deletion_changelist", "receipt=3f0c1c1e-6a5b-4a59-8d0e-2f3d6f5a1b77"),
        ("admin:auth_user_changelist", "password__startswith=a"),
        ("admin:auth_user_changelist", "logins__session_key__startswith=a"),
        ("admin:auth_user_changelist", "notes__sealed_text__startswith=a"),
    ],
)
def test_no_secret_is_guessed_by_filtering(page: str, query: str, admin: Client) -> None:
    assert admin.get(f"{reverse(page)}?{query}").status_code == 400


def test_people_are_found_by_their_second_factor(admin: Client, owner: User, stranger: User) -> None:
    with_app(owner)
    url = reverse("admin:auth_user_changelist")
    for value, there, not_there in (("yes", owner, stranger), ("no", stranger, owner)):
        page = admin.get(url, {"with_mfa": value}).content.decode()
        assert there.username in page
        assert not_there.username not in page
    seen = admin.get(reverse("admin:auth_user_change", args=[owner.pk])).content.decode()
    assert "Second factor" in seen
    assert "action/reset_mfa" in seen
    assert "action/reset_mfa" not in admin.get(reverse("admin:auth_user_change", args=[stranger.pk])).content.decode()


# The sign-in log ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["198.51.100.7", " 198.51.100.7 "])
def test_sign_ins_are_found_by_address(typed: str, admin: Client, owner: User) -> None:
    SignIn.objects.create(outcome="refused", reason="too_dark", address="198.51.100.7")
    SignIn.objects.create(outcome="refused", reason="blurred", address="198.51.100.70")
    page = admin.get(reverse("admin:faceauth_signin_changelist"), {"q": typed})
    assert [sign_in.reason for sign_in in page.context["cl"].result_list] == ["too_dark"]


def test_sign_ins_are_found_by_face_id_and_name(admin: Client, hopper: User, owner: User) -> None:
    mine = SignIn.objects.create(outcome="recognised", user=hopper)
    SignIn.objects.create(outcome="recognised", user=owner)
    for typed in (str(Face.objects.get().face_id), hopper.username[:12]):
        page = admin.get(reverse("admin:faceauth_signin_changelist"), {"q": typed})
        assert list(page.context["cl"].result_list) == [mine]
    assert not admin.get(reverse("admin:faceauth_signin_changelist"), {"q": "nobody"}).context["cl"].result_list

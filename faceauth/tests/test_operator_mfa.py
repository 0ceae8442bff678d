"""The operators' second factor at /admin/, and the limit for each account."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Passkey
from faceauth.tests.authenticator import Authenticator, options_in
from faceauth.tests.mfa_cast import code_of, with_app

PASSWORD = "one two three four"
SECOND = "/admin/second-factor/"
SIGN_INS = "/admin/faceauth/signin/"


@pytest.fixture
def account(operator: User) -> User:
    operator.set_password(PASSWORD)
    operator.save()
    return operator


@pytest.fixture
def required(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "OPERATOR_MFA": True}


def log_in(
    client: Client, password: str = PASSWORD, to: str = "/admin/", username: str = "operator", **more: str
) -> str:
    """Where the answer leads in the end, for whoever gives this password."""
    sent = {"username": username, "password": password, "next": to}
    answer = client.post("/admin/login/", sent, follow=True, **more)  # type: ignore[arg-type]
    return str(answer.request["PATH_INFO"])


def codes_in(page: str) -> list[str]:
    return re.findall(r"<code>([0-9a-z-]{19})</code>", page)


def test_without_the_setting_a_password_is_enough(account: User) -> None:
    client = Client()
    assert log_in(client) == "/admin/"
    assert client.get(SECOND)["Location"] == "/admin/"


def test_nothing_is_reached_by_a_password_alone(required: None, account: User) -> None:
    client = Client()
    assert log_in(client) == SECOND
    for path in ("/admin/", SIGN_INS, "/admin/auth/user/", "/admin/faceauth/signin/export/", "/admin/password_change/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/"), path
        assert 'id="dashboard"' not in client.get(path, follow=True).content.decode()


def test_an_app_is_set_up_at_the_first_visit(required: None, account: User) -> None:
    client = Client()
    assert log_in(client, to=SIGN_INS) == SECOND
    page = client.get(SECOND, {"next": SIGN_INS}).content.decode()
    assert "Operators need a second factor" in page
    app = AuthenticatorApp.objects.get(user=account, confirmed=False)
    wrong = client.post(SECOND, {"code": "000000" if code_of(app) != "000000" else "000001"})
    assert wrong.status_code == 422
    assert not authenticators.has_mfa(account)
    AuthenticatorApp.objects.filter(pk=app.pk).update(throttling_failure_count=0, throttling_failure_timestamp=None)
    done = client.post(SECOND, {"code": code_of(app), "next": SIGN_INS}).content.decode()
    assert len(codes_in(done)) == 10
    assert f'href="{SIGN_INS}"' in done
    assert client.get(SIGN_INS).status_code == 200


def test_a_passkey_is_set_up_at_the_first_visit(required: None, account: User) -> None:
    client = Client()
    log_in(client)
    device = Authenticator()
    answer = device.make(options_in(client.get(SECOND)))
    assert len(codes_in(client.post(SECOND, {"credential": answer}).content.decode())) == 10
    assert Passkey.objects.get().user == account
    assert client.get("/admin/").status_code == 200
    other = Client()
    assert log_in(other) == SECOND
    given = device.use(options_in(other.get(SECOND)))
    assert other.post(SECOND, {"credential": given, "next": SIGN_INS})["Location"] == SIGN_INS
    assert other.get(SIGN_INS).status_code == 200


def test_a_code_of_the_app_or_a_recovery_code(required: None, account: User) -> None:
    app = with_app(account)
    recovery = authenticators.make_recovery_codes(account)[0]
    for code in (code_of(app), recovery):
        client = Client()
        assert log_in(client) == SECOND
        assert client.post(SECOND, {"code": code})["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200
        again = Client()
        log_in(again)
        assert again.post(SECOND, {"code": code}).status_code == 422  # each works once
        AuthenticatorApp.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def test_nobody_sets_up_another_one_beside_it(required: None, account: User) -> None:
    """Or a password alone would be enough to add a second factor of one's own."""
    with_app(account)
    client = Client()
    log_in(client)
    assert "Operators need" not in client.get(SECOND).content.decode()
    answer = Authenticator().make(options_in(setup_page_of_another()))
    assert client.post(SECOND, {"credential": answer}).status_code == 422
    assert not Passkey.objects.filter(user=account).exists()


def setup_page_of_another() -> object:
    """The setup page of another operator, whose options were made for them."""
    User.objects.create_superuser("other", password=PASSWORD)
    client = Client()
    log_in(client, username="other")
    return client.get(SECOND)


def test_it_is_asked_for_at_every_sign_in(required: None, account: User) -> None:
    app = with_app(account)
    client = Client()
    log_in(client)
    client.post(SECOND, {"code": code_of(app)})
    assert client.post("/admin/logout/").status_code == 302
    assert log_in(client) == SECOND


def test_the_second_factor_of_another_operator_counts_for_nothing(required: None, account: User) -> None:
    other = User.objects.create_superuser("other", password=PASSWORD)
    app = with_app(other)
    client = Client()
    log_in(client, username="other")
    client.post(SECOND, {"code": code_of(app)})
    assert client.get("/admin/").status_code == 200
    assert log_in(client) == SECOND


def test_people_reach_no_page_of_it(required: None, owner: User) -> None:
    client = Client()
    client.force_login(owner, backend="faceauth.backends.FaceBackend")
    assert client.get(SECOND)["Location"] == "/admin/"
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert Client().get(SECOND)["Location"] == "/admin/"


def test_it_leads_to_no_other_site(required: None, account: User) -> None:
    app = with_app(account)
    client = Client()
    log_in(client)
    assert client.post(SECOND, {"code": code_of(app), "next": "https://example.org/"})["Location"] == "/admin/"


# Failures of one account ----------------------------------------------------------------------------------------------


@pytest.fixture
def three(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "OPERATOR_FAILURES": "3/h"}


def test_failures_count_for_the_account_from_all_addresses(three: None, account: User) -> None:
    for number in range(3):
        assert log_in(Client(), "wrong", REMOTE_ADDR=f"198.51.100.{number}") == "/admin/login/"
    client = Client()
    assert log_in(client, REMOTE_ADDR="198.51.100.9") == "/admin/login/"
    page = client.post("/admin/login/", {"username": "OPERATOR", "password": PASSWORD}).content.decode()
    assert "too many failed attempts" in page


def test_another_account_is_not_affected(three: None, account: User) -> None:
    User.objects.create_superuser("other", password=PASSWORD)
    for _ in range(4):
        log_in(Client(), "wrong")
    assert log_in(Client(), username="other") == "/admin/"


def test_right_passwords_count_for_nothing(three: None, account: User) -> None:
    for _ in range(5):
        assert log_in(Client()) == "/admin/"


def test_wrong_codes_count_too(three: None, required: None, account: User) -> None:
    with_app(account)
    recovery = authenticators.make_recovery_codes(account)[0]
    client = Client()
    log_in(client)
    for _ in range(3):
        assert client.post(SECOND, {"code": "0000-0000-0000-0000"}).status_code == 422
    answer = client.post(SECOND, {"code": recovery})
    assert answer.status_code == 422
    assert "too many failed attempts" in answer.content.decode()

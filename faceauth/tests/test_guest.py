"""faceauth in a site whose accounts are its own: what goes with a face, what stays, and what other code hears of it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from faceauth import signals
from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Consent, Face, PhotoLogin, SignIn
from faceauth.privacy import forget
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.web.http import MFA_SETTLED
from faceauth.web.reauthentication import SIGNED_IN

PASSWORD = "open sesame 1"


@pytest.fixture
def ann(db: None, collection: Collection, settings: Any) -> User:
    """Somebody with an account and a password, whose site keeps accounts."""
    settings.FACEAUTH = {**settings.FACEAUTH, "FORGET_ACCOUNT": "made", "ENROLMENT": "closed"}
    return User.objects.create_user("ann", password=PASSWORD)


@pytest.fixture
def browser(ann: User) -> Client:
    client = Client()
    assert client.login(username="ann", password=PASSWORD)
    return client


def add_face(client: Client, **fields: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    photo = SimpleUploadedFile("me.jpg", pictures.hopper(), "image/jpeg")
    return client.post(reverse("faceauth:faces"), {"file": photo, **fields}, headers={"Accept": "application/json"})


def test_a_first_face_needs_consent_which_is_kept_and_withdrawn(ann: User, browser: Client) -> None:
    assert add_face(browser).json()["reason"] == "consent_required"
    assert Face.objects.count() == 0
    assert add_face(browser, consent="yes").json()["outcome"] == "enrolled"
    assert Consent.objects.get().withdrawn is None
    forget.withdraw(ann)
    assert Consent.objects.get().withdrawn is not None
    assert Face.objects.count() == PhotoLogin.objects.count() == SignIn.objects.filter(user=ann).count() == 0
    assert User.objects.get().check_password(PASSWORD)


def test_a_first_face_needs_a_sign_in_of_just_now(browser: Client) -> None:
    session = browser.session
    session[SIGNED_IN] = 0
    session.save()
    refused = add_face(browser, consent="yes")
    assert (refused.status_code, refused.json()["reason"]) == (403, "password_required")
    assert browser.post(reverse("faceauth:password"), {"password": "wrong"}).status_code == 422
    browser.post(reverse("faceauth:password"), {"password": PASSWORD})
    assert add_face(browser, consent="yes").json()["outcome"] == "enrolled"


@pytest.mark.parametrize(("policy", "deleted"), [("made", False), ("never", False), ("always", True)])
def test_forgetting_an_account_that_was_here_before(policy: str, deleted: bool, ann: User, settings: Any) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "FORGET_ACCOUNT": policy}
    assert forget.deletes_account(ann) is deleted
    forget.forget(ann)
    assert User.objects.exists() is not deleted


def test_an_account_that_an_enrolment_made_goes_until_it_has_a_password(hopper: User, settings: Any) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "FORGET_ACCOUNT": "made"}
    assert forget.deletes_account(hopper)
    assert not forget.can_withdraw(hopper)
    hopper.set_password(PASSWORD)
    assert not forget.deletes_account(hopper)
    assert forget.can_withdraw(hopper)


def test_a_password_alone_opens_nothing_to_who_has_a_second_factor(ann: User) -> None:
    app = authenticators.app_to_confirm(ann, None)
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=True)
    codes = authenticators.make_recovery_codes(ann)
    client = Client()
    client.login(username="ann", password=PASSWORD)
    page = reverse("faceauth:account")
    assert client.get(page).headers["Location"].startswith(reverse("faceauth:second_factor"))
    assert client.post(reverse("faceauth:second_factor"), {"code": codes[0]}).status_code == 302
    assert client.session[MFA_SETTLED] == str(ann.pk)
    assert client.get(page).status_code == 200


def test_signals_tell_no_picture_and_no_request(
    ann: User, browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    listeners = []
    for name in ("enrolled", "recognised", "refused", "forgotten"):

        def listen(sender: Any, signal: Any, name: str = name, **given: Any) -> None:
            heard.append((name, given))

        listeners.append(listen)
        getattr(signals, name).connect(listen)
    add_face(browser, consent="yes")
    stranger = Client()
    with read(pictures.collins()) as photo:
        from django.core.files.uploadedfile import SimpleUploadedFile

        stranger.post(reverse("faceauth:login"), {"file": SimpleUploadedFile("x.jpg", photo.jpeg, "image/jpeg")})
    with django_capture_on_commit_callbacks(execute=True):
        forget.withdraw(ann)
    assert [name for name, _ in heard] == ["enrolled", "refused", "forgotten"]
    assert [sorted(given) for _, given in heard] == [
        ["new", "user"],
        ["method", "reason"],
        ["account_deleted", "user_pk"],
    ]

"""A yes on a trusted device lets a new one in: once, in time, for the session that asked."""

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone

from faceauth.mfa import device_approvals, trusted_devices
from faceauth.models import DeviceApproval, SignIn
from faceauth.outcomes import Outcome
from faceauth.tests.device_cast import enrolled
from faceauth.tests.mfa_cast import with_app
from faceauth.tests.test_trusted_devices_web import after_liveness, trust
from faceauth.web import pending_login

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(owner: User) -> User:
    return enrolled(owner)


@pytest.fixture
def ben(stranger: User) -> User:
    return enrolled(stranger)


@pytest.fixture
def old(ada: User) -> Client:
    """Ada's trusted device, with her notebook open."""
    with_app(ada)
    client = after_liveness(ada)
    trust(client)
    return client


def waiting(user: User) -> Client:
    """A new browser whose person passed the liveness check and lacks the second factor."""
    client = Client()
    row = SignIn.objects.create(user=user, outcome=Outcome.REFUSED, reason="mfa_required", method="liveness")
    request = RequestFactory().get("/login/")
    session = request.session = client.session
    pending_login.begin(request, user, row)
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    return client


def asks(client: Client) -> int:
    assert client.post("/login/device/approval/").status_code == 200
    return DeviceApproval.objects.get().number


def state(client: Client) -> str:
    return str(client.get("/login/device/approval/", headers={"Accept": "application/json"}).json()["state"])


def test_a_yes_on_the_old_device_lets_the_new_one_in(ada: User, old: Client) -> None:
    new = waiting(ada)
    assert state(new) == "over"
    number = asks(new)
    assert str(number) in new.get("/login/device/approval/").content.decode()
    page = old.get("/account/").content.decode()
    assert page.count('name="number"') == 4
    assert f'value="{number}"' in page
    new.post("/login/device/approval/")
    assert "_auth_user_id" not in new.session
    old.post("/account/devices/approve/", {"number": number})
    assert state(new) == "approved"
    assert new.post("/login/device/approval/").status_code == 302
    assert new.session["_auth_user_id"] == str(ada.pk)
    assert not DeviceApproval.objects.exists()


def test_the_choices_stay_when_the_page_is_loaded_again(ada: User, old: Client) -> None:
    asks(waiting(ada))
    old.get("/account/")
    first = old.session[device_approvals.SHOWN]
    old.get("/account/")
    assert old.session[device_approvals.SHOWN] == first
    assert len(set(first["choices"])) == 3


@pytest.mark.parametrize("wrong", ["other", "", "x", "٤٢", "100", "-1"])
def test_a_wrong_choice_or_none_ends_the_request(ada: User, old: Client, wrong: str) -> None:
    new = waiting(ada)
    number = asks(new)
    old.get("/account/")
    if wrong == "other":
        wrong = str(next(it for it in old.session[device_approvals.SHOWN]["choices"] if it != number))
    old.post("/account/devices/approve/", {"number": wrong})
    assert not DeviceApproval.objects.exists()
    assert state(new) == "over"
    old.post("/account/devices/approve/", {"number": number})
    new.post("/login/device/approval/")
    assert "_auth_user_id" not in new.session


def test_two_minutes_and_it_is_over(ada: User, old: Client) -> None:
    new = waiting(ada)
    number = asks(new)
    old.get("/account/")
    DeviceApproval.objects.update(expires=timezone.now())
    old.post("/account/devices/approve/", {"number": number})
    assert state(new) == "over"
    assert device_approvals.WAITS_FOR.total_seconds() == 120


def test_a_yes_that_is_fetched_too_late_is_worth_nothing(ada: User, old: Client) -> None:
    new = waiting(ada)
    number = asks(new)
    old.get("/account/")
    old.post("/account/devices/approve/", {"number": number})
    DeviceApproval.objects.update(expires=timezone.now())
    new.post("/login/device/approval/")
    assert "_auth_user_id" not in new.session


def test_the_yes_is_for_the_session_that_asked(ada: User, old: Client) -> None:
    new, thief = waiting(ada), waiting(ada)
    number = asks(new)
    old.get("/account/")
    old.post("/account/devices/approve/", {"number": number})
    assert state(thief) == "over"
    thief.post("/login/device/approval/")
    assert "_auth_user_id" not in thief.session


def test_only_who_was_shown_the_question_may_answer(ada: User, old: Client) -> None:
    number = asks(waiting(ada))
    old.post("/account/devices/approve/", {"number": number})
    assert DeviceApproval.objects.get().approved_by is None


def test_a_newer_request_is_not_answered_by_the_question_of_the_older(ada: User, old: Client) -> None:
    """Somebody else asks between the look at the page and the choice."""
    asks(waiting(ada))
    old.get("/account/")
    number = asks(waiting(ada))
    old.post("/account/devices/approve/", {"number": number})
    assert DeviceApproval.objects.get().approved_by is None


def test_a_device_that_is_not_trusted_says_no_yes(ada: User, ben: User, old: Client) -> None:
    number = asks(waiting(ada))
    for client in (after_liveness(ada), after_liveness(ben)):
        assert "number" not in client.get("/account/").content.decode()
        client.post("/account/devices/approve/", {"number": number})
    assert DeviceApproval.objects.get().approved_by is None


def test_the_yes_goes_with_the_trust_of_who_gave_it(ada: User, old: Client) -> None:
    new = waiting(ada)
    number = asks(new)
    old.get("/account/")
    old.post("/account/devices/approve/", {"number": number})
    trusted_devices.end_all(ada)
    assert new.post("/login/device/approval/").status_code == 404
    assert "_auth_user_id" not in new.session
    assert not DeviceApproval.objects.exists()


def test_nobody_asks_without_a_face_or_without_a_device(ada: User) -> None:
    assert Client().get("/login/device/approval/").status_code == 302
    with_app(ada)
    assert waiting(ada).post("/login/device/approval/").status_code == 404

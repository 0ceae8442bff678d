"""How much is asked on a trusted device: the person chooses, and the policy has the last word."""

import time

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from faceauth.liveness.requests import Kind
from faceauth.mfa import trusted_devices
from faceauth.models import PhotoLogin
from faceauth.policy import photo_logins, quick_checks
from faceauth.tests.device_cast import enrolled
from faceauth.tests.mfa_cast import open_notebook
from faceauth.web.http import FACE_VERIFIED, LIVENESS_VERIFIED

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(owner: User, settings: Settings) -> User:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "fallback"}
    return enrolled(owner)


@pytest.fixture
def ben(stranger: User) -> User:
    return enrolled(stranger)


def device_of(*people: User) -> HttpRequest:
    """A request of a browser that all of them trust, by its cookie alone."""
    request = RequestFactory().get("/login/")
    request.session = Client().session
    for user in people:
        request.COOKIES[trusted_devices.cookie_name(request)] = trusted_devices.trust(request, user, "computer")
    return request


def test_one_movement_unless_somebody_chose(ada: User) -> None:
    assert quick_checks.kind_on(device_of(ada)) == Kind.SINGLE
    quick_checks.choose(ada, Kind.GLANCE)
    assert quick_checks.kind_on(device_of(ada)) == Kind.GLANCE
    assert quick_checks.kind_on(device_of()) == Kind.FULL


def test_a_shared_device_asks_for_the_most_that_one_of_its_people_wants(ada: User, ben: User) -> None:
    quick_checks.choose(ada, Kind.GLANCE)
    assert quick_checks.kind_on(device_of(ada, ben)) == Kind.SINGLE
    quick_checks.choose(ben, Kind.FULL)
    assert quick_checks.kind_on(device_of(ada, ben)) == Kind.FULL


def test_a_glance_is_not_enough_where_a_photo_is_not(ada: User, settings: Settings) -> None:
    quick_checks.choose(ada, Kind.GLANCE)
    photo_logins.choose(ada, photo_logins.Choice.NEVER)
    assert quick_checks.kind_on(device_of(ada)) == Kind.SINGLE
    photo_logins.choose(ada, photo_logins.Choice.OPEN)
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "never"}
    assert quick_checks.kind_on(device_of(ada)) == Kind.SINGLE


@pytest.mark.parametrize(
    ("chosen", "enough"),
    [
        (Kind.GLANCE, {Kind.GLANCE, Kind.SINGLE, Kind.FULL}),
        (Kind.SINGLE, {Kind.SINGLE, Kind.FULL}),
        (Kind.FULL, {Kind.FULL}),
    ],
)
def test_a_check_that_asked_for_less_than_its_device_opens_nothing(ada: User, chosen: Kind, enough: set[Kind]) -> None:
    """Another cookie may be there when it ends than when it began."""
    quick_checks.choose(ada, chosen)
    request = device_of(ada)
    assert {kind for kind in Kind if quick_checks.is_enough(kind, request)} == enough
    assert [kind for kind in Kind if quick_checks.is_enough(kind, device_of())] == [Kind.FULL]


# The page -------------------------------------------------------------------------------------------------------------


def settings_of(user: User, **proofs: float) -> Client:
    client = open_notebook(user)
    device_of(user)
    session = client.session
    session.update({LIVENESS_VERIFIED: time.time(), FACE_VERIFIED: time.time()} | proofs)
    session.save()
    return client


def chosen(user: User) -> str:
    return PhotoLogin.objects.get(user=user).device_check


def test_the_person_chooses_in_their_settings(ada: User) -> None:
    client = settings_of(ada)
    assert 'value="single" checked' in client.get("/account/").content.decode()
    for kind in ("glance", "full", "single"):
        assert client.post("/account/devices/check/", {"check": kind})["Location"] == "/account/#devices"
        assert chosen(ada) == kind
    client.post("/account/devices/check/", {"check": "none at all"})
    assert chosen(ada) == "single"


def test_what_the_policy_forbids_is_not_offered_and_not_taken(ada: User) -> None:
    photo_logins.choose(ada, photo_logins.Choice.NEVER)
    client = settings_of(ada)
    assert 'value="glance"' not in client.get("/account/").content.decode()
    client.post("/account/devices/check/", {"check": "glance"})
    assert chosen(ada) == "single"


def test_it_takes_a_fresh_proof(ada: User) -> None:
    old = time.time() - 301
    client = settings_of(ada, **{LIVENESS_VERIFIED: old, FACE_VERIFIED: old})
    assert client.post("/account/devices/check/", {"check": "glance"})["Location"].startswith("/reauthenticate/")
    assert not PhotoLogin.objects.filter(device_check="glance").exists()
    assert Client().post("/account/devices/check/", {"check": "glance"})["Location"].startswith("/login/")

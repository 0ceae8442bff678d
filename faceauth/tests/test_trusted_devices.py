"""Whom a browser knows, what it must show for that, and what ends it."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from conftest import person
from faceauth.mfa import trusted_devices
from faceauth.models import Face, TrustedDevice
from faceauth.privacy import forget as forgetting
from faceauth.rekognition.collection import Collection
from faceauth.tests.device_cast import Browser, enrolled, keyed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(owner: User) -> User:
    return enrolled(owner)


@pytest.fixture
def ben(stranger: User) -> User:
    return enrolled(stranger)


def later(user: User, **ago: float) -> None:
    TrustedDevice.objects.filter(user=user).update(last_used=timezone.now() - timedelta(**ago))


# Whom it knows --------------------------------------------------------------------------------------------------------


def test_a_new_browser_knows_nobody(ada: User) -> None:
    assert Browser().people() == []
    assert not trusted_devices.is_trusted(Browser().request(), ada)


def test_a_browser_with_a_key_knows_its_person_after_a_signature(ada: User, ben: User) -> None:
    browser = keyed()
    browser.trust(ada)
    browser.closed()
    assert browser.people() == []
    assert trusted_devices.asks_for_proof(browser.request())
    assert browser.prove()
    assert browser.people() == [ada]
    assert trusted_devices.is_trusted(browser.request(), ada)
    assert not trusted_devices.is_trusted(browser.request(), ben)
    assert not trusted_devices.asks_for_proof(browser.request())
    assert trusted_devices.people_of(browser.request())[0].keyed


def test_a_browser_without_web_cryptography_has_the_cookie_alone_and_is_told_apart(ada: User) -> None:
    browser = Browser()
    browser.trust(ada)
    (known,) = trusted_devices.people_of(browser.closed().request())
    assert (known.user, known.keyed) == (ada, False)
    assert not trusted_devices.asks_for_proof(browser.request())


def test_people_share_a_browser(ada: User, ben: User) -> None:
    browser = keyed()
    browser.trust(ada)
    browser.trust(ben)
    browser.closed().prove()
    assert browser.people() == [ben, ada]
    trusted_devices.used(browser.request(), ada)
    assert browser.people() == [ada, ben]


def test_the_second_person_without_a_script_keeps_the_key_that_the_browser_has_shown(ada: User, ben: User) -> None:
    browser = keyed()
    browser.trust(ada)
    browser.closed().prove()
    key, browser.key = browser.key, None
    browser.trust(ben)
    assert browser.closed().people() == []
    browser.key = key
    browser.prove()
    assert set(browser.people()) == {ada, ben}


def test_five_people_of_a_browser_are_compared(db: None) -> None:
    browser = keyed()
    people = [enrolled(person()) for _ in range(6)]
    for user in people:
        browser.trust(user)
    assert browser.people() == people[:0:-1]
    assert trusted_devices.is_trusted(browser.request(), people[0])


def test_of_eleven_devices_the_one_unused_for_longest_goes(ada: User) -> None:
    browsers = [Browser() for _ in range(11)]
    for browser in browsers[:10]:
        browser.trust(ada)
    trusted_devices.used(browsers[0].request(), ada)
    browsers[10].trust(ada)
    assert TrustedDevice.objects.filter(user=ada).count() == 10
    assert [browser.people() for browser in browsers[:3]] == [[ada], [], [ada]]


# The cookie -----------------------------------------------------------------------------------------------------------


def test_the_cookie_over_https(ada: User) -> None:
    morsel = Browser().trust(ada).cookies["__Host-device_token"]
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Strict")
    assert (morsel["path"], morsel["domain"]) == ("/", "")
    assert len(trusted_devices.decoded(morsel.value, 32) or b"") * 8 == 256


def test_the_cookie_without_https_has_a_name_that_browsers_take(ada: User) -> None:
    request = Browser().request(secure=False)
    assert trusted_devices.cookie_name(request) == "device_token"


def test_over_https_a_cookie_of_the_plain_name_is_nobody(ada: User) -> None:
    browser = Browser()
    browser.trust(ada)
    browser.cookies = {"device_token": browser.cookies["__Host-device_token"]}
    assert browser.people() == []


def test_a_rotated_encryption_key_still_reads_and_use_moves_to_the_one_that_writes(
    ada: User, settings: Settings
) -> None:
    browser = Browser()
    browser.trust(ada)
    old, new = settings.FACEAUTH["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new, *old]}
    assert browser.people() == [ada]
    trusted_devices.used(browser.request(), ada)
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": [new]}
    assert browser.people() == [ada]
    settings.FACEAUTH = {**settings.FACEAUTH, "ENCRYPTION_KEYS": old}
    assert browser.people() == []


# What ends it ---------------------------------------------------------------------------------------------------------


def test_ninety_days_without_use_end_it(ada: User, settings: Settings) -> None:
    browser = Browser()
    browser.trust(ada)
    later(ada, days=89.9)
    assert browser.people() == [ada]
    later(ada, days=90.1)
    assert browser.people() == []
    assert list(trusted_devices.devices_of(ada)) == []
    settings.FACEAUTH = {**settings.FACEAUTH, "TRUSTED_DEVICE_DAYS": 100}
    assert browser.people() == [ada]


def test_expired_rows_are_deleted(ada: User, ben: User) -> None:
    Browser().trust(ada)
    Browser().trust(ben)
    later(ada, days=91)
    assert trusted_devices.delete_expired() == 1
    assert TrustedDevice.objects.get().user == ben


def test_use_begins_the_ninety_days_anew_for_who_came_and_nobody_else(ada: User, ben: User) -> None:
    browser = Browser()
    browser.trust(ada)
    browser.trust(ben)
    later(ada, days=80)
    later(ben, days=80)
    trusted_devices.used(browser.request(), ada)
    later_by = {row.user: timezone.now() - row.last_used for row in TrustedDevice.objects.all()}
    assert later_by[ada] < timedelta(minutes=1)
    assert later_by[ben] > timedelta(days=79)


def test_one_device_ends_and_only_by_its_person(ada: User, ben: User) -> None:
    first, second = Browser(), Browser()
    first.trust(ada)
    second.trust(ada)
    row = trusted_devices.device_of(first.request(), ada)
    assert row is not None
    assert not trusted_devices.end(ben, row.pk)
    assert trusted_devices.end(ada, row.pk)
    assert (first.people(), second.people()) == ([], [ada])


def test_all_devices_of_one_person_end(ada: User, ben: User) -> None:
    first, second = keyed(), Browser()
    first.trust(ada)
    first.trust(ben)
    second.trust(ada)
    assert trusted_devices.end_all(ada) == 2
    assert (first.people(), second.people()) == ([ben], [])


def test_the_last_face_takes_the_devices_with_it_and_the_last_but_one_does_not(ada: User) -> None:
    browser = Browser()
    enrolled(ada)
    browser.trust(ada)
    first, last = Face.objects.filter(user=ada)
    first.delete()
    assert browser.people() == [ada]
    last.delete()
    assert browser.people() == []
    enrolled(ada)
    assert browser.people() == []


def test_who_is_forgotten_leaves_nothing(collection: Collection, hopper: User) -> None:
    browser = Browser()
    browser.trust(hopper)
    forgetting.forget(hopper)
    assert browser.people() == []
    assert not TrustedDevice.objects.exists()


def test_who_is_deactivated_is_nobody(ada: User) -> None:
    browser = Browser()
    browser.trust(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert browser.people() == []


def test_a_face_that_went_past_the_signals_ends_it_too(ada: User) -> None:
    browser = Browser()
    browser.trust(ada)
    Face.objects.filter(user=ada)._raw_delete(using="default")
    assert browser.people() == []

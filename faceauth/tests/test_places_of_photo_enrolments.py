"""Photos from the web take up no places: they neither close the enrolment nor shut anybody out."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from faceauth.enrolment.enrol import enrol
from faceauth.models import PhotoLogin
from faceauth.outcomes import Outcome
from faceauth.policy import capacity, photo_logins, population, thresholds
from faceauth.privacy.forget import expired
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.test_capacity import lock_up, some


@pytest.fixture
def small(settings: Settings) -> None:
    """Odds at which two people are let in by their face alone, and three are not."""
    settings.FACEAUTH = {**settings.FACEAUTH, "TARGET_FPIR": 6e-7}


def by_photo(count: int) -> list[User]:
    """People whom a photo enrolled, and who have not come back."""
    users = some(count)
    PhotoLogin.objects.filter(user__in=users).delete()
    for user in users:
        photo_logins.note_enrolled(user, live=False)
    population.forget()
    return users


def come_back(user: User, method: str = "file") -> None:
    photo_logins.note_signed_in(user, method)


@pytest.mark.usefixtures("small")
def test_however_many_photos_the_enrolment_stays_open_and_nobody_is_shut_out(collection: Collection) -> None:
    here = enrol(read(pictures.hopper()), method="liveness").user
    by_photo(30)
    again = recognise(read(pictures.hopper()))
    assert (again.outcome, again.user, again.needs_mfa) == (Outcome.RECOGNISED, here, False)
    assert not capacity.full(anew=True)
    assert enrol(read(pictures.collins()), method="liveness").outcome == Outcome.ENROLLED
    assert not capacity.mfa_required()
    assert capacity.full(anew=True)  # those two fill it


@pytest.mark.usefixtures("small")
def test_the_threshold_still_minds_all_of_them(db: None) -> None:
    some(1)
    alone = thresholds.current().threshold
    by_photo(2)
    assert thresholds.current().threshold > alone


@pytest.mark.usefixtures("small")
def test_who_comes_back_takes_a_place_while_one_is_free(db: None) -> None:
    first, second, third = by_photo(3)
    for user in (first, second):
        come_back(user)
    assert population.placed().people == 2
    for method in ("file", "liveness"):
        come_back(third, method)
    assert population.placed().people == 2  # or all three would need a second factor
    assert not capacity.mfa_required()
    for user in (first, second, third):
        lock_up(user)
    come_back(third)
    assert population.placed().people == 3


@pytest.mark.usefixtures("small")
def test_without_a_second_factor_of_their_own_nobody_takes_the_place_that_needs_one(db: None) -> None:
    for user in some(2):
        lock_up(user)
    [late] = by_photo(1)
    come_back(late)
    assert not capacity.mfa_required()


def test_who_came_back_without_a_place_is_not_forgotten_as_one_who_did_not(db: None, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "TARGET_FPIR": 6e-7}
    some(2)
    late, gone = by_photo(2)
    come_back(late)
    User.objects.update(last_login=timezone.now() - timedelta(days=15))
    assert list(expired(1095)) == [gone]


def test_those_of_before_who_never_came_back_free_their_places(owner: User, stranger: User) -> None:
    migration: Any = import_module("faceauth.migrations.0020_places_of_photo_enrolments")
    photo_logins.note_enrolled(owner, live=False)
    photo_logins.note_enrolled(stranger, live=False)
    PhotoLogin.objects.update(counted=True)
    PhotoLogin.objects.filter(user=stranger).update(returned=True)
    migration.free_places(apps, SimpleNamespace(connection=connection))
    assert dict(PhotoLogin.objects.values_list("user", "counted")) == {owner.pk: False, stranger.pk: True}

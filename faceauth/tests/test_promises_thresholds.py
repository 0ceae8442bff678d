"""What is promised of the odds: pictures of several occasions make a stranger's match likelier, and that counts."""

import uuid

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from faceauth.models import Face
from faceauth.policy import capacity
from faceauth.policy.false_matches import as_words
from faceauth.policy.thresholds import requirement


def test_the_threshold_rises_with_the_occasions_of_the_same_people() -> None:
    thresholds = [requirement(10, occasions=occasions).threshold for occasions in (10, 13, 16, 20)]
    assert thresholds == sorted(set(thresholds))


def test_a_fixed_threshold_is_worth_less_with_more_occasions(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "THRESHOLD": 95}
    assert requirement(3, occasions=6).odds > 1.3 * requirement(3, occasions=3).odds
    assert not requirement(3, occasions=6).lock  # who fixes the threshold decides against it


@pytest.mark.parametrize(("value", "text"), [(0.0001, "1 in 10,000"), (0.5, "1 in 2"), (0.0, "none")])
def test_odds_in_words(value: float, text: str) -> None:
    assert as_words(value) == text


def test_each_collection_is_judged_by_its_own_people(db: None) -> None:
    """Where another collection is full, this one is not; both have people without a second factor."""
    for number, collection_id in [(1, "secretly"), *((number, "another") for number in range(2, 402))]:
        user = User.objects.create_user(str(uuid.uuid4()))
        Face.objects.create(
            user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id=collection_id, person=str(number)
        )
    here, there = capacity.current_capacity(), capacity.current_capacity("another")
    assert (here.people, here.full, here.shut_out) == (1, False, False)
    assert (there.people, there.full, there.shut_out, there.without_mfa) == (400, True, True, 400)

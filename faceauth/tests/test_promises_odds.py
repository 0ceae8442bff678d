"""What is promised of the odds: each further picture of a person makes a stranger's match likelier, and that counts."""

import uuid

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from faceauth.models import Face
from faceauth.policy import capacity
from faceauth.policy.thresholds import FLOOR, Population, as_words, fmr_of, requirement


def test_every_further_face_counts_as_one_and_three_quarter_people() -> None:
    """Of 100 people with two faces each a stranger resembles one as likely as of 275 with one (docs/odds.md)."""
    for threshold in (90.0, 95.0, 98.0):
        one = fmr_of(threshold, Population(100, 100), 1) - FLOOR
        two = fmr_of(threshold, Population(100, 200), 1) - FLOOR
        ten = fmr_of(threshold, Population(100, 1000), 1) - FLOOR
        assert two == pytest.approx(2.75 * one)
        assert ten == pytest.approx(16.75 * one)


def test_the_threshold_rises_with_the_faces_of_the_same_people() -> None:
    thresholds = [requirement(10, faces=faces).threshold for faces in (10, 20, 50, 100)]
    assert thresholds == sorted(set(thresholds))


def test_a_fixed_threshold_is_worth_less_with_more_faces(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "THRESHOLD": 95}
    assert requirement(3, faces=30).odds > 10 * requirement(3, faces=3).odds
    assert not requirement(3, faces=30).lock  # who fixes the threshold decides against it


@pytest.mark.parametrize(("frames", "share"), [(1, 1.0), (2, 0.7), (3, 0.6)])
def test_frames_together_let_in_fewer(frames: int, share: float) -> None:
    """As measured: of the strangers who match on one frame 70 % do on the mean of two, 60 % on that of three."""
    here = Population(100, 100)
    one, together = (fmr_of(95.0, here, count) - FLOOR for count in (1, frames))
    assert together == pytest.approx(share * one)


@pytest.mark.parametrize(("value", "text"), [(0.0001, "1 in 10,000"), (0.5, "1 in 2"), (0.0, "none")])
def test_odds_in_words(value: float, text: str) -> None:
    assert as_words(value) == text


def test_each_collection_is_judged_by_its_own_people(db: None) -> None:
    """Where another collection is full, this one is not; both have people without a second factor."""
    for number, collection_id in [(1, "secretly"), *((number, "another") for number in range(2, 60))]:
        user = User.objects.create_user(str(uuid.uuid4()))
        Face.objects.create(
            user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id=collection_id, person=str(number)
        )
    here, there = capacity.current_capacity(), capacity.current_capacity("another")
    assert (here.people, here.full, here.shut_out) == (1, False, False)
    assert (there.people, there.full, there.shut_out, there.without_mfa) == (58, True, True, 58)

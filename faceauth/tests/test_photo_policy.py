"""What a photo may do: PHOTOS="fallback", and a liveness check that outranks a photo."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from faceauth.liveness.requests import Kind
from faceauth.liveness.sessions import Passed
from faceauth.mfa import authenticators, trusted_devices
from faceauth.models import Face, PhotoLogin, SignIn
from faceauth.outcomes import Outcome, Recognition
from faceauth.policy import photo_logins, quick_checks, thresholds
from faceauth.privacy.forget import expired
from faceauth.recognition.matching import Evidence, decide
from faceauth.rekognition.collection import Collection, Match
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.mfa_cast import with_app
from faceauth.tests.sign_in import JSON, answer_consent, sealed_in, send_photo, signed_in

pytestmark = pytest.mark.django_db

Live = Callable[..., Any]


@pytest.fixture(autouse=True)
def fallback(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "fallback"}


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """Come by a liveness check that was passed: its frames are these pictures."""

    def come(client: Client, *faces: bytes, headers: Any = None, kind: Kind = Kind.FULL) -> Any:
        passed = Passed([read(face) for face in faces], kind)
        monkeypatch.setattr("faceauth.liveness.sessions.redeem", lambda *args: passed)
        frames = [SimpleUploadedFile("frame.jpg", face, "image/jpeg") for face in faces]
        return client.post("/login/", {"frame": frames}, headers=headers)

    return come


def enrolled_by_photo(face: bytes) -> User:
    client = Client()
    answer_consent(client, send_photo(client, face))
    user = signed_in(client)
    assert user is not None
    return user


def enrolled_live(live: Live, face: bytes) -> User:
    client = Client()
    answer_consent(client, live(client, face))
    user = signed_in(client)
    assert user is not None
    return user


def test_who_never_passed_a_check_comes_in_by_a_photo(collection: Collection) -> None:
    user = enrolled_by_photo(pictures.hopper())
    client = Client()
    send_photo(client, pictures.another(pictures.hopper()))
    assert signed_in(client) == user


def test_after_the_first_check_a_photo_opens_nothing_elsewhere(collection: Collection, live: Live) -> None:
    user = enrolled_live(live, pictures.hopper())
    client = Client()
    assert "May I remember you?" in send_photo(client, pictures.another(pictures.hopper())).content.decode()
    assert signed_in(client) is None
    row = SignIn.objects.order_by("-pk")[0]
    assert (row.reason, row.user) == ("liveness_required", user)


def test_with_a_second_factor_a_photo_opens(collection: Collection, live: Live) -> None:
    user = enrolled_live(live, pictures.hopper())
    with_app(user)
    assert send_photo(Client(), pictures.another(pictures.hopper()))["Location"] == "/login/second-factor/"


def test_a_photo_hears_what_a_stranger_hears_to_the_end(collection: Collection, live: Live) -> None:
    """It gets another notebook, and from then on opens that one: the owner's stays where it is."""
    owner = enrolled_live(live, pictures.hopper())
    thief = Client()
    answer = answer_consent(thief, send_photo(thief, pictures.another(pictures.hopper())), headers=JSON)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "enrolled")
    other = signed_in(thief)
    assert other not in (None, owner)
    again = Client()
    send_photo(again, pictures.another(pictures.hopper()))
    assert signed_in(again) == other


def test_that_other_notebook_never_meets_a_living_face(collection: Collection, live: Live) -> None:
    owner = enrolled_live(live, pictures.hopper())
    enrolled_by_photo(pictures.another(pictures.hopper()))
    back = Client()
    assert live(back, pictures.hopper())["Location"].endswith("/account/devices/trust/?next=%2F")
    assert signed_in(back) == owner


def test_in_open_enrolment_a_photo_learns_nothing_either(
    collection: Collection, live: Live, settings: Settings
) -> None:
    owner = enrolled_live(live, pictures.hopper())
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "open"}
    thief = Client()
    assert send_photo(thief, pictures.another(pictures.hopper()), JSON).json()["outcome"] == "enrolled"
    assert signed_in(thief) not in (None, owner)


def test_never_takes_no_photo(collection: Collection, settings: Settings) -> None:
    enrolled_by_photo(pictures.hopper())
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "never"}
    answer = send_photo(Client(), pictures.hopper(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "liveness_required")


# A liveness check outranks a photo ------------------------------------------------------------------------------------


def claim(client: Client, question: Any, answer: str) -> Any:
    return client.post("/login/claim/", {"sealed": sealed_in(question), "answer": answer})


def test_whoever_squatted_loses_the_notebook_to_the_living_face(collection: Collection, live: Live) -> None:
    squatter = Client()
    answer_consent(squatter, send_photo(squatter, pictures.hopper()))
    user = signed_in(squatter)
    assert user is not None
    with_app(user)
    photo_logins.choose(user, photo_logins.Choice.OPEN)
    before = set(Face.objects.filter(user=user).values_list("face_id", flat=True))
    owner = Client()
    question = live(owner, pictures.another(pictures.hopper()))
    assert question.status_code == 200
    assert "Is it yours?" in question.content.decode()
    assert signed_in(owner) is None
    assert claim(owner, question, "yes")["Location"].endswith("/account/devices/trust/?next=%2F")
    assert signed_in(owner) == user
    assert signed_in(squatter) is None
    assert not authenticators.has_mfa(user)
    assert not before & set(Face.objects.filter(user=user).values_list("face_id", flat=True))
    thief = Client()
    send_photo(thief, pictures.hopper())
    assert signed_in(thief) is None


def test_a_squatter_with_ten_faces_keeps_nobody_out(collection: Collection, live: Live) -> None:
    user = enrolled_by_photo(pictures.hopper())
    one = Face.objects.get(user=user)
    for number in range(9):
        one.pk = None
        one.face_id = f"00000000-0000-4000-8000-{number:012}"
        one.save()
    owner = Client()
    claim(owner, live(owner, pictures.another(pictures.hopper())), "yes")
    assert signed_in(owner) == user
    assert Face.objects.filter(user=user).count() == 1


def test_a_no_starts_a_notebook_of_ones_own(collection: Collection, live: Live) -> None:
    other = enrolled_by_photo(pictures.hopper())
    owner = Client()
    question = claim(owner, live(owner, pictures.another(pictures.hopper())), "no")
    assert "May I remember you?" in question.content.decode()
    answer_consent(owner, question)
    mine = signed_in(owner)
    assert mine not in (None, other)
    back = Client()
    live(back, pictures.another(pictures.hopper()))
    assert signed_in(back) == mine


def test_a_claim_is_asked_once(collection: Collection, live: Live) -> None:
    enrolled_by_photo(pictures.hopper())
    owner = Client()
    claim(owner, live(owner, pictures.another(pictures.hopper())), "yes")
    assert live(Client(), pictures.another(pictures.hopper()))["Location"].endswith("/account/devices/trust/?next=%2F")


def test_a_photo_claims_nothing(collection: Collection, live: Live) -> None:
    """The page's sealed photos say how they came; those of a photo are no claim."""
    user = enrolled_by_photo(pictures.hopper())
    PhotoLogin.objects.filter(user=user).update(choice="never")
    thief = Client()
    question = send_photo(thief, pictures.another(pictures.hopper()))
    claim(thief, question, "yes")
    assert signed_in(thief) is None


def test_people_of_before_are_asked_nothing(collection: Collection, live: Live) -> None:
    user = enrolled_by_photo(pictures.hopper())
    PhotoLogin.note(user.pk, enrolled_by_photo=False)
    back = Client()
    assert live(back, pictures.another(pictures.hopper()))["Location"].endswith("/account/devices/trust/?next=%2F")
    assert signed_in(back) == user
    assert photo_logins.has_passed_liveness(user)


# Limits ---------------------------------------------------------------------------------------------------------------


def test_enrolments_have_a_limit_of_their_own(collection: Collection, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENTS_PER_ADDRESS": "1/h"}
    enrolled_by_photo(pictures.hopper())
    client = Client()
    answer = answer_consent(client, send_photo(client, pictures.collins()), headers=JSON)
    assert (answer.status_code, answer.json()["outcome"]) == (429, "throttled")
    assert User.objects.count() == 1


def test_who_was_enrolled_by_a_photo_and_never_came_back_is_forgotten(collection: Collection, live: Live) -> None:
    gone, here = enrolled_by_photo(pictures.hopper()), enrolled_live(live, pictures.collins())
    User.objects.update(last_login=timezone.now() - timedelta(days=15))
    assert list(expired(1095)) == [gone]
    send_photo(Client(), pictures.another(pictures.hopper()))
    User.objects.update(last_login=timezone.now() - timedelta(days=15))
    assert list(expired(1095)) == []
    assert here != gone


# Adding faces ---------------------------------------------------------------------------------------------------------


def test_a_chosen_photo_adds_no_face_after_a_check(collection: Collection, live: Live) -> None:
    client = Client()
    answer_consent(client, live(client, pictures.hopper()))
    file = SimpleUploadedFile("me.jpg", pictures.another(pictures.hopper()), "image/jpeg")
    answer = client.post("/account/faces/", {"file": file}, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "liveness_required")
    assert Face.objects.count() == 1


# On a trusted device --------------------------------------------------------------------------------------------------


def match(user: User, similarity: float) -> Match:
    return Match("", Face.objects.filter(user=user)[0].person, similarity)


@pytest.fixture
def household(db: None) -> list[User]:
    people = [User.objects.create_user(f"person {number}") for number in range(3)]
    for number, user in enumerate(people):
        ids = {"face_id": f"00000000-0000-4000-8000-{number:012}", "image_id": f"00000000-0000-4000-9000-{number:012}"}
        Face.objects.create(user=user, collection_id="secretly", person=str(user.pk), associated=True, **ids)
    return people


@pytest.mark.parametrize(
    ("mine", "others", "opens"),
    [
        (96.0, [], True),  # under the threshold for everybody, over that of the device
        (93.0, [], False),
        (96.0, [99.9], False),  # clearly somebody else, who is here too
        (99.9, [96.0], True),
        (97.0, [97.0], False),  # cannot be told
    ],
)
def test_on_a_device_its_people_need_only_be_told_apart(
    mine: float, others: list[float], opens: bool, household: list[User]
) -> None:
    matches = [match(household[0], mine), *(match(household[1], other) for other in others)]
    needed = replace(thresholds.requirement(100_000), threshold=99.99)
    evidence = Evidence(live=True, trusted=frozenset({household[0].pk}))
    found = decide(matches, needed=needed, evidence=evidence, on_device=95.0)
    assert (found.user == household[0]) is opens
    assert not found.needs_mfa
    assert decide(matches, needed=needed).user is None


def test_a_device_has_a_threshold_for_its_few_people(household: list[User]) -> None:
    few = thresholds.on_device([household[0].pk])
    assert few == thresholds.on_device([household[1].pk])
    assert few < thresholds.on_device([user.pk for user in household])
    assert few < thresholds.requirement(1000).threshold


def trusting(client: Client, user: User) -> None:
    """Let the client's browser be a trusted device of the user, by its cookie alone."""
    request = RequestFactory().get("/")
    request.session = client.session
    client.cookies[trusted_devices.cookie_name(request)] = trusted_devices.trust(request, user, "computer")


def test_on_a_trusted_device_a_quick_check_and_a_photo_open(collection: Collection, live: Live) -> None:
    owner = enrolled_live(live, pictures.hopper())
    with_app(owner)
    home = Client()
    trusting(home, owner)
    send_photo(home, pictures.another(pictures.hopper()))
    assert signed_in(home) == owner  # the device is the second factor
    home.post("/logout/")
    live(home, pictures.another(pictures.hopper()), kind=Kind.SINGLE)
    assert signed_in(home) == owner


def test_a_glance_opens_a_trusted_device_only_of_whom_chose_it(collection: Collection, live: Live) -> None:
    owner = enrolled_live(live, pictures.hopper())
    home = Client()
    trusting(home, owner)
    answer = live(home, pictures.another(pictures.hopper()), headers=JSON, kind=Kind.GLANCE)
    assert (answer.status_code, answer.json()["reason"]) == (422, "liveness_required")
    assert signed_in(home) is None
    quick_checks.choose(owner, Kind.GLANCE)
    live(home, pictures.another(pictures.hopper()), kind=Kind.GLANCE)
    assert signed_in(home) == owner


def test_elsewhere_a_quick_check_opens_nothing_and_says_nothing(collection: Collection, live: Live) -> None:
    owner = enrolled_live(live, pictures.hopper())
    other = enrolled_live(live, pictures.collins())
    home = Client()
    trusting(home, other)
    for client, face in ((Client(), pictures.hopper()), (home, pictures.hopper()), (Client(), pictures.landscape())):
        answer = live(client, face, headers=JSON, kind=Kind.SINGLE)
        if face != pictures.landscape():
            assert (answer.status_code, answer.json()["reason"]) == (422, "liveness_required")
        assert signed_in(client) is None
    assert signed_in(Client()) != owner


def test_a_photo_on_a_foreign_trusted_device_opens_nothing(collection: Collection, live: Live) -> None:
    enrolled_live(live, pictures.hopper())
    other = enrolled_live(live, pictures.collins())
    home = Client()
    trusting(home, other)
    assert "May I remember you?" in send_photo(home, pictures.another(pictures.hopper())).content.decode()
    assert signed_in(home) is None


def test_where_the_face_is_not_enough_a_yes_on_a_trusted_device_is(
    collection: Collection, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = enrolled_live(live, pictures.hopper())
    alone = Recognition(Outcome.RECOGNISED, user=owner, similarity=99.5, needs_mfa=True)
    monkeypatch.setattr("faceauth.backends.FaceBackend.recognise", lambda *args: alone)
    assert live(Client(), pictures.hopper(), headers=JSON).json()["reason"] == "mfa_required"
    home = Client()
    trusting(home, owner)
    elsewhere = Client()
    assert live(elsewhere, pictures.hopper())["Location"] == "/login/second-factor/"
    assert "trusted devices" in elsewhere.get("/login/second-factor/").content.decode()
    assert signed_in(elsewhere) is None
    live(home, pictures.hopper())
    assert signed_in(home) == owner

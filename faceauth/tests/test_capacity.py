"""Nobody is enrolled who would shut others out, and people without a second factor are told in time."""

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from faceauth.checks import check_people
from faceauth.enrolment import faces
from faceauth.enrolment.enrol import enrol
from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Deletion, Enrolment, Face, Passkey, PhotoLogin
from faceauth.outcomes import Outcome, Reason, Recognition
from faceauth.policy import capacity, photo_logins, population, thresholds
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection, Match
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.mfa_cast import open_notebook, with_app
from faceauth.tests.sign_in import JSON, answer_consent, sealed_in, send_photo, signed_in

CLOSED = Recognition(Outcome.REFUSED, Reason.CLOSED)
SOON = "More people come here now."
NOW = "your face alone will not open your notebook again"


@pytest.fixture
def small(settings: Settings) -> None:
    """Odds at which two people are let in by their face alone, and three are not."""
    settings.FACEAUTH = {**settings.FACEAUTH, "TARGET_FPIR": 6e-7}


@pytest.fixture
def twenty_two(settings: Settings) -> None:
    """Odds at which a second factor is required from 22 people on."""
    settings.FACEAUTH = {**settings.FACEAUTH, "TARGET_FPIR": 5.8e-6}


def some(count: int) -> list[User]:
    """People who are remembered, without anything in the collection."""
    users = User.objects.bulk_create(User(username=str(uuid.uuid4())) for _ in range(count))
    Face.objects.bulk_create(
        Face(user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="secretly", person=user.username)
        for user in users
    )
    PhotoLogin.objects.bulk_create(PhotoLogin(user=user) for user in users)
    population.forget()
    return users


def lock_up(user: User) -> None:
    Passkey.objects.create(user=user, name="key", credential_id=uuid.uuid4().hex, public_key=b"", host="testserver")


@pytest.fixture
def hopper(hopper: User) -> User:
    """Grace Hopper, who has come back, and so takes up a place."""
    PhotoLogin.objects.update(counted=True)
    population.forget()
    return hopper


@pytest.fixture
def two(small: None, hopper: User) -> list[User]:
    """As many as there may be: Grace Hopper, and one more."""
    return [hopper, *some(1)]


# How many are too many ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("each", "most"), [(1, 370), (2, 161), (10, 161)])
def test_the_factor_is_required_by_people_and_by_whether_they_have_several_occasions(
    each: int, most: int, db: None
) -> None:
    for count in range(most // 2, most + 50):
        now = population.Population(count, count * each)
        assert capacity.mfa_required(0, now) == (count > most)
        if each == 1:  # newcomers have one occasion
            assert capacity.mfa_required(1, now) == (count > most - 1)
            assert capacity.mfa_required_soon(now) == (int(count / capacity.NEAR) > most)


def test_it_is_near_before_the_last_place_is_taken(small: None) -> None:
    assert [capacity.mfa_required_soon(population.Population(count, count)) for count in range(4)] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(("photos", "frames"), [("fallback", 3), ("never", 3), ("open", 1)])
def test_a_look_counts_unless_nobody_is_asked_for_one(photos: str, frames: int, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": photos}
    assert thresholds.best_frames() == frames


def test_a_fixed_threshold_has_room_for_everybody_and_counts_nobody(
    two: list[User], settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "THRESHOLD": 90}
    cache.clear()
    with django_assert_num_queries(0):
        assert not capacity.full(under_way=1000, anew=True)
        assert capacity.advice(two[0]) == ""


def test_who_has_no_second_factor(owner: User, stranger: User, operator: User) -> None:
    none, unconfirmed, passkey, app, inactive, staff = some(6)
    authenticators.app_to_confirm(unconfirmed, None)
    authenticators.make_recovery_codes(unconfirmed)
    lock_up(passkey)
    with_app(app)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    Face.objects.create(
        user=owner, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="another", person=owner.username
    )
    assert set(capacity.people_without_mfa()) == {none, unconfirmed}
    assert set(capacity.people_without_mfa("another")) == {owner}
    for user in (none, unconfirmed, passkey, app):
        assert (user in capacity.people_without_mfa()) == (not authenticators.has_mfa(user))


# Enrolment ------------------------------------------------------------------------------------------------------------


def test_the_last_place_is_taken(small: None, hopper: User) -> None:
    assert enrol(read(pictures.collins())).outcome == Outcome.ENROLLED
    again = recognise(read(pictures.hopper()))
    assert (again.outcome, again.user, again.needs_mfa) == (Outcome.RECOGNISED, hopper, False)


def test_nobody_is_enrolled_who_would_shut_others_out(two: list[User], calls: list[str]) -> None:
    assert enrol(read(pictures.collins())) == CLOSED
    assert "IndexFaces" not in calls
    assert not Enrolment.objects.exists()
    assert User.objects.count() == 2
    again = enrol(read(pictures.hopper()))
    assert (again.outcome, again.user, again.needs_mfa) == (Outcome.RECOGNISED, two[0], False)


def test_one_without_a_factor_is_one_too_many(two: list[User]) -> None:
    lock_up(two[0])
    assert enrol(read(pictures.collins())) == CLOSED
    with_app(two[1])
    assert enrol(read(pictures.collins())).outcome == Outcome.ENROLLED


def test_higher_odds_or_a_fixed_threshold_make_room(two: list[User], settings: Settings) -> None:
    assert capacity.full()
    before = settings.FACEAUTH
    for cure in ({"TARGET_FPIR": 1e-3}, {"THRESHOLD": 90}):
        settings.FACEAUTH = {**before, **cure}
        assert not capacity.full()


@pytest.mark.django_db(transaction=True)
def test_the_last_count_is_not_trusted(two: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server has taken the last place in the last ten seconds, and this one's cache does not know."""
    monkeypatch.setattr(population, "placed", lambda collection_id=None: population.Population(1, 1))
    assert not capacity.full()
    assert enrol(read(pictures.collins())) == CLOSED
    assert len(list(Collection("secretly").faces())) == 1
    assert not Enrolment.objects.exists()
    assert Deletion.objects.filter(confirmed=None).count() == 0


def begin(**more: Any) -> Enrolment:
    return Enrolment.objects.create(**{"external_id": str(uuid.uuid4()), "collection_id": "secretly", **more})


def meanwhile(what: Callable[[], Recognition], monkeypatch: pytest.MonkeyPatch) -> list[Recognition]:
    """Do it from the beginning to the end, once, just before the next face is compared; the list gets what it says."""
    said: list[Recognition] = []
    similar = Collection.similar

    def first(self: Collection, face_id: str, least: float) -> list[Match]:
        monkeypatch.setattr(Collection, "similar", similar)
        said.append(what())
        return similar(self, face_id, least)

    monkeypatch.setattr(Collection, "similar", first)
    return said


@pytest.mark.django_db(transaction=True)
def test_of_two_newcomers_at_once_for_the_last_place_not_both_get_it(
    small: None, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is remembered from the beginning to the end while the other's face is being compared."""
    some(1)
    others = meanwhile(lambda: enrol(read(pictures.hopper())), monkeypatch)
    first = enrol(read(pictures.collins()))
    assert others == [CLOSED]
    assert first.outcome == Outcome.ENROLLED
    assert population.counted().people == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("row", "closed"),
    [
        (lambda user: {}, True),
        (lambda user: {"external_id": user.username}, False),
        (lambda user: {"winner": user}, False),
        (lambda user: {"started": timezone.now() - timedelta(minutes=11)}, False),
        (lambda user: {"collection_id": "another"}, False),
    ],
    ids=["newcomer", "look of somebody here", "became somebody else", "long ago", "elsewhere"],
)
def test_who_is_being_enrolled_counts(
    row: Callable[[User], dict[str, Any]], closed: bool, small: None, hopper: User
) -> None:
    begin(**row(hopper))
    recognition = enrol(read(pictures.collins()))
    assert (recognition == CLOSED) == closed
    assert len(list(Collection("secretly").faces())) == (1 if closed else 2)


@pytest.mark.django_db(transaction=True)
def test_the_same_face_twice_at_once_takes_one_place(
    small: None, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has pressed "yes" twice."""
    some(1)
    others = meanwhile(lambda: enrol(read(pictures.another(pictures.collins()))), monkeypatch)
    first = enrol(read(pictures.collins()))
    assert [one.outcome for one in others] == [Outcome.ENROLLED]
    assert (first.outcome, first.user) == (Outcome.RECOGNISED, others[0].user)
    assert population.counted().people == 2


def test_the_first_face_of_somebody_is_one_more_person(two: list[User], owner: User) -> None:
    assert faces.add(owner, read(pictures.collins())) == CLOSED
    assert faces.add(two[0], read(pictures.another(pictures.hopper()))).outcome == Outcome.ENROLLED


# At sign-in -----------------------------------------------------------------------------------------------------------


def test_a_stranger_is_not_asked(two: list[User], client: Client) -> None:
    answer = send_photo(client, pictures.collins(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "closed")
    assert "takes no new people" in send_photo(client, pictures.collins()).content.decode()
    send_photo(client, pictures.hopper())
    assert signed_in(client) == two[0]


@pytest.mark.parametrize("enrolment", ["consent", "open"])
def test_enrolment_is_closed_whatever_the_settings(
    enrolment: str, two: list[User], client: Client, settings: Settings
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": enrolment}
    assert send_photo(client, pictures.collins(), JSON).json()["reason"] == "closed"
    assert User.objects.count() == 2


def test_the_last_place_goes_while_somebody_thinks(small: None, hopper: User, client: Client) -> None:
    question = send_photo(client, pictures.collins())
    assert sealed_in(question)
    some(1)
    answer = answer_consent(client, question, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "closed")
    assert signed_in(client) is None


def test_who_looks_familiar_tries_once_more_first(two: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be somebody whose notebook is here, and shall not hear that we have not met."""
    near = Recognition(Outcome.STRANGER, similarity=95.0, near=two[0])
    monkeypatch.setattr("faceauth.backends.FaceBackend.recognise", lambda *args, **kwargs: near)
    visitor = Client()
    told = [send_photo(visitor, pictures.landscape(), JSON).json()["reason"] for _ in range(2)]
    assert told == ["near_match", "closed"]


def test_a_photo_that_opens_nothing_is_answered_as_a_stranger_is(two: list[User]) -> None:
    photo_logins.choose(two[0], photo_logins.Choice.NEVER)
    mine, theirs = (send_photo(Client(), face, JSON) for face in (pictures.hopper(), pictures.collins()))
    assert (mine.status_code, mine.json()) == (theirs.status_code, theirs.json())
    assert mine.json()["reason"] == "closed"


def test_the_log_says_why_and_not_each_time(two: list[User], client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="faceauth.policy.capacity"):
        for _ in range(2):
            send_photo(client, pictures.collins())
        [line] = [record.getMessage() for record in caplog.records if record.name == "faceauth.policy.capacity"]
    assert "2 of 2 have none" in line
    for cure in ("second factor", "TARGET_FPIR", "THRESHOLD"):
        assert cure in line


def test_a_newcomer_who_needs_a_factor_is_sent_to_add_one(two: list[User], client: Client) -> None:
    for user in [*two, *some(1)]:
        lock_up(user)
    answer = answer_consent(client, send_photo(client, pictures.collins(), next="/"))
    assert answer["Location"] == "/account/mfa/"
    page = client.get("/account/").content.decode()
    assert "Add one before you leave." in page
    assert "your face alone opens your notebook" not in page
    assert client.get("/").status_code == 200
    assert client.get("/account/mfa/app/").status_code == 200
    assert enrol(read(pictures.another(pictures.hopper()))).needs_mfa


def test_a_newcomer_among_few_sees_the_blank_page(small: None, hopper: User, client: Client) -> None:
    assert answer_consent(client, send_photo(client, pictures.collins()))["Location"] == "/"


def test_who_is_shut_out_all_the_same_hears_whom_to_ask(two: list[User], client: Client) -> None:
    some(1)
    answer = send_photo(client, pictures.hopper(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "mfa_required")
    assert "ask whoever runs this site" in answer.json()["message"]


# In the notebook ------------------------------------------------------------------------------------------------------

PAGES = ["/", "/account/"]


def page_of(user: User, path: str) -> str:
    answer = open_notebook(user).get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.mark.usefixtures("twenty_two")
@pytest.mark.parametrize("path", PAGES)
def test_one_line_for_who_has_no_second_factor(path: str, db: None) -> None:
    mine, other = some(16)[:2]
    assert SOON not in page_of(mine, path)
    some(1)
    assert SOON in page_of(mine, path)
    assert 'href="/account/#second-factors"' in page_of(mine, path)
    with_app(other)
    assert SOON not in page_of(other, path)
    some(5)
    assert NOW in page_of(mine, path)
    assert SOON not in page_of(mine, path)
    assert NOW not in page_of(other, path)


@pytest.mark.usefixtures("twenty_two")
def test_operators_hear_it_on_the_dashboard_instead(operator: User, client: Client) -> None:
    some(22)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert NOW not in client.get("/").content.decode()


def test_people_are_not_counted_for_every_page(db: None, django_assert_max_num_queries: Any) -> None:
    [mine] = some(1)
    assert capacity.advice(mine) == ""
    with django_assert_max_num_queries(0):
        assert capacity.advice(mine) == ""


@pytest.mark.usefixtures("twenty_two")
def test_the_last_factor_stays_where_one_is_required(db: None) -> None:
    mine = some(22)[0]
    app = with_app(mine)
    notebook = open_notebook(mine)
    assert "Your last second factor stays" in notebook.get("/account/").content.decode()
    answer = notebook.post(f"/account/mfa/app/{app.pk}/remove/")
    assert answer.status_code == 422
    assert "Add another one first." in answer.content.decode()
    assert authenticators.has_mfa(mine)
    lock_up(mine)
    assert notebook.post(f"/account/mfa/app/{app.pk}/remove/").status_code == 302
    assert not AuthenticatorApp.objects.filter(user=mine).exists()
    assert authenticators.has_mfa(mine)
    assert notebook.post(f"/account/mfa/app/{app.pk}/remove/").status_code == 404


@pytest.mark.usefixtures("twenty_two")
def test_among_few_the_last_factor_goes(db: None) -> None:
    mine = some(21)[0]
    app = with_app(mine)
    assert open_notebook(mine).post(f"/account/mfa/app/{app.pk}/remove/").status_code == 302
    assert not authenticators.has_mfa(mine)


# What the operator hears ----------------------------------------------------------------------------------------------

SAYS = {
    16: ("", "", "16 people\n"),
    17: ("when one more person would", "Enrolment will close soon", "17 people\n"),
    20: ("when one more person would", "Enrolment will close soon", "20 people\n"),
    21: ("enrolment is closed, because one", "Enrolment is closed: one more person", "so enrolment is closed"),
    22: ("they are refused", "22 people without a second factor are refused", "22 people, who are refused"),
}


@pytest.mark.usefixtures("twenty_two")
@pytest.mark.parametrize("count", SAYS)
def test_what_the_operator_hears(count: int, operator: User, client: Client, collection: Collection) -> None:
    check, warning, described = SAYS[count]
    users = some(count)
    warned = check_people(databases=["default"])
    assert [it.id for it in warned] == (["faceauth.W003"] if check else [])
    assert all(check in it.msg and f"{count} have no second factor" in it.msg for it in warned)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/admin/").content.decode()
    assert warning in page
    assert f"{count} people have none." in page
    call_command("rekognition_collection", "describe", stdout=(out := StringIO()))
    assert described in out.getvalue()
    for user in users:
        lock_up(user)
    cache.clear()
    assert check_people(databases=["default"]) == []
    assert not capacity.current_capacity().near

"""Nobody is remembered whose coming would shut out who is here; and who should add a second lock hears it in time."""

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

from faceauth import crowd, locks, looks, odds, photo_path
from faceauth.checks import check_people
from faceauth.models import CodeApp, Deletion, Enrolment, Face, Passkey
from faceauth.outcomes import Outcome, Reason
from faceauth.people import Recognition, recognise, remember
from faceauth.rekognition.collection import Collection, Match
from faceauth.tests import pictures
from faceauth.tests.conftest import read
from faceauth.tests.lock_cast import open_notebook, with_app
from faceauth.tests.test_views import JSON, say, sealed_in, show, signed_in

CLOSED = Recognition(Outcome.REFUSED, Reason.CLOSED)
SOON = "More people come here now."
NOW = "your face alone will not open your notebook again"


@pytest.fixture
def small(settings: Settings) -> None:
    """Odds at which two people are let in by their face alone, and three are not."""
    settings.FACEAUTH = {**settings.FACEAUTH, "FALSE_OPEN_ODDS": 6e-7}


@pytest.fixture
def twenty_two(settings: Settings) -> None:
    """Odds at which the second lock is required from 22 people on."""
    settings.FACEAUTH = {**settings.FACEAUTH, "FALSE_OPEN_ODDS": 5.8e-6}


def some(count: int) -> list[User]:
    """People who are remembered, without anything in the collection."""
    users = User.objects.bulk_create(User(username=str(uuid.uuid4())) for _ in range(count))
    Face.objects.bulk_create(
        Face(user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="secretly", person=user.username)
        for user in users
    )
    odds.count_again()
    return users


def lock_up(user: User) -> None:
    Passkey.objects.create(user=user, name="key", credential_id=uuid.uuid4().hex, public_key=b"", host="testserver")


@pytest.fixture
def two(small: None, hopper: User) -> list[User]:
    """As many as there may be: Grace Hopper, and one more."""
    return [hopper, *some(1)]


# How many are too many ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("each", "most"), [(1, 370), (2, 161), (10, 161)])
def test_the_lock_is_required_by_people_and_by_whether_they_have_several_occasions(
    each: int, most: int, db: None
) -> None:
    for count in range(most // 2, most + 50):
        now = odds.Population(count, count * each)
        assert crowd.required(0, now) == (count > most)
        if each == 1:  # newcomers have one occasion
            assert crowd.required(1, now) == (count > most - 1)
            assert crowd.near(now) == (int(count / crowd.NEAR) > most)


def test_it_is_near_before_the_last_place_is_taken(small: None) -> None:
    assert [crowd.near(odds.Population(count, count)) for count in range(4)] == [False, False, True, True]


@pytest.mark.parametrize(("look", "frames"), [("camera", 3), ("always", 3), ("off", 1)])
def test_a_look_counts_unless_nobody_is_asked_for_one(look: str, frames: int, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "LOOK": look}
    assert odds.best_frames() == frames


def test_a_fixed_threshold_has_room_for_everybody_and_counts_nobody(
    two: list[User], settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "THRESHOLD": 90}
    cache.clear()
    with django_assert_num_queries(0):
        assert not crowd.full(under_way=1000, anew=True)
        assert crowd.advice(two[0]) == ""


def test_who_has_no_second_lock(owner: User, stranger: User, operator: User) -> None:
    none, unconfirmed, passkey, app, inactive, staff = some(6)
    locks.app_to_confirm(unconfirmed, None)
    locks.make_recovery_codes(unconfirmed)
    lock_up(passkey)
    with_app(app)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    Face.objects.create(
        user=owner, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="another", person=owner.username
    )
    assert set(crowd.without_lock()) == {none, unconfirmed}
    assert set(crowd.without_lock("another")) == {owner}
    for user in (none, unconfirmed, passkey, app):
        assert (user in crowd.without_lock()) == (not locks.has_lock(user))


# Remembering ----------------------------------------------------------------------------------------------------------


def test_the_last_place_is_taken(small: None, hopper: User) -> None:
    assert remember(read(pictures.collins())).outcome == Outcome.REMEMBERED
    again = recognise(read(pictures.hopper()))
    assert (again.outcome, again.user, again.lock) == (Outcome.RECOGNISED, hopper, False)


def test_nobody_is_remembered_who_would_shut_others_out(two: list[User], calls: list[str]) -> None:
    assert remember(read(pictures.collins())) == CLOSED
    assert "IndexFaces" not in calls
    assert not Enrolment.objects.exists()
    assert User.objects.count() == 2
    again = remember(read(pictures.hopper()))
    assert (again.outcome, again.user, again.lock) == (Outcome.RECOGNISED, two[0], False)


def test_one_without_a_lock_is_one_too_many(two: list[User]) -> None:
    lock_up(two[0])
    assert remember(read(pictures.collins())) == CLOSED
    with_app(two[1])
    assert remember(read(pictures.collins())).outcome == Outcome.REMEMBERED


def test_higher_odds_or_a_fixed_threshold_make_room(two: list[User], settings: Settings) -> None:
    assert crowd.full()
    before = settings.FACEAUTH
    for cure in ({"FALSE_OPEN_ODDS": 1e-3}, {"THRESHOLD": 90}):
        settings.FACEAUTH = {**before, **cure}
        assert not crowd.full()


@pytest.mark.django_db(transaction=True)
def test_the_last_count_is_not_trusted(two: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server has taken the last place in the last ten seconds, and this one's cache does not know."""
    monkeypatch.setattr(odds, "population", lambda collection_id=None: odds.Population(1, 1))
    assert not crowd.full()
    assert remember(read(pictures.collins())) == CLOSED
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
    others = meanwhile(lambda: remember(read(pictures.hopper())), monkeypatch)
    first = remember(read(pictures.collins()))
    assert others == [CLOSED]
    assert first.outcome == Outcome.REMEMBERED
    assert odds.counted().people == 2


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
def test_who_is_being_remembered_counts(
    row: Callable[[User], dict[str, Any]], closed: bool, small: None, hopper: User
) -> None:
    begin(**row(hopper))
    recognition = remember(read(pictures.collins()))
    assert (recognition == CLOSED) == closed
    assert len(list(Collection("secretly").faces())) == (1 if closed else 2)


@pytest.mark.django_db(transaction=True)
def test_the_same_face_twice_at_once_takes_one_place(
    small: None, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has pressed "yes" twice."""
    some(1)
    others = meanwhile(lambda: remember(read(pictures.another(pictures.collins()))), monkeypatch)
    first = remember(read(pictures.collins()))
    assert [one.outcome for one in others] == [Outcome.REMEMBERED]
    assert (first.outcome, first.user) == (Outcome.RECOGNISED, others[0].user)
    assert odds.counted().people == 2


def test_the_first_look_of_somebody_is_one_more_person(two: list[User], owner: User) -> None:
    assert looks.add(owner, read(pictures.collins())) == CLOSED
    assert looks.add(two[0], read(pictures.another(pictures.hopper()))).outcome == Outcome.REMEMBERED


# At the door ----------------------------------------------------------------------------------------------------------


def test_a_stranger_is_not_asked(two: list[User], client: Client) -> None:
    answer = show(client, pictures.collins(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "closed")
    assert "takes no new people" in show(client, pictures.collins()).content.decode()
    show(client, pictures.hopper())
    assert signed_in(client) == two[0]


@pytest.mark.parametrize("enrolment", ["consent", "open"])
def test_the_door_is_closed_whatever_the_settings(
    enrolment: str, two: list[User], client: Client, settings: Settings
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": enrolment}
    assert show(client, pictures.collins(), JSON).json()["reason"] == "closed"
    assert User.objects.count() == 2


def test_the_last_place_goes_while_somebody_thinks(small: None, hopper: User, client: Client) -> None:
    question = show(client, pictures.collins())
    assert sealed_in(question)
    some(1)
    answer = say(client, question, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "closed")
    assert signed_in(client) is None


def test_who_looks_familiar_tries_once_more_first(two: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be somebody whose notebook is here, and shall not hear that we have not met."""
    near = Recognition(Outcome.STRANGER, similarity=95.0, near=two[0])
    monkeypatch.setattr("faceauth.views.ask", lambda *args, **kwargs: near)
    visitor = Client()
    told = [show(visitor, pictures.landscape(), JSON).json()["reason"] for _ in range(2)]
    assert told == ["familiar", "closed"]


def test_a_photo_that_opens_nothing_is_answered_as_a_stranger_is(two: list[User]) -> None:
    photo_path.choose(two[0], photo_path.Choice.NEVER)
    mine, theirs = (show(Client(), face, JSON) for face in (pictures.hopper(), pictures.collins()))
    assert (mine.status_code, mine.json()) == (theirs.status_code, theirs.json())
    assert mine.json()["reason"] == "closed"


def test_the_log_says_why_and_not_each_time(two: list[User], client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="faceauth.crowd"):
        for _ in range(2):
            show(client, pictures.collins())
        [line] = [record.getMessage() for record in caplog.records if record.name == "faceauth.crowd"]
    assert "2 of 2 have none" in line
    for cure in ("second lock", "SECRETLY_FALSE_OPEN_ODDS", "REKOGNITION_THRESHOLD"):
        assert cure in line


def test_a_newcomer_who_needs_a_lock_is_sent_to_add_one(two: list[User], client: Client) -> None:
    for user in two:
        lock_up(user)
    answer = say(client, show(client, pictures.collins(), next="/"))
    assert answer["Location"] == "/locks/"
    page = client.get("/locks/").content.decode()
    assert "Add one before you leave." in page
    assert "your face alone opens your notebook" not in page
    assert client.get("/").status_code == 200
    assert client.get("/locks/app/").status_code == 200
    assert remember(read(pictures.another(pictures.hopper()))).lock  # and the next one waits for this lock
    assert crowd.full()


def test_a_newcomer_among_few_sees_the_blank_page(small: None, hopper: User, client: Client) -> None:
    assert say(client, show(client, pictures.collins()))["Location"] == "/"


def test_who_is_shut_out_all_the_same_hears_whom_to_ask(two: list[User], client: Client) -> None:
    some(1)
    answer = show(client, pictures.hopper(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "lock_needed")
    assert "ask whoever runs this site" in answer.json()["message"]


# In the notebook ------------------------------------------------------------------------------------------------------

PAGES = ["/", "/preferences/", "/door/"]


def page_of(user: User, path: str) -> str:
    answer = open_notebook(user).get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.mark.usefixtures("twenty_two")
@pytest.mark.parametrize("path", PAGES)
def test_one_line_for_who_has_no_second_lock(path: str, db: None) -> None:
    mine, other = some(16)[:2]
    assert SOON not in page_of(mine, path)
    some(1)
    assert SOON in page_of(mine, path)
    assert 'href="/locks/"' in page_of(mine, path)
    with_app(other)
    assert SOON not in page_of(other, path)
    some(5)
    assert NOW in page_of(mine, path)
    assert SOON not in page_of(mine, path)
    assert NOW not in page_of(other, path)


@pytest.mark.usefixtures("twenty_two")
def test_operators_hear_it_at_the_desk_instead(operator: User, client: Client) -> None:
    some(22)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert NOW not in client.get("/").content.decode()


def test_people_are_not_counted_for_every_page(db: None, django_assert_max_num_queries: Any) -> None:
    [mine] = some(1)
    assert crowd.advice(mine) == ""
    with django_assert_max_num_queries(0):
        assert crowd.advice(mine) == ""


@pytest.mark.usefixtures("twenty_two")
def test_the_last_lock_stays_where_one_is_required(db: None) -> None:
    mine = some(22)[0]
    app = with_app(mine)
    notebook = open_notebook(mine)
    assert "Your last lock stays" in notebook.get("/locks/").content.decode()
    answer = notebook.post(f"/locks/app/{app.pk}/remove/")
    assert answer.status_code == 422
    assert "Add another one first." in answer.content.decode()
    assert locks.has_lock(mine)
    lock_up(mine)
    assert notebook.post(f"/locks/app/{app.pk}/remove/").status_code == 302
    assert not CodeApp.objects.filter(user=mine).exists()
    assert locks.has_lock(mine)
    assert notebook.post(f"/locks/app/{app.pk}/remove/").status_code == 404


@pytest.mark.usefixtures("twenty_two")
def test_among_few_the_last_lock_goes(db: None) -> None:
    mine = some(21)[0]
    app = with_app(mine)
    assert open_notebook(mine).post(f"/locks/app/{app.pk}/remove/").status_code == 302
    assert not locks.has_lock(mine)


# What the operator hears ----------------------------------------------------------------------------------------------

SAYS = {
    16: ("", "", "16 people\n"),
    17: ("as soon as one person more", "Soon nobody new will be remembered", "17 people\n"),
    20: ("as soon as one person more", "Soon nobody new will be remembered", "20 people\n"),
    21: ("nobody new is remembered, for one", "Nobody new is remembered: one person more", "so nobody new is"),
    22: ("who have none are refused", "22 people have no second lock and are refused", "22 people, who are refused"),
}


@pytest.mark.usefixtures("twenty_two")
@pytest.mark.parametrize("count", SAYS)
def test_what_the_operator_hears(count: int, operator: User, client: Client, collection: Collection) -> None:
    check, worry, described = SAYS[count]
    users = some(count)
    warned = check_people(databases=["default"])
    assert [it.id for it in warned] == (["faceauth.W003"] if check else [])
    assert all(check in it.msg and f"{count} have no second lock" in it.msg for it in warned)
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    desk = client.get("/admin/").content.decode()
    assert worry in desk
    assert f"{count} people have none." in desk
    call_command("rekognition_collection", "describe", stdout=(out := StringIO()))
    assert described in out.getvalue()
    for user in users:
        lock_up(user)
    cache.clear()
    assert check_people(databases=["default"]) == []
    assert not crowd.standing().near

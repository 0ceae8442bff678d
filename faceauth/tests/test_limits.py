"""How many may try."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.core.checks import run_checks
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from faceauth.enrolment import enrol
from faceauth.local import service, transport
from faceauth.models import RateCount, SignIn
from faceauth.outcomes import Outcome, Reason
from faceauth.ratelimit.floods import Floods, record_exceeded
from faceauth.ratelimit.limits import (
    ENROLMENT_CALLS,
    HELD,
    NOT_SEARCHED,
    RECOGNITION_CALLS,
    Exceeded,
    Limit,
    address_of,
    attempt,
    count_frame,
    limits,
    meters,
    peek,
    release,
    sentence_for,
    take,
)
from faceauth.recognition import search
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, read
from faceauth.tests.mfa_cast import open_notebook
from faceauth.tests.sign_in import JSON, answer_consent, enrol_by_photo, sealed_in, send_frame, send_photo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_look")]  # a frame is an attempt by itself

OFF = dict.fromkeys(("ATTEMPTS_PER_ADDRESS", "ATTEMPTS_PER_SESSION", "FAILURES_PER_ADDRESS", "CALL_BUDGET"), "off")


@pytest.fixture(autouse=True)
def midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window ends during a test."""
    now = time.time()
    monkeypatch.setattr("faceauth.ratelimit.limits.time.time", lambda: now)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that Rekognition is asked for, by whichever client: each change of a setting makes a new one."""
    seen: list[str] = []
    ask = service.answer

    def note(target: str, body: bytes) -> Any:
        seen.append(target)
        return ask(target, body)

    monkeypatch.setattr(transport, "answer", note)
    return seen


def limit(settings: Settings, **limits: str) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, **OFF, **limits}


def admit(request: HttpRequest, calls: int = RECOGNITION_CALLS, kind: str = "face") -> Exceeded | None:
    """Begin an attempt that does not end."""
    return take(list(meters(request, calls, kind))).exceeded


def coming(address: str = "192.0.2.1", session: str | None = None) -> HttpRequest:
    request = RequestFactory().post("/login/", REMOTE_ADDR=address)
    request.session = SessionStore(session)
    request.user = AnonymousUser()
    return request


# What a setting says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60/m", [Limit(60, 60)]),
        (" 30/h, 120/d ", [Limit(30, 3600), Limit(120, 86400)]),
        ("5/s", [Limit(5, 1)]),
        ("off", []),
    ],
)
def test_limits(text: str, expected: list[Limit]) -> None:
    assert limits(text) == expected


@pytest.mark.parametrize("text", ["", "60", "60/y", "0/m", "-1/m", "60/m,", "60 / m", "many", "1.5/m", "9999999999/m"])
def test_what_is_no_limit_stops_the_start(text: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        limits(text)
    settings.FACEAUTH = {**settings.FACEAUTH, "FAILURES_PER_ADDRESS": text}
    [error] = [error for error in run_checks() if error.id == "faceauth.E009"]
    assert repr(text) in error.msg
    assert "SECRETLY_FAILURES_PER_ADDRESS" in (error.hint or "")


@pytest.mark.parametrize(("enrolment", "least"), [("consent", 12), ("open", 18)])
def test_a_budget_that_remembers_nobody_stops_the_start(enrolment: str, least: int, settings: Settings) -> None:
    limit(settings, CALL_BUDGET=f"{least}/m, 100/h", ENROLMENT=enrolment)
    assert not run_checks()
    limit(settings, CALL_BUDGET=f"{least - 1}/m, 100/h", ENROLMENT=enrolment)
    [error] = run_checks()
    assert error.id == "faceauth.E010"
    assert f"{least} or more" in (error.hint or "")


# Whose attempts count together ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("somewhere", "unknown"),
    ],
)
def test_whose(address: str, whose: str) -> None:
    assert address_of(coming(address)) == whose


def test_an_address_has_its_own_count(settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="2/m")
    assert [bool(admit(coming())) for _ in range(3)] == [False, False, True]
    assert admit(coming("::ffff:192.0.2.1"))
    assert admit(coming("192.0.2.2")) is None


def test_a_household_counts_together_whatever_addresses_it_makes_up(settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="2/m")
    came = [admit(coming(f"2001:db8:0:1::{number:x}")) for number in range(1, 4)]
    assert [bool(turned_away) for turned_away in came] == [False, False, True]
    assert admit(coming("2001:db8:0:2::1")) is None


def test_a_session_has_its_own_count(settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_SESSION="2/m")
    assert [bool(admit(coming(session="a" * 32))) for _ in range(3)] == [False, False, True]
    assert admit(coming(session="b" * 32)) is None
    assert admit(coming()) is None


def test_the_budget_is_everybodys(settings: Settings) -> None:
    limit(settings, CALL_BUDGET="10/m")
    came = [admit(coming(f"192.0.2.{number}"), calls=4) for number in range(3)]
    assert [bool(turned_away) for turned_away in came] == [False, False, True]
    assert admit(coming(), calls=2) is None


def test_other_doors_have_their_own_count(settings: Settings) -> None:
    limit(settings, FAILURES_PER_ADDRESS="1/h")
    assert [bool(admit(coming())) for _ in range(2)] == [False, True]
    assert admit(coming(), kind="code") is None


def test_who_is_turned_away_counts_for_nothing(settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="9/m", CALL_BUDGET="10/h")
    admit(coming(), calls=10)
    for _ in range(20):
        assert admit(coming())
    assert sorted(RateCount.objects.values_list("count", flat=True)) == [1, 10]


def test_the_wait_is_true(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m, 1/h")
    assert admit(coming()) is None
    turned_away = peek(coming())
    assert turned_away
    assert 0 < turned_away.seconds <= 3600
    now = time.time()
    monkeypatch.setattr("faceauth.ratelimit.limits.time.time", lambda: now + turned_away.seconds - 1.5)
    assert peek(coming())
    monkeypatch.setattr("faceauth.ratelimit.limits.time.time", lambda: now + turned_away.seconds + 0.5)
    assert admit(coming()) is None


def test_the_counts_tell_nobody_who_came(settings: Settings) -> None:
    admit(coming(session="a" * 32))
    keys = " ".join(RateCount.objects.values_list("key", flat=True))
    assert "192.0.2" not in keys
    assert "aaaa" not in keys
    settings.SECRET_KEY = "another"
    assert address_of(coming()) == "192.0.2.1"
    admit(coming(session="a" * 32))
    assert RateCount.objects.count() == 2 * len(keys.split())  # without the key nobody can try all addresses out


def test_frames(settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "FRAMES_PER_ADDRESS": "3/m"}
    assert [bool(count_frame(coming())) for _ in range(4)] == [False, False, False, True]


# What came of it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "reason", "failures"),
    [
        (Outcome.RECOGNISED, None, 0),
        (Outcome.ENROLLED, None, 0),
        (Outcome.UNAVAILABLE, None, 0),
        (Outcome.THROTTLED, None, 0),  # by Amazon
        (Outcome.STRANGER, None, 1),
        (Outcome.REFUSED, Reason.AMBIGUOUS, 1),
        (Outcome.REFUSED, Reason.INACTIVE, 1),
        (Outcome.REFUSED, Reason.DIFFERENT_PERSON, 1),
        (Outcome.REFUSED, Reason.LIVENESS_FAILED, 1),
        (Outcome.REFUSED, Reason.NO_FACE, 0),
        (Outcome.REFUSED, Reason.NOT_AN_IMAGE, 0),
    ],
)
def test_what_is_given_back(
    outcome: Outcome, reason: Reason | None, failures: int, collection: Any, settings: Settings
) -> None:
    limit(settings, FAILURES_PER_ADDRESS="5/h", CALL_BUDGET="50/h", ATTEMPTS_PER_ADDRESS="5/m")
    request = coming()
    with attempt(request) as one:
        for _ in range(3):
            collection.describe()
        one.settle(outcome, reason)
    one.give_back()  # once is all
    counts = {tally.key.partition(".")[0]: tally.count for tally in RateCount.objects.all()}
    assert counts == {"attempts": 1, "failures": failures, "calls": 3}


def failing(request: HttpRequest, collection: Any = None) -> None:
    with attempt(request):
        if collection is not None:
            collection.describe()
        raise ZeroDivisionError


def test_an_exception_gives_everything_back(settings: Settings) -> None:
    """Broken photos must not lock an address out."""
    limit(settings, FAILURES_PER_ADDRESS="5/h", CALL_BUDGET="50/h")
    with pytest.raises(ZeroDivisionError):
        failing(coming())
    assert set(RateCount.objects.values_list("count", flat=True)) == {0}


def test_an_exception_after_a_search_is_a_failure(settings: Settings, collection: Any) -> None:
    """Otherwise whoever makes the site stumble after the search guesses for nothing."""
    limit(settings, FAILURES_PER_ADDRESS="5/h", CALL_BUDGET="50/h")
    with pytest.raises(ZeroDivisionError):
        failing(coming(), collection)
    counts = {tally.key.partition(".")[0]: tally.count for tally in RateCount.objects.all()}
    assert counts == {"failures": 1, "calls": 1}


def test_what_is_held_counts_until_it_is_released(settings: Settings) -> None:
    limit(settings, FAILURES_PER_ADDRESS="1/h")
    request = coming()
    with attempt(request) as one:
        one.hold(request.session)
    assert admit(coming())
    assert release(request.session, failed=False)
    assert HELD not in request.session
    assert not release(request.session, failed=False)
    assert admit(coming()) is None


# At the door ----------------------------------------------------------------------------------------------------------


def test_a_guesser_is_turned_away(collection: Any, settings: Settings, calls: list[str]) -> None:
    limit(settings, FAILURES_PER_ADDRESS="2/h")
    for _ in range(2):
        assert send_frame(Client(), pictures.hopper()).status_code == 200
    made = len(calls)
    assert made
    answer = send_frame(Client(), pictures.hopper())
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert "That was too many attempts." in answer.content.decode()
    assert "<form" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    json = send_frame(Client(), pictures.hopper(), JSON)
    assert json.status_code == 429
    assert (json.json()["outcome"], json.json()["reason"]) == ("throttled", None)
    assert json.json()["message"].startswith("That was too many attempts.")
    assert json["Retry-After"]
    assert len(calls) == made
    [row] = SignIn.objects.filter(outcome="throttled")
    assert (row.times, row.address, row.user) == (2, "127.0.0.1", None)


@pytest.mark.parametrize("spoil", [pictures.unclear, pictures.dim])
def test_a_bad_picture_that_was_looked_up_is_a_guess(
    spoil: Callable[[bytes], bytes], collection: Any, settings: Settings, calls: list[str], hopper: User
) -> None:
    """Whoever is here may come in by a bad picture, so a bad picture of somebody else is an attempt to."""
    limit(settings, FAILURES_PER_ADDRESS="2/h")
    assert send_frame(Client(), spoil(pictures.hopper()), JSON).json()["outcome"] == "recognised"
    came = [send_frame(Client(), spoil(pictures.collins()), JSON) for _ in range(3)]
    assert [answer.status_code for answer in came] == [422, 422, 429]
    assert {sign_in.reason for sign_in in SignIn.objects.filter(outcome="refused")} <= NOT_SEARCHED
    assert RateCount.objects.get(key__startswith="failures").count == 2


def test_a_long_wait_is_told() -> None:
    start = "That was too many attempts. Please "
    waits = (5, 60, 61, 3600, 5400, 5401, 86400)
    told = [sentence_for(Exceeded(seconds, "", 0)) for seconds in waits]
    assert all(said.startswith(start) for said in told)
    assert [said.removeprefix(start) for said in told] == [
        "wait a moment, then try again.",
        "wait a moment, then try again.",
        "try again in 2 minutes.",
        "try again in 60 minutes.",
        "try again in 90 minutes.",
        "try again in 2 hours.",
        "try again in 24 hours.",
    ]


def test_people_who_are_recognised_use_up_no_failures(hopper: User, settings: Settings) -> None:
    limit(settings, FAILURES_PER_ADDRESS="1/d")
    for _ in range(4):
        assert send_frame(Client(), pictures.hopper()).status_code == 302
    assert send_frame(Client(), pictures.landscape()).status_code == 422
    assert send_frame(Client(), pictures.hopper()).status_code == 302


def test_the_picture_is_not_read(
    collection: Any, settings: Settings, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m")
    send_photo(Client(), pictures.landscape())

    def read(*args: object) -> None:
        raise AssertionError("It was read.")

    monkeypatch.setattr("privatekit.uploads.MemoryUploadHandler.receive_data_chunk", read)
    monkeypatch.setattr("faceauth.web.uploads.one_photo", read)
    assert send_photo(Client(), pictures.hopper()).status_code == 429
    assert send_frame(Client(), pictures.hopper()).status_code == 429
    assert calls == []


def test_a_no_is_always_heard(collection: Any, settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m")
    client = Client()
    question = send_photo(client, pictures.hopper())
    answer = answer_consent(client, question, "no")
    assert answer.status_code == 200
    assert "keep nothing" in answer.content.decode()


def test_a_yes_can_wait(collection: Any, settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m")
    client = Client()
    sealed = sealed_in(send_photo(client, pictures.hopper()))
    yes = {"sealed": sealed, "answer": "yes"}
    assert client.post("/login/enrol/", yes).status_code == 429
    limit(settings)
    assert client.post("/login/enrol/", yes).status_code == 302


@pytest.mark.parametrize("path", ["/reauthenticate/", "/account/faces/"])
def test_pages_of_ones_own(path: str, hopper: User, settings: Settings, calls: list[str]) -> None:
    client = open_notebook(hopper)
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m")
    url = {"image": "data:image/jpeg;base64,AAAA"}
    assert client.post(path, url).status_code == 422
    answer = client.post(path, url)
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert "That was too many attempts." in answer.content.decode()
    answer = client.post(path, url, headers=JSON)
    assert (answer.status_code, answer.json()["outcome"]) == (429, "throttled")
    assert calls == []


@pytest.mark.parametrize("path", ["/reauthenticate/", "/account/faces/"])
def test_who_is_not_signed_in_uses_up_nothing(path: str, settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="2/m", FAILURES_PER_ADDRESS="1/h", CALL_BUDGET="12/h")
    for _ in range(4):
        answer = Client().post(path, {"image": "x"})
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")
    assert not RateCount.objects.exists()


def test_too_large_counts_as_an_attempt(settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m", FAILURES_PER_ADDRESS="1/h")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert Client().post("/login/", {"image": "x" * 2000}).status_code == 422
    assert Client().post("/login/", {"image": "x" * 2000}).status_code == 429
    assert [row.outcome for row in SignIn.objects.order_by("pk")] == ["refused", "throttled"]
    assert sorted(RateCount.objects.values_list("count", flat=True)) == [0, 1]


def test_too_large_counts_as_an_attempt_even_where_no_token_was_read(settings: Settings) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    strict = Client(enforce_csrf_checks=True)
    assert [strict.post("/login/", {"image": "x" * 2000}).status_code for _ in range(2)] == [422, 429]


@pytest.mark.parametrize("path", ["/account/faces/", "/reauthenticate/"])
def test_too_large_from_nobody(path: str, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = Client().post(path, {"image": "x" * 2000})
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


def test_another_site_cannot_use_up_our_attempts(settings: Settings) -> None:
    """A page elsewhere can make a visitor's browser post here, but without our token."""
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m", FAILURES_PER_ADDRESS="1/h")
    strict = Client(enforce_csrf_checks=True)
    for _ in range(3):
        assert send_frame(strict, b"").status_code == 403
    assert not RateCount.objects.exists()


def test_an_outage_of_rekognition_locks_nobody_out(collection: Any, settings: Settings, fault: Fault) -> None:
    limit(settings, FAILURES_PER_ADDRESS="1/d")
    fault("SearchFacesByImage", "InternalServerError", status=500)
    for _ in range(2):
        assert send_frame(Client(), pictures.hopper()).status_code == 503


def test_what_an_attempt_costs_at_most(collection: Any, calls: list[str], settings: Settings) -> None:
    """The budget holds only while these numbers are true."""

    def made(work: Any) -> int:
        before = len(calls)
        work()
        assert len(calls) > before
        return len(calls) - before

    limit(settings)
    first, other = Client(), Client()
    question = send_photo(first, pictures.hopper())
    assert made(lambda: answer_consent(first, question)) <= ENROLMENT_CALLS
    more = {"image": data_url(pictures.another(pictures.hopper()))}
    assert made(lambda: first.post("/account/faces/", more)) <= ENROLMENT_CALLS
    assert made(lambda: send_frame(other, pictures.hopper())) <= RECOGNITION_CALLS
    assert made(lambda: send_frame(Client(), pictures.collins())) <= RECOGNITION_CALLS
    assert made(lambda: other.post("/reauthenticate/", {"image": data_url(pictures.hopper())})) <= RECOGNITION_CALLS
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "open"}
    assert made(lambda: send_frame(Client(), pictures.collins())) <= RECOGNITION_CALLS + ENROLMENT_CALLS


def test_what_a_look_of_several_frames_costs_at_most(collection: Any, calls: list[str]) -> None:
    frames = [
        pictures.hopper(),
        pictures.another(pictures.hopper()),
        pictures.encoded(pictures.opened(pictures.hopper()).rotate(3)),
    ]
    assert enrol.enrol([read(frame) for frame in frames]).outcome == Outcome.ENROLLED
    assert len(calls) <= ENROLMENT_CALLS
    calls.clear()
    assert search.recognise([read(frame) for frame in frames]).outcome == Outcome.RECOGNISED
    assert len(calls) <= RECOGNITION_CALLS


def data_url(data: bytes) -> str:
    from base64 import b64encode

    return f"data:image/jpeg;base64,{b64encode(data).decode()}"


# A flood --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_flood_costs_no_more_than_the_budget(
    collection: Any, settings: Settings, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """600 pictures from 600 addresses: what they cost is the budget, and what they leave is a few rows."""
    limit(settings, CALL_BUDGET="20/m", ATTEMPTS_PER_ADDRESS="5/m", FAILURES_PER_ADDRESS="5/h")
    picture = {"image": data_url(pictures.hopper())}
    statuses = []
    for number in range(600):
        client = Client(REMOTE_ADDR=f"10.0.{number // 250}.{number % 250}")
        if number < 30 or number % 60 == 0:
            statuses.append(client.post("/login/", picture).status_code)
        else:  # the same, without waiting for the test client to encode the picture anew
            statuses.append(client.post("/login/", b"", content_type="application/octet-stream").status_code)
    assert 20 - RECOGNITION_CALLS < len(calls) <= 20
    came = statuses.count(200)
    assert statuses.count(429) == 600 - came
    assert RateCount.objects.count() <= 3 * came + 1
    [row] = SignIn.objects.filter(outcome="throttled")
    assert row.times == 512
    assert SignIn.objects.count() == came + 1
    assert len(Floods.rows) == 1


def test_what_is_kept_of_floods_goes_with_their_windows(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(settings, ATTEMPTS_PER_ADDRESS="1/m")
    start = time.time()
    for minute in range(50):
        monkeypatch.setattr("faceauth.ratelimit.limits.time.time", lambda minute=minute: start + 60 * minute)
        for _ in range(3):
            request = coming(f"192.0.2.{minute}")
            if turned_away := admit(request):
                record_exceeded(request, turned_away)
    assert len(Floods.rows) <= 2
    assert SignIn.objects.count() == 50


# Other doors ----------------------------------------------------------------------------------------------------------


def test_passwords_are_guessed_no_more_often(operator: User, settings: Settings) -> None:
    limit(settings, FAILURES_PER_ADDRESS="2/h")
    guess = {"username": "operator", "password": "wrong"}
    assert [Client().post("/admin/login/", guess).status_code for _ in range(3)] == [200, 200, 429]
    operator.set_password("right")
    operator.save()
    answer = Client().post("/admin/login/", {"username": "operator", "password": "right"})
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert "<h1 " in answer.content.decode()
    assert Client().get("/admin/login/").status_code == 200
    other = Client(REMOTE_ADDR="192.0.2.7")
    for _ in range(4):
        assert other.post("/admin/login/", {"username": "operator", "password": "right"}).status_code == 302


# Who is here ----------------------------------------------------------------------------------------------------------


def test_the_door_tells_a_stranger_the_same_whoever_is_remembered(collection: Any) -> None:
    """Whether Hopper has a notebook shows in nothing that Collins is told."""

    def told() -> list[tuple[int, dict[str, Any]]]:
        answers = [send_frame(Client(), pictures.collins(), JSON), send_frame(Client(), pictures.landscape(), JSON)]
        contents = [answer.json() for answer in answers]
        for content in contents:
            content.pop("sealed", None)
        return [(answer.status_code, content) for answer, content in zip(answers, contents, strict=True)]

    before = told()
    enrol_by_photo(Client(), pictures.hopper())
    assert told() == before


@pytest.mark.parametrize(
    "path", ["/account/", "/account/faces/", "/account/export/", "/reauthenticate/", "/account/forget/"]
)
def test_pages_of_people_say_nothing_to_nobody(path: str, hopper: User) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


def test_a_persons_name_and_any_password_open_nothing(hopper: User) -> None:
    said = []
    for name in (hopper.username, "00000000-0000-4000-8000-000000000000"):
        for password in ("", hopper.username, "!", hopper.password):
            client = Client()
            answer = client.post("/admin/login/", {"username": name, "password": password})
            assert answer.status_code == 200
            assert "_auth_user_id" not in client.session
            said.append(answer.context["form"].non_field_errors() if password else None)
    assert len({str(one) for one in said if one}) == 1
    assert not Client().login(username=hopper.username, password=hopper.password)


def test_receipts_are_not_guessed(db: None) -> None:
    assert Client().get("/forgotten/00000000-0000-4000-8000-000000000000/").status_code == 404
    assert Client().get("/forgotten/1/").status_code == 404

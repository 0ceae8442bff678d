"""The look at the door: in order, in its own session, once; with heads that are only points, and a face at the end."""

import base64
import logging
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from faceauth.liveness import challenge, sessions
from faceauth.liveness.challenge import Ask, Kind, Observation
from faceauth.models import LivenessSession, RateCount, SignIn, SpentFrame
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.clock import Clock
from faceauth.tests.films import STEP
from faceauth.tests.heads import pose_for, seen

JSON = {"Accept": "application/json"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sessions, "time", clock)
    return clock


@pytest.fixture
def stage(clock: Clock, collection: Collection, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the detector sees in a frame is what its visitor wants it to see."""

    def observe_jpeg(jpeg: bytes, digest: str, at: float) -> Observation:
        assert Visitor.acting is not None
        return seen(at, Visitor.acting.chance, digest=digest, pixels=digest, **Visitor.acting.pose)

    monkeypatch.setattr(sessions, "observe_jpeg", observe_jpeg)
    return clock


class Visitor:
    """A browser whose person does what is said."""

    acting: "Visitor | None" = None
    numbers: Iterator[int] = iter(range(10**9))

    def __init__(self, clock: Clock, person: bytes) -> None:
        self.client = Client()
        self.clock = clock
        self.person = person
        self.pictures = [pictures.encoded(pictures.opened(person), quality=76 + number) for number in range(24)]
        self.chance = random.Random(next(self.numbers))  # noqa: S311
        self.pose: dict[str, Any] = {}
        self.sent: list[bytes] = []
        self.kept: list[bytes] = []
        self.answer: dict[str, Any] = {}

    def start(self) -> None:
        response = self.client.post("/login/liveness/")
        assert response.status_code == 200
        self.answer = response.json()
        self.sent, self.kept, self.pose = [], [], {}

    def jpeg(self) -> bytes:
        """Another frame of this person: the same picture, encoded otherwise, with other bytes after its end."""
        number = next(self.numbers)
        return self.pictures[number % 24] + number.to_bytes(4)

    def send(self, jpeg: bytes | None = None, number: int | None = None, after: float = STEP) -> dict[str, Any]:
        Visitor.acting = self
        self.clock.now += after
        self.sent.append(jpeg or self.jpeg())
        url = f"/login/liveness/frame/?number={number or len(self.sent)}"
        response = self.client.post(url, self.sent[-1], content_type="image/jpeg")
        self.answer = response.json()
        assert response.status_code == (422 if self.answer["state"] == "failed" else 200)
        if self.answer.get("keep"):
            self.kept.append(self.sent[-1])
        return self.answer

    def look(self) -> list[bytes]:
        """Lead the whole conversation; the frames to sign in with."""
        self.start()
        while self.answer["state"] == "looking":
            self.pose = pose_for(self.answer["say"], self.pose)
            self.send()
        return [self.kept[place] for place in self.answer.get("best", [])]

    def enter(self, jpegs: list[bytes], path: str = "/login/", **headers: str) -> Any:
        return self.client.post(path, {"frame": [url(jpeg) for jpeg in jpegs]}, headers=headers or JSON)


def url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


@pytest.fixture
def grace(stage: Clock) -> Visitor:
    return Visitor(stage, pictures.hopper())


@pytest.fixture
def eileen(stage: Clock) -> Visitor:
    return Visitor(stage, pictures.collins())


@pytest.fixture
def codes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Why looks ended, as the operator's log has it."""

    class Codes(list[str]):
        def __eq__(self, other: object) -> bool:
            return [record.args[0] for record in caplog.records if record.name == "faceauth.liveness.sessions"] == other  # type: ignore[index]

        def __repr__(self) -> str:
            return caplog.text

    caplog.set_level(logging.WARNING, "faceauth.liveness.sessions")
    return Codes()


def reason_of(response: Any) -> str:
    assert response.status_code == 422, response.content
    return str(response.json()["reason"])


# The way in -----------------------------------------------------------------------------------------------------------


def test_a_stranger_is_remembered_and_known_again(grace: Visitor) -> None:
    question = grace.enter(grace.look())
    assert question.json()["outcome"] == Outcome.STRANGER
    answer = {"sealed": question.json()["sealed"], "answer": "yes"}
    assert grace.client.post("/login/enrol/", answer, headers=JSON).json()["outcome"] == Outcome.ENROLLED
    user = User.objects.get()
    assert user.faces.count() == 3

    back = Visitor(grace.clock, pictures.another(pictures.hopper()))
    response = back.enter(back.look(), Accept="text/html")
    assert (response.status_code, response["Location"]) == (302, "/account/devices/trust/?next=%2F")
    assert back.client.session["_auth_user_id"] == str(user.pk)
    assert SignIn.objects.filter(outcome=Outcome.RECOGNISED, method=SignIn.Method.LIVENESS, user=user).count() == 1


def test_whoever_is_somebody_else_stays_outside(grace: Visitor, eileen: Visitor) -> None:
    question = grace.enter(grace.look())
    grace.client.post("/login/enrol/", {"sealed": question.json()["sealed"], "answer": "yes"})
    assert eileen.enter(eileen.look()).json()["outcome"] == Outcome.STRANGER
    assert "_auth_user_id" not in eileen.client.session


def test_the_frames_may_come_as_files(grace: Visitor) -> None:
    files = [SimpleUploadedFile("frame.jpg", jpeg, "image/jpeg") for jpeg in grace.look()]
    assert grace.client.post("/login/", {"frame": files}, headers=JSON).json()["outcome"] == Outcome.STRANGER


def test_all_of_the_frames_must_come(grace: Visitor, codes: list[str]) -> None:
    """Whoever could leave out the frame of a movement could be recognised by a picture again."""
    for place in range(3):
        best = grace.look()
        assert reason_of(grace.enter([*best[:place], *best[place + 1 :]])) == Reason.LIVENESS_FAILED
    assert codes == ["swapped"] * 3


def test_being_looked_at_once_more(grace: Visitor, eileen: Visitor) -> None:
    question = grace.enter(grace.look())
    grace.client.post("/login/enrol/", {"sealed": question.json()["sealed"], "answer": "yes"})
    before = grace.client.session["faceauth.face_verified"]
    response = grace.enter(grace.look(), "/reauthenticate/?next=/account/forget/", Accept="text/html")
    assert (response.status_code, response["Location"]) == (302, "/account/forget/")
    assert grace.client.session["faceauth.face_verified"] > before
    grace.pictures = eileen.pictures
    assert reason_of(grace.enter(grace.look(), "/reauthenticate/")) == Reason.DIFFERENT_PERSON
    assert (
        reason_of(grace.client.post("/reauthenticate/", {"image": url(grace.person)}, headers=JSON))
        == Reason.LIVENESS_REQUIRED
    )


def test_what_the_page_hears(grace: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "draw", lambda room: (Ask.LEFT, Ask.UP))
    monkeypatch.setattr(challenge.step, "__defaults__", (challenge.draw,))
    grace.start()
    assert grace.answer == {"state": "looking", "say": "straight", "message": "Look straight at me."}
    live = {"yaw": 0, "pitch": 0, "right": 0.0, "down": 0.0, "distance": -0.4, "fits": True}
    same = {"state": "looking", "keep": False, "best": [], "live": live, "hint": None}
    for number in range(1, challenge.FIRST[Kind.FULL]):
        hears = {"say": "straight", "message": "Look straight at me.", "progress": round(number / 3, 3)}
        assert grace.send() == same | hears
    hears = {"say": "left", "message": "Turn your head to your left, slowly.", "progress": 0}
    assert grace.send() == same | hears
    grace.pose = {"yaw": 13}
    assert grace.send()["live"]["yaw"] == 13
    grace.pose = {"refusal": Reason.TOO_DARK}
    assert grace.send()["message"] == sentence(Outcome.REFUSED, Reason.TOO_DARK)


# Who must -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "frame", "file"),
    [
        ("fallback", None, None),
        ("never", Reason.LIVENESS_REQUIRED, Reason.LIVENESS_REQUIRED),
        ("open", None, None),
    ],
)
def test_what_a_photo_may_do(
    setting: str, frame: Reason | None, file: Reason | None, settings: Settings, collection: Collection
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": setting}
    face = pictures.hopper()
    ways = {"image": url(face), "file": SimpleUploadedFile("me.jpg", face, "image/jpeg")}
    for (name, value), reason in zip(ways.items(), (frame, file), strict=True):
        answer = Client().post("/login/", {name: value}, headers=JSON).json()
        assert answer["reason"] == reason, name
    page = Client().get("/login/").content.decode()
    assert ("data-liveness-url" in page) == (setting != "open")
    assert ('name="file"' in page) == (setting != "never")


def test_the_default_asks_for_it(settings: Settings) -> None:
    assert settings.FACEAUTH["PHOTOS"] == "fallback"


# Attacks on the server ------------------------------------------------------------------------------------------------


def test_without_a_look(grace: Visitor, codes: list[str]) -> None:
    assert reason_of(grace.enter([grace.jpeg()])) == Reason.EXPIRED
    assert grace.send(number=1)["say"] == Reason.EXPIRED
    assert codes == ["no_look"] * 2


def test_before_the_look_is_over(grace: Visitor, codes: list[str]) -> None:
    grace.start()
    grace.send()
    assert reason_of(grace.enter(grace.sent)) == Reason.LIVENESS_FAILED
    assert codes == ["unfinished"]


def test_rewinding(grace: Visitor, codes: list[str]) -> None:
    grace.start()
    grace.send()
    grace.send()
    assert grace.send(number=2)["say"] == Reason.LIVENESS_FAILED
    assert grace.send(number=3)["say"] == Reason.EXPIRED  # it is over
    assert codes == ["out_of_order", "no_look"]


@pytest.mark.parametrize("number", [3, 0, 10**6, "x", "-1", "²"])
def test_a_number_that_is_not_the_next(number: Any, grace: Visitor, codes: list[str]) -> None:
    grace.start()
    grace.send()
    response = grace.client.post(f"/login/liveness/frame/?number={number}", grace.jpeg(), content_type="image/jpeg")
    assert response.json()["say"] == Reason.LIVENESS_FAILED
    assert codes == ["out_of_order"]


def test_two_frames_at_once(grace: Visitor, codes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes with the same number while the first is looked at: neither counts."""
    grace.start()
    grace.send()
    honest = sessions.observe_jpeg
    twin = Client()
    twin.cookies = grace.client.cookies

    def meanwhile(jpeg: bytes, digest: str, at: float) -> Observation:
        monkeypatch.setattr(sessions, "observe_jpeg", honest)
        other = twin.post("/login/liveness/frame/?number=2", grace.jpeg(), content_type="image/jpeg")
        assert other.json()["state"] == "failed"
        return honest(jpeg, digest, at)

    monkeypatch.setattr(sessions, "observe_jpeg", meanwhile)
    assert grace.send()["say"] == Reason.LIVENESS_FAILED
    assert codes == ["out_of_order"] * 2
    assert not LivenessSession.objects.exists()


def test_a_recorded_look_in_a_new_one(grace: Visitor, codes: list[str]) -> None:
    grace.look()
    recorded = grace.sent
    thief = Visitor(grace.clock, grace.person)
    thief.start()
    assert thief.send(recorded[0])["say"] == Reason.LIVENESS_FAILED
    grace.start()  # nor in the same session
    assert grace.send(recorded[-1])["say"] == Reason.LIVENESS_FAILED
    assert codes == ["replayed"] * 2


def test_a_failed_looks_frames_are_spent_too(grace: Visitor, codes: list[str]) -> None:
    grace.start()
    grace.send()
    [first] = grace.sent
    grace.send(after=30)
    grace.start()
    assert grace.send(first)["state"] == "failed"
    assert codes == ["too_slow", "replayed"]


def test_frames_of_two_sessions(grace: Visitor, eileen: Visitor, codes: list[str]) -> None:
    """What one session has passed does not open the other, whoever passed there."""
    hers, others = grace.look(), eileen.look()
    assert reason_of(eileen.enter(hers)) == Reason.LIVENESS_FAILED
    assert reason_of(grace.enter([hers[0], others[0]])) == Reason.LIVENESS_FAILED
    assert codes == ["swapped"] * 2


def test_a_look_in_another_session_does_not_open(grace: Visitor, eileen: Visitor, codes: list[str]) -> None:
    """Whoever could write another look's number into their session still lacks what its row is sealed with."""
    hers = grace.look()
    eileen.look()
    session = eileen.client.session
    session[sessions.LIVENESS] = [grace.client.session[sessions.LIVENESS][0], session[sessions.LIVENESS][1]]
    session.save()
    assert reason_of(eileen.enter(hers)) == Reason.EXPIRED
    assert codes == ["no_look"]


def test_a_finished_look_is_used_once(grace: Visitor, codes: list[str]) -> None:
    best = grace.look()
    assert grace.enter(best).json()["outcome"] == Outcome.STRANGER
    assert reason_of(grace.enter(best)) == Reason.EXPIRED
    assert codes == ["no_look"]


def test_no_frame_after_the_last(grace: Visitor, codes: list[str]) -> None:
    grace.look()
    assert grace.send()["say"] == Reason.LIVENESS_FAILED
    assert codes == ["out_of_order"]


def test_a_finished_look_waits_for_a_minute(grace: Visitor, codes: list[str]) -> None:
    best = grace.look()
    LivenessSession.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert reason_of(grace.enter(best)) == Reason.EXPIRED
    assert codes == ["no_look"]


def test_the_last_frame_swapped(grace: Visitor, eileen: Visitor, codes: list[str]) -> None:
    best = grace.look()
    assert reason_of(grace.enter([*best[:2], eileen.jpeg()])) == Reason.LIVENESS_FAILED
    best = grace.look()
    assert (
        reason_of(grace.enter([best[0] + b"\0"])) == Reason.LIVENESS_FAILED
    )  # the same picture, but not the same bytes
    best = grace.look()
    assert reason_of(grace.enter([best[0], best[0]])) == Reason.LIVENESS_FAILED
    grace.look()
    assert reason_of(grace.enter([grace.sent[0]])) == Reason.LIVENESS_FAILED  # of this look, but not of its end
    assert codes == ["swapped"] * 4


@pytest.mark.parametrize(
    ("pose", "after", "code", "reason", "why", "says"),
    [
        (
            {"refusal": Reason.SEVERAL_FACES},
            STEP,
            "several_faces",
            Reason.SEVERAL_FACES,
            "alone",
            "more than one face in the picture. Please try again, alone. I see",
        ),
        ({"refusal": Reason.NO_FACE}, STEP, "lost", Reason.NO_FACE, "lost", "I lost sight of your face."),
        (
            {"refusal": Reason.NO_FACE, "contrast": 0.5},
            STEP,
            "lost",
            Reason.NO_FACE,
            "covered",
            "Something covers the camera.",
        ),
        ({"refusal": Reason.TOO_DARK}, STEP, "lost", Reason.NO_FACE, "brighter", "It is too dark here."),
        ({}, 4.0, "too_slow", Reason.EXPIRED, "too_slow", "The time was over."),
        ({}, 0.01, "too_fast", Reason.LIVENESS_FAILED, "too_fast", "came too quickly"),
        ({}, STEP, "unmoved", Reason.EXPIRED, "unmoved", "not seen you move your head"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_it_fails(
    pose: dict[str, Any],
    after: float,
    code: str,
    reason: Reason,
    why: str,
    says: str,
    grace: Visitor,
    codes: list[str],
) -> None:
    """Whoever tries again hears what was wrong; the log of the door has one of a few reasons."""
    grace.start()
    for _ in range(challenge.FIRST[Kind.FULL]):
        grace.send()
    grace.pose = pose
    while grace.answer["state"] == "looking":
        grace.send(after=after)
    assert grace.answer["say"] == reason
    assert says in grace.answer["message"]
    assert grace.answer["why"] == why
    assert codes == [code]
    sign_in = SignIn.objects.get()
    assert (sign_in.outcome, sign_in.reason, sign_in.method) == (Outcome.REFUSED, reason, SignIn.Method.LIVENESS)
    assert not LivenessSession.objects.exists()


def failures() -> int:
    """Those of the hour, which are those of the day."""
    return max(RateCount.objects.filter(key__startswith="failures").values_list("count", flat=True), default=0)


def test_a_look_that_is_left_when_it_asks_has_failed(grace: Visitor, settings: Settings) -> None:
    """Or somebody whose recording does not fit would begin again until it does."""
    settings.FACEAUTH = {**settings.FACEAUTH, "FAILURES_PER_ADDRESS": "2/h"}
    for _ in range(2):
        grace.start()
        while grace.answer["say"] == Ask.STRAIGHT:
            grace.send()
    assert failures() == 2
    answer = grace.client.post("/login/liveness/", headers=JSON)
    assert answer.status_code == 429
    assert "That was too many attempts." in answer.json()["message"]


def test_one_that_is_left_before_has_not(grace: Visitor) -> None:
    grace.start()
    grace.send()
    grace.start()
    assert failures() == 0


def test_one_that_is_passed_has_not(grace: Visitor) -> None:
    assert grace.look()
    assert failures() == 0
    assert grace.look()
    assert failures() == 0


def test_one_look_is_one_attempt(grace: Visitor) -> None:
    assert grace.look()
    assert set(RateCount.objects.filter(key__startswith="attempts").values_list("count", flat=True)) == {1}


def test_one_that_fails_counts_once(grace: Visitor) -> None:
    grace.start()
    while grace.answer["say"] == Ask.STRAIGHT:
        grace.send()
    assert grace.send(grace.sent[0])["state"] == "failed"
    assert failures() == 1


def test_nobody_is_asked_anything_when_there_is_no_more_room(grace: Visitor, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "FAILURES_PER_ADDRESS": "1/h"}
    others = [Visitor(grace.clock, grace.person) for _ in range(2)]
    for other in others:
        other.start()
        for _ in range(challenge.FIRST[Kind.FULL] - 1):
            other.send()
    assert others[0].send()["say"] != Ask.STRAIGHT
    url = f"/login/liveness/frame/?number={challenge.FIRST[Kind.FULL]}"
    grace.clock.now += STEP
    answer = others[1].client.post(url, others[1].jpeg(), content_type="image/jpeg", headers=JSON)
    assert (answer.status_code, answer.json()["outcome"]) == (429, "throttled")
    assert LivenessSession.objects.count() == 1


def test_frames_of_no_look_do_not_fill_the_log(collection: Collection, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ATTEMPTS_PER_ADDRESS": "5/m"}
    client = Client()
    came = [client.post("/login/liveness/frame/?number=1", b"x", content_type="image/jpeg") for _ in range(20)]
    assert [answer.status_code for answer in came] == [422] * 5 + [429] * 15
    assert SignIn.objects.count() == 6  # five, and one that stands for all the others


def test_a_frame_that_is_too_large(grace: Visitor, codes: list[str]) -> None:
    grace.start()
    assert grace.send(b"\xff" * 400_001)["say"] == Reason.LIVENESS_FAILED
    assert codes == ["oversized"]


def test_what_is_no_picture_is_an_empty_frame(clock: Clock, collection: Collection) -> None:
    visitor = Visitor(clock, pictures.hopper())
    visitor.start()
    assert visitor.send(b"text")["say"] == Reason.NOT_AN_IMAGE
    assert visitor.answer["state"] == "looking"


def test_it_needs_a_token(collection: Collection) -> None:
    for path in ("/login/liveness/", "/login/liveness/frame/?number=1"):
        assert Client(enforce_csrf_checks=True).post(path, b"x", content_type="image/jpeg").status_code == 403
        assert Client().get(path).status_code == 405


# Kinds, more time, and replays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "frames", "seconds"), [(Kind.SINGLE, 3, 2.0), (Kind.GLANCE, 3, 1.5)])
def test_whoever_starts_it_chooses_how_much_is_asked(
    kind: Kind, frames: int, seconds: float, grace: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = sessions.start
    monkeypatch.setattr(sessions, "start", lambda session, _kind: start(session, kind=kind))
    began = grace.clock.now
    best = grace.look()
    assert len(best) == frames
    assert grace.clock.now - began <= seconds
    answer = grace.enter(best).json()
    assert answer["reason"] == Reason.LIVENESS_REQUIRED  # no trusted device: a quick check opens nothing


def test_the_page_can_ask_for_more_time_once(grace: Visitor) -> None:
    assert grace.client.post("/login/liveness/extend/").json() == {"extended": False}  # no check is under way
    grace.start()
    grace.send()
    answers = [grace.client.post("/login/liveness/extend/").json()["extended"] for _ in range(2)]
    assert answers == [True, False]
    assert grace.client.get("/login/liveness/extend/").status_code == 405


def test_after_three_seconds_without_progress_the_page_says_one_thing_to_do(grace: Visitor) -> None:
    grace.start()
    grace.pose = {"refusal": Reason.NO_FACE, "contrast": 0.5}
    grace.send()
    assert grace.answer["message"] == sentence(Outcome.REFUSED, Reason.NO_FACE)
    for _ in range(3):
        grace.send(after=1.1)
    assert grace.answer["hint"] == "covered"
    assert grace.answer["message"].startswith("Something covers the camera.")


def test_there_is_more_time_once(grace: Visitor, codes: list[str]) -> None:
    grace.start()
    grace.send()
    session = grace.client.session
    assert sessions.extend(session)
    assert not sessions.extend(session)
    for _ in range(12):
        grace.clock.now += 2.0
        grace.send()
    assert grace.answer["state"] == "looking"
    for _ in range(9):
        if grace.answer["state"] == "looking":
            grace.clock.now += 2.0
            grace.send()
    assert codes == ["unmoved"]
    assert not sessions.extend(grace.client.session)


def test_after_three_seconds_without_progress_it_says_what_to_do(grace: Visitor) -> None:
    grace.start()
    grace.pose = {"share": 0.12, "yaw": 14}
    hints = [grace.send()["hint"] for _ in range(11)]
    assert hints[:9] == [None] * 9
    assert hints[9:] == ["closer"] * 2
    grace.pose = {"share": 0.4, "yaw": 0}
    assert grace.send()["hint"] is None


def test_a_camera_that_starts_black_bars_nobody(clock: Clock, collection: Collection, codes: list[str]) -> None:
    black = pictures.encoded(Image.new("RGB", (640, 480)))
    for _ in range(3):
        visitor = Visitor(clock, pictures.hopper())
        visitor.start()
        assert visitor.send(black)["state"] == "looking"
        assert visitor.send(black)["state"] == "looking"
    assert not SpentFrame.objects.exists()
    assert codes == []


def test_a_frame_with_a_face_is_spent_however_it_is_encoded(
    clock: Clock, collection: Collection, codes: list[str]
) -> None:
    frame = pictures.encoded(pictures.opened(pictures.hopper()))
    visitor = Visitor(clock, frame)
    visitor.start()
    assert visitor.send(frame)["state"] == "looking"
    for number, other in enumerate([frame, frame + b"more", frame[:2] + b"\xff\xfe\0\x06more" + frame[2:]]):
        thief = Visitor(clock, frame)
        thief.start()
        assert thief.send(other)["say"] == Reason.LIVENESS_FAILED
        assert codes == ["replayed"] * (number + 1)


@pytest.mark.parametrize(("kind", "reason"), [("PNG", Reason.UNSUPPORTED_FORMAT), ("WEBP", Reason.UNSUPPORTED_FORMAT)])
def test_a_frame_is_a_jpeg(kind: str, reason: Reason, clock: Clock, collection: Collection) -> None:
    visitor = Visitor(clock, pictures.hopper())
    visitor.start()
    small = pictures.opened(pictures.hopper()).resize((256, 300))
    assert visitor.send(pictures.encoded(small, kind))["say"] == reason
    assert visitor.answer["state"] == "looking"


def test_a_frame_of_many_pixels_is_not_decoded(clock: Clock, collection: Collection) -> None:
    visitor = Visitor(clock, pictures.hopper())
    visitor.start()
    assert visitor.send(pictures.encoded(Image.new("RGB", (4000, 4000))))["say"] == Reason.TOO_LARGE
    assert visitor.answer["state"] == "looking"


# What is kept ---------------------------------------------------------------------------------------------------------


def test_nothing_of_a_frame_is_written_anywhere(
    grace: Visitor, caplog: pytest.LogCaptureFixture, transactional_db: None
) -> None:
    caplog.set_level(logging.DEBUG)
    grace.start()
    for _ in range(challenge.FIRST[Kind.FULL] + 2):
        grace.pose = pose_for(grace.answer["say"], grace.pose)
        grace.send()
    written = everything_written() + caplog.text.encode()
    grace.look()
    grace.enter(grace.look())
    written += everything_written() + caplog.text.encode()
    assert len(written) > 10_000
    for start in range(1000, 20_000, 3000):
        part = grace.sent[-1][start : start + 60]
        for form in (part, base64.b64encode(part)[4:-4], part.hex().encode(), repr(part)[2:-1].encode()):
            assert form not in written
    assert b'"landmarks"' not in written  # as the state has them


def everything_written() -> bytes:
    """The database, whichever it is; and its file, where it is one, with what was written and deleted since."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows.append(str(cursor.fetchall()).encode())
    name = Path(str(connection.settings_dict["NAME"]))
    files = [file.read_bytes() for file in name.parent.glob(f"{name.name}*")] if name.is_absolute() else []
    return b"".join([*rows, *files])


def test_the_session_holds_a_number_and_a_nonce(grace: Visitor) -> None:
    grace.start()
    grace.send()
    assert len(str(grace.client.session[sessions.LIVENESS])) < 100
    assert len(Session.objects.get().session_data) < 400


def test_the_row_opens_with_its_sessions_nonce_alone(grace: Visitor) -> None:
    grace.start()
    for _ in range(challenge.FIRST[Kind.FULL]):
        grace.send()
    row = LivenessSession.objects.get()
    _pk, nonce = grace.client.session[sessions.LIVENESS]
    state = sessions.opened(row.sealed, nonce)
    assert state is not None
    assert state.base is not None
    assert sessions.opened(row.sealed, nonce + "x") is None
    assert sessions.opened(row.sealed[:-8] + "AAAAAAAA", nonce) is None


def test_no_template_is_left_when_it_is_passed(grace: Visitor) -> None:
    grace.look()
    state = sessions.opened(LivenessSession.objects.get().sealed, grace.client.session[sessions.LIVENESS][1])
    assert state is not None
    assert state.base is None
    assert not any(one.template for one in state.finals)


def test_a_new_look_ends_the_one_before(grace: Visitor, codes: list[str]) -> None:
    best = grace.look()
    grace.start()
    assert LivenessSession.objects.count() == 1
    assert reason_of(grace.enter(best)) == Reason.LIVENESS_FAILED
    assert codes == ["unfinished"]


def test_what_was_left_lying_is_swept(grace: Visitor) -> None:
    grace.start()
    grace.send()
    LivenessSession.objects.update(expires=timezone.now() - timedelta(minutes=2))
    SpentFrame.objects.update(at=timezone.now() - timedelta(days=1, minutes=1))
    Visitor(grace.clock, grace.person).start()
    assert LivenessSession.objects.count() == 1
    assert not SpentFrame.objects.exists()

"""Face Liveness: sessions made and read with boto3, and a check in frames over HTTP, which each kind of end follows."""

import argparse
import asyncio
import base64
import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import MagicMock

import pytest
import urllib3
from PIL import Image
from playwright.sync_api import Browser, expect

from faceauth.liveness import challenge, frames
from faceauth.liveness.challenge import Ask, Code, Observation
from faceauth.local import command, face_liveness, http
from faceauth.local.options import Options, configure, options
from faceauth.outcomes import Reason
from faceauth.tests import films, pictures
from faceauth.tests.clock import Clock
from faceauth.tests.films import STEP, Actor
from faceauth.tests.heads import pose_for, seen
from faceauth.tests.local import call
from faceauth.tests.local_endpoints import client_for, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(face_liveness, "time", clock)
    monkeypatch.setattr("faceauth.local.operations.face_liveness.time", clock)
    return clock


@contextmanager
def serving_here() -> Iterator[str]:
    """The service's HTTP in a thread of this process, so that a test can set its clock."""
    started: Future[tuple[str, Callable[[], object]]] = Future()

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.CancelledError):  # a client that still waits at the end
                await http.Connection(executor, http.Bodies()).serve(reader, writer)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=http.MAX_HEAD)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        started.set_result((url, lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        server.close()

    with ThreadPoolExecutor(2) as executor:
        ended = executor.submit(asyncio.run, serve())
        url, stop = started.result(60)
        yield url
        stop()
        ended.result(60)


@pytest.fixture
def service(clock: Clock) -> Iterator[str]:
    configure(Options(accept_any_credentials=True, face_liveness=True))
    with serving_here() as url:
        yield url
    configure(Options())
    face_liveness.sessions.clear()
    face_liveness.spent.clear()


class Person:
    """Somebody before the page of a session."""

    def __init__(self, service: str, clock: Clock, jpeg: Callable[[Ask], bytes]) -> None:
        self.service, self.clock, self.jpeg = service, clock, jpeg
        self.client = client_for(service)
        self.session = ""
        self.said: dict[str, Any] = {}
        self.sent = 0

    def begin(self, **parameters: Any) -> str:
        self.session, self.sent = self.client.create_face_liveness_session(**parameters)["SessionId"], 0
        self.said = {"state": "looking", "say": "straight"}
        return self.session

    def send(self, jpeg: bytes | None = None, number: int | None = None) -> int:
        self.clock.now += STEP
        self.sent += 1
        say = self.said.get("say")
        body = jpeg or self.jpeg(Ask(say) if say in set(Ask) else Ask.STRAIGHT)
        url = f"{self.service}face-liveness/{self.session}?number={number or self.sent}"
        answer = urllib3.request("POST", url, body=body, retries=False, timeout=30)
        self.said = json.loads(answer.data)
        return answer.status

    def check(self) -> str:
        while self.said["state"] == "looking":
            assert self.send() == 200
        return str(self.said["state"])

    def results(self) -> dict[str, Any]:
        answer = self.client.get_face_liveness_session_results(SessionId=self.session)
        assert answer.pop("SessionId") == self.session
        del answer["ResponseMetadata"]
        return dict(answer)


@pytest.fixture
def grace(service: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Grace Hopper's picture, in which the detector sees a head that does what is said."""
    chance = random.Random(0)  # noqa: S311
    pose: dict[str, Any] = {}
    portrait = pictures.encoded(pictures.opened(pictures.hopper()), quality=80)

    def jpeg(ask: Ask) -> bytes:
        pose.update(pose_for(ask, pose))
        return portrait + chance.getrandbits(64).to_bytes(8)

    def observe(jpeg: bytes, at: float) -> Observation:
        digest = frames.digest(jpeg, face_liveness.KEY)
        return seen(at, chance, digest=digest, pixels=digest, **pose)

    monkeypatch.setattr(face_liveness, "observe", observe)
    return Person(service, clock, jpeg)


MOVEMENT = {"Type": "FaceMovementChallenge", "Version": "1.0.0"}


def test_from_created_to_succeeded(grace: Person) -> None:
    grace.begin(Settings={"AuditImagesLimit": 1}, KmsKeyId="alias/mine")
    assert grace.results() == {"Status": "CREATED", "Challenge": MOVEMENT}
    grace.send()
    assert grace.results() == {"Status": "IN_PROGRESS", "Challenge": MOVEMENT}
    assert grace.check() == "passed"
    results = grace.results()
    assert (results["Status"], results["Confidence"], results["Feedback"]) == ("SUCCEEDED", pytest.approx(98.6), [])
    reference = results["ReferenceImage"]
    portrait = pictures.encoded(pictures.opened(pictures.hopper()), quality=80)
    assert reference["Bytes"].startswith(portrait)
    assert 0.3 < reference["BoundingBox"]["Width"] < 0.6
    (audit,) = results["AuditImages"]
    assert audit["Bytes"].startswith(portrait)
    assert audit["Bytes"] != reference["Bytes"]
    # Further frames are refused, and change nothing.
    assert grace.send() == 400
    assert grace.results()["Status"] == "SUCCEEDED"


def test_without_a_limit_there_are_no_audit_images(grace: Person) -> None:
    grace.begin()
    grace.check()
    assert grace.results()["AuditImages"] == []
    assert len(face_liveness.sessions[grace.session].pictures) <= 10


def test_three_minutes_after_it_was_made_nothing_is_left(grace: Person, clock: Clock) -> None:
    made = clock.now
    grace.begin(Settings={"AuditImagesLimit": 4})
    grace.check()
    clock.now = made + 179.9
    assert "ReferenceImage" in grace.results()
    clock.now = made + 180
    face_liveness.sweep()  # as the server does, without a request
    left = face_liveness.sessions[grace.session]
    assert (left.pictures, left.state) == ({}, None)
    assert grace.results() == {"Status": "EXPIRED", "Challenge": MOVEMENT}
    assert grace.send() == 400
    clock.now = made + 180 + 3600
    refused("SessionNotFoundException", grace.results)


def test_one_that_nobody_begins_expires_too(grace: Person, clock: Clock) -> None:
    grace.begin()
    clock.now += 181
    assert grace.results()["Status"] == "EXPIRED"


def test_an_attack_is_a_check_that_succeeds_with_no_confidence(grace: Person) -> None:
    grace.begin()
    grace.send()
    frame = grace.jpeg(Ask.STRAIGHT)
    grace.send(frame)
    grace.send(frame)
    assert grace.said == {"state": "failed", "say": Code.REPEATED, "progress": 0}
    assert grace.results() == {
        "Status": "SUCCEEDED",
        "Challenge": MOVEMENT,
        "Confidence": 0.0,
        "Feedback": [],
        "AuditImages": [],
    }
    assert face_liveness.sessions[grace.session].pictures == {}


def test_a_frame_of_one_check_works_in_no_other(grace: Person) -> None:
    grace.begin()
    frame = grace.jpeg(Ask.STRAIGHT)
    grace.send(frame)
    grace.begin()
    grace.send(frame)
    assert (grace.said["say"], grace.results()["Confidence"]) == (Code.REPEATED, 0.0)


def test_who_is_lost_or_too_slow_has_failed(grace: Person, clock: Clock) -> None:
    grace.begin()
    grace.send()
    clock.now += 5
    grace.send()
    assert grace.said["say"] == Code.TOO_SLOW
    assert grace.results() == {"Status": "FAILED", "Challenge": MOVEMENT}


@pytest.mark.parametrize("number", [1, 3, 9999])
def test_frames_are_taken_in_their_order(number: int, grace: Person) -> None:
    grace.begin()
    grace.send()
    grace.send(number=number)
    assert (grace.said["state"], grace.results()["Status"]) == ("failed", "FAILED")


def test_one_token_is_one_session(grace: Person, clock: Clock) -> None:
    first = grace.begin(ClientRequestToken="mine")
    assert grace.begin(ClientRequestToken="mine", Settings={"AuditImagesLimit": 2}) == first
    assert grace.begin(ClientRequestToken="another") != first
    assert grace.begin() != grace.begin()
    clock.now += 181
    assert grace.begin(ClientRequestToken="mine") != first


def test_what_cannot_be_had_is_refused(grace: Person) -> None:
    create = grace.client.create_face_liveness_session
    bucket = {"OutputConfig": {"S3Bucket": "pictures"}}
    assert "stores no pictures" in refused("InvalidParameterException", create, Settings=bucket)
    refused("InvalidParameterException", create, Settings={"AuditImagesLimit": 5})
    for wanted in (
        {"Type": "FaceMovementAndLightChallenge"},
        {"Type": "FaceMovementChallenge", "Versions": {"Minimum": "1.1.0"}},
        {"Type": "FaceMovementChallenge", "Versions": {"Maximum": "0.9.9"}},
    ):
        refused("InvalidParameterException", create, Settings={"ChallengePreferences": [wanted]})
    light, movement = {"Type": "FaceMovementAndLightChallenge"}, {"Type": "FaceMovementChallenge"}
    assert create(Settings={"ChallengePreferences": [light, movement]})["SessionId"]
    results = grace.client.get_face_liveness_session_results
    refused("SessionNotFoundException", results, SessionId=UNKNOWN)
    refused("InvalidParameterException", results, SessionId="x" * 36)


def test_sessions_are_limited(grace: Person, clock: Clock) -> None:
    for _ in range(face_liveness.MOST_SESSIONS):
        grace.begin()
    refused("ThrottlingException", grace.begin)
    clock.now += 180
    assert grace.begin()


def test_frames_that_are_no_frames(grace: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(face_liveness, "time", grace.clock)
    monkeypatch.setattr("faceauth.local.operations.face_liveness.time", grace.clock)
    grace.begin()
    for jpeg, reason in (
        (pictures.landscape(), Reason.NO_FACE),
        (b"no picture", Reason.NOT_AN_IMAGE),
        (pictures.encoded(Image.new("RGB", (99, 99)), "PNG"), Reason.UNSUPPORTED_FORMAT),
    ):
        assert (grace.send(jpeg), grace.said["say"]) == (200, reason)
    assert grace.results()["Status"] == "IN_PROGRESS"
    assert grace.send(bytes(204_801)) == 413
    grace.session = UNKNOWN
    assert (grace.send(b"x"), grace.said["__type"]) == (400, "SessionNotFoundException")


def test_another_name_of_this_machine_sends_no_frames(grace: Person) -> None:
    url = f"{grace.service}face-liveness/{grace.begin()}?number=1"
    answer = urllib3.request("POST", url, body=b"x", headers={"Host": "rebound.example"}, retries=False, timeout=30)
    assert (answer.status, json.loads(answer.data)["__type"]) == (400, "AccessDeniedException")


def test_in_this_process_there_is_no_face_liveness() -> None:
    """Nobody could send frames, and its memory is one of several."""
    answer = call("CreateFaceLivenessSession")
    assert (answer["status"], answer["__type"]) == (501, "NotImplementedException")
    assert call("GetFaceLivenessSessionResults", SessionId=UNKNOWN)["__type"] == "SessionNotFoundException"


@pytest.mark.parametrize(("workers", "there"), [(1, True), (2, False)])
def test_several_processes_have_no_face_liveness(workers: int, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceauth.local.server.Server", MagicMock())
    monkeypatch.setattr(command, "make_tables", MagicMock())
    monkeypatch.setattr(command, "connections", MagicMock())
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.serve(vars(parser.parse_args(["--accept-any-credentials", f"--workers={workers}"])), print)
    assert options().face_liveness is there
    configure(Options())


@pytest.mark.slow
@pytest.mark.xdist_group("films")
def test_a_film_of_a_person(service: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real pictures, looked at by the real detector; and the reference image finds the person."""
    monkeypatch.setattr(challenge.step, "__defaults__", (lambda room: (Ask.LEFT, Ask.RIGHT),))
    for seed in range(3):  # such films are of many days, and some do not pass
        powell = Actor(seed=seed)
        person = Person(service, clock, powell.frame)
        person.begin(Settings={"AuditImagesLimit": 4})
        if person.check() == "passed":
            break
    results = person.results()
    assert (results["Status"], results["Confidence"]) == ("SUCCEEDED", pytest.approx(98.6))
    assert 1 <= len(results["AuditImages"]) <= 4
    reference = base64.b64encode(results["ReferenceImage"]["Bytes"]).decode()
    source = base64.b64encode(films.encoded(powell.straight[0].pixels)).decode()
    matches = call("CompareFaces", SourceImage={"Bytes": source}, TargetImage={"Bytes": reference})["FaceMatches"]
    assert len(matches) == 1


@pytest.mark.slow
@pytest.mark.xdist_group("films")
def test_a_print_of_a_portrait(service: str, clock: Clock) -> None:
    person = Person(service, clock, lambda ask: pictures.encoded(pictures.opened(pictures.hopper()), quality=90))
    person.begin()
    assert person.check() == "failed"
    assert person.results()["Confidence"] == 0.0


CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = `hsl(${Math.random()}turn 80% 50%)`;
    context.fillRect(Math.random() * 600, 0, 40, 480);
  }, 30);
  return canvas.captureStream(30);
};
"""


@pytest.mark.browser
@pytest.mark.slow
def test_the_page_leads_through_the_check(chromium: Browser, grace: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge.step, "__defaults__", (lambda room: (Ask.LEFT, Ask.UP),))
    acted = face_liveness.observe

    def observe(jpeg: bytes, at: float) -> Observation:
        session = face_liveness.sessions[grace.session]
        grace.jpeg(session.state.asking if session.state else Ask.STRAIGHT)
        grace.clock.now += STEP
        return acted(jpeg, at)

    monkeypatch.setattr(face_liveness, "observe", observe)
    page = chromium.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.add_init_script(CAMERA)
    page.goto(f"{grace.service}face-liveness/{grace.begin()}")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("status")).to_have_text("Thank you, that is all. You can close this page.")
    results = grace.results()
    assert (results["Status"], pictures.opened(results["ReferenceImage"]["Bytes"]).size) == ("SUCCEEDED", (640, 480))
    assert problems == []
    page.close()

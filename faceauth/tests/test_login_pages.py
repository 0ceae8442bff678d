"""The site, with Rekognition in this process and as on AWS."""

import base64
import io
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.test import Client
from pytest_django import Settings

from faceauth.models import Consent, Face, SignIn
from faceauth.outcomes import Outcome, Reason, photo_sentence, sentence
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault
from faceauth.tests.sign_in import JSON, answer_consent, enrol_by_photo, sealed_in, send_frame, send_photo, signed_in
from privatekit.images import Busy

pytestmark = pytest.mark.usefixtures("without_look")  # test_liveness_web.py has the page that asks for it


@pytest.fixture
def site(endpoint: str, collection: Collection) -> Client:
    return Client()


# The way in -----------------------------------------------------------------------------------------------------------


def test_first_visit_and_return(site: Client) -> None:
    question = send_photo(site, pictures.hopper())
    assert question.status_code == 200
    assert "May I remember you?" in question.content.decode()
    assert not User.objects.exists()

    answer = answer_consent(site, question)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get()
    assert uuid.UUID(user.username).version == 4
    assert not user.has_usable_password()
    assert signed_in(site) == user
    assert Consent.objects.get().text

    site.post("/logout/")
    assert signed_in(site) is None

    back = send_frame(site, pictures.another(pictures.hopper()))
    assert (back.status_code, back["Location"]) == (302, "/")
    assert signed_in(site) == user
    assert list(SignIn.objects.order_by("pk").values_list("outcome", "method", "user")) == [
        ("stranger", "file", None),
        ("enrolled", "file", user.pk),
        ("recognised", "camera", user.pk),
    ]


def test_another_person_gets_another_notebook(site: Client) -> None:
    first = enrol_by_photo(site, pictures.hopper())
    other = Client()
    assert "May I remember you?" in send_photo(other, pictures.collins()).content.decode()
    assert signed_in(other) is None
    assert enrol_by_photo(other, pictures.collins()) != first


def test_no_leaves_nothing(site: Client) -> None:
    answer = answer_consent(site, send_photo(site, pictures.hopper()), "no")
    assert answer.status_code == 200
    assert "keep nothing" in answer.content.decode()
    assert not User.objects.exists()
    assert not Face.objects.exists()
    assert not Session.objects.exists()
    assert list(Collection("secretly").faces()) == []


def test_json(site: Client) -> None:
    stranger = send_frame(site, pictures.hopper(), JSON)
    assert stranger.status_code == 200
    content = stranger.json()
    sealed = content.pop("sealed")
    assert content == {
        "outcome": "stranger",
        "reason": None,
        "message": "We have not met. May I remember you?",
        "next": "/login/enrol/",
    }
    yes = site.post("/login/enrol/", {"sealed": sealed, "answer": "yes"}, headers=JSON)
    assert (yes.status_code, yes.json()["outcome"], yes.json()["next"]) == (200, "enrolled", "/")
    known = send_frame(Client(), pictures.hopper(), JSON)
    assert (known.status_code, known.json()["outcome"]) == (200, "recognised")
    refused = send_photo(Client(), b"text", JSON)
    assert refused.status_code == 422
    assert refused.json() == {
        "outcome": "refused",
        "reason": "not_an_image",
        "message": sentence(Outcome.REFUSED, Reason.NOT_AN_IMAGE),
        "next": "/login/",
    }
    assert "Accept" in refused["Vary"]


def test_session_is_new_after_recognition(site: Client) -> None:
    enrol_by_photo(site, pictures.hopper())
    site.post("/logout/")
    send_photo(site, pictures.collins())  # an anonymous session, which somebody else may have planted
    before = site.session.session_key
    send_photo(site, pictures.hopper())
    assert signed_in(site) is not None
    assert site.session.session_key != before


def test_session_is_new_after_consent(site: Client) -> None:
    question = send_photo(site, pictures.hopper())
    before = site.session.session_key
    answer_consent(site, question)
    assert signed_in(site) is not None
    assert site.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


# Consent --------------------------------------------------------------------------------------------------------------


def test_photo_waits_in_nobodys_database_or_session(site: Client) -> None:
    question = send_photo(site, pictures.hopper())
    assert len(sealed_in(question)) > 10_000
    [session] = Session.objects.all()
    assert len(session.session_data) < 400


def test_consent_of_another_session_counts_for_nothing(site: Client) -> None:
    question = send_photo(site, pictures.hopper())
    other = Client()
    send_photo(other, pictures.collins())
    answer = answer_consent(other, question)
    assert answer.status_code == 422
    assert sentence(Outcome.REFUSED, Reason.EXPIRED) in answer.content.decode()
    assert not User.objects.exists()


def test_consent_counts_once(site: Client) -> None:
    question = send_photo(site, pictures.hopper())
    answer_consent(site, question)
    assert answer_consent(site, question).headers["Location"] == "/"  # a double click: they are in
    assert User.objects.count() == 1
    assert Face.objects.count() == 1


def test_consent_too_late(site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    question = send_photo(site, pictures.hopper())
    monkeypatch.setattr("faceauth.web.consent.SECONDS", -1)
    assert answer_consent(site, question).status_code == 422
    assert not User.objects.exists()


def test_consent_without_a_photo(site: Client) -> None:
    assert site.post("/login/enrol/", {"answer": "yes"}).status_code == 422
    assert not User.objects.exists()


@pytest.mark.parametrize("answer", ["", "maybe", "YES "])
def test_only_yes_is_yes(site: Client, answer: str) -> None:
    answer_consent(site, send_photo(site, pictures.hopper()), answer)
    assert not User.objects.exists()


def test_open_enrolment_does_not_ask(site: Client, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "open"}
    Collection("secretly")
    assert send_photo(site, pictures.hopper()).status_code == 302
    assert signed_in(site) == User.objects.get()
    assert not Consent.objects.exists()


def test_closed_enrolment_does_not_remember(site: Client, settings: Settings) -> None:
    known = enrol_by_photo(Client(), pictures.hopper())
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "closed"}
    answer = send_photo(site, pictures.collins(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "closed")
    send_photo(site, pictures.hopper())
    assert signed_in(site) == known


# Who does not get in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}, {"is_superuser": True}])
def test_the_inactive_and_operators_stay_out(site: Client, change: dict[str, bool]) -> None:
    user = enrol_by_photo(Client(), pictures.hopper())
    User.objects.filter(pk=user.pk).update(**change)
    answer = send_photo(site, pictures.hopper(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "inactive")
    assert signed_in(site) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}])
def test_an_open_session_ends_with_the_right_to_it(site: Client, change: dict[str, bool]) -> None:
    user = enrol_by_photo(site, pictures.hopper())
    User.objects.filter(pk=user.pk).update(**change)
    assert site.get("/").status_code == 302


def test_a_user_who_is_gone_does_not_get_in(site: Client) -> None:
    enrol_by_photo(Client(), pictures.hopper()).delete()
    assert "May I remember you?" in send_photo(site, pictures.hopper()).content.decode()
    assert signed_in(site) is None


# Bad input ------------------------------------------------------------------------------------------------------------


def broken_jpeg() -> bytes:
    return pictures.hopper()[:20_000]


def as_kind(kind: str) -> Callable[[], bytes]:
    return lambda: pictures.encoded(pictures.opened(pictures.hopper()), kind)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (lambda: b"Dear diary", Reason.NOT_AN_IMAGE),
        (broken_jpeg, Reason.NOT_AN_IMAGE),
        (as_kind("GIF"), Reason.UNSUPPORTED_FORMAT),
        (as_kind("PDF"), Reason.UNSUPPORTED_FORMAT),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.UNSUPPORTED_FORMAT),
        (lambda: pictures.claims(30_000, 30_000), Reason.TOO_LARGE),
        (lambda: pictures.hopper() + b"\0" * 15_000_000, Reason.TOO_LARGE),
        (pictures.landscape, Reason.NO_FACE),
        (lambda: pictures.side_by_side(pictures.hopper(), pictures.collins()), Reason.SEVERAL_FACES),
        (lambda: pictures.far_away(pictures.hopper()), Reason.TOO_SMALL),
        (lambda: pictures.darkened(pictures.hopper()), Reason.TOO_DARK),
        (lambda: pictures.brightened(pictures.hopper()), Reason.TOO_BRIGHT),
        (lambda: pictures.blurred(pictures.hopper()), Reason.BLURRED),
        (lambda: pictures.on_its_side(pictures.hopper()), Reason.TURNED_AWAY),
    ],
)
def test_refused_photo(
    picture: Callable[[], bytes], reason: Reason, collection: Collection, calls: list[str], client: Client
) -> None:
    answer = send_photo(client, picture())
    assert answer.status_code == 422
    assert photo_sentence(reason) in answer.content.decode()
    assert calls == []
    sign_in = SignIn.objects.get()
    assert (sign_in.outcome, sign_in.reason) == (Outcome.REFUSED, reason)
    assert not User.objects.exists()
    assert not Session.objects.exists()


def test_a_refused_photo_stays_in_sight_and_a_frame_of_the_camera_does_not(
    collection: Collection, client: Client
) -> None:
    answer = send_photo(client, pictures.darkened(pictures.hopper()))
    shown = re.search(r'data-refused src="data:image/jpeg;base64,([^"]+)"', answer.content.decode())
    assert shown
    assert pictures.opened(base64.b64decode(shown[1])).height == 600
    assert "no-store" in answer.headers["Cache-Control"]
    taken = send_frame(client, pictures.darkened(pictures.hopper())).content.decode()
    assert "data-refused" not in taken
    assert sentence(Outcome.REFUSED, Reason.TOO_DARK) in taken
    assert "data-refused" not in send_photo(client, b"Dear diary").content.decode()  # there is nothing to be seen


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF"])
def test_other_formats_open_the_same_notebook(kind: str, collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    visitor = Client()
    send_photo(visitor, as_kind(kind)())
    assert signed_in(visitor) == user


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, Reason.NOT_AN_IMAGE),
        ({"image": "data:image/jpeg;base64,%%%"}, Reason.NOT_AN_IMAGE),
        ({"image": "hello"}, Reason.NOT_AN_IMAGE),
        ({"image": "data:image/jpeg;base64," + "A" * 20_000_004}, Reason.TOO_LARGE),
        ({"image": "data:image/jpeg;base64," + "A" * 22_000_000}, Reason.TOO_LARGE),
    ],
)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=BOUND"])
def test_refused_fields(
    fields: dict[str, str], reason: Reason, content_type: str, collection: Collection, client: Client
) -> None:
    if content_type.startswith("multipart"):
        part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        body = "".join("--BOUND\r\n" + part.format(*field) for field in fields.items()) + "--BOUND--\r\n"
    else:
        body = "&".join(f"{name}={value}" for name, value in fields.items())
    answer = client.post("/login/", body, content_type=content_type, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)


def test_both_fields(collection: Collection, client: Client) -> None:
    answer = send_photo(client, pictures.hopper(), JSON, image="data:image/jpeg;base64,AAAA")
    assert (answer.status_code, answer.json()["reason"]) == (422, "not_an_image")


@pytest.mark.parametrize("path", ["/login/", "/login/enrol/", "/logout/", "/account/forget/"])
def test_missing_token_says_to_try_again(path: str, collection: Collection) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(path, {"image": "x"})
    if path == "/account/forget/" and answer.status_code == 302:
        return  # nobody is signed in
    assert answer.status_code == 403
    assert "again" in answer.content.decode()
    assert not SignIn.objects.exists()


def test_stale_token_says_to_try_again(collection: Collection) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")
    answer = client.post("/login/", {"image": "x", "csrfmiddlewaretoken": "a" * 64})
    assert answer.status_code == 403
    assert "again" in answer.content.decode()


def test_a_photo_in_the_browsers_history_opens_nothing(collection: Collection) -> None:
    """Without a script the browser keeps the POST of a first visit, and offers to send it again after locking."""
    client = Client(enforce_csrf_checks=True)

    def token() -> str:
        return str(client.get("/login/").context["csrf_token"])

    first = {"csrfmiddlewaretoken": token()}
    question = send_photo(client, pictures.hopper(), **first)
    answer = {"sealed": sealed_in(question), "answer": "yes", **first}
    assert client.post("/login/enrol/", answer).status_code == 302
    client.post("/logout/", {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    assert signed_in(client) is None
    assert send_photo(client, pictures.hopper(), **first).status_code == 403
    assert signed_in(client) is None


@pytest.mark.parametrize(
    ("method", "path"), [("put", "/login/"), ("get", "/login/enrol/"), ("get", "/logout/"), ("delete", "/logout/")]
)
def test_wrong_method(method: str, path: str, client: Client, db: None) -> None:
    assert getattr(client, method)(path).status_code == 405


# Rekognition is broken ------------------------------------------------------------------------------------------------

UNREACHABLE = ConnectTimeoutError(endpoint_url="https://rekognition.us-east-1.amazonaws.com")
SILENT = ReadTimeoutError(endpoint_url="https://rekognition.us-east-1.amazonaws.com")


@pytest.mark.parametrize("operation", ["SearchFacesByImage", "IndexFaces"])
@pytest.mark.parametrize(
    ("problem", "status", "outcome", "cure"),
    [
        ("ThrottlingException", 429, "throttled", "quota"),
        ("ProvisionedThroughputExceededException", 429, "throttled", "quota"),
        ("AccessDeniedException", 503, "unavailable", "credentials"),
        ("UnrecognizedClientException", 503, "unavailable", "credentials"),
        ("ResourceNotFoundException", 503, "unavailable", "rekognition_collection create"),
        ("InternalServerError", 503, "unavailable", "Health Dashboard"),
        (UNREACHABLE, 503, "unavailable", "network"),
        (SILENT, 503, "unavailable", "network"),
    ],
)
def test_rekognition_is_broken(
    operation: str,
    problem: Any,
    status: int,
    outcome: str,
    cure: str,
    site: Client,
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    question = send_photo(site, pictures.hopper())
    fault(operation, problem, status=500 if problem == "InternalServerError" else 400)
    answer = (
        send_photo(site, pictures.hopper()) if operation == "SearchFacesByImage" else answer_consent(site, question)
    )
    assert answer.status_code == status
    assert sentence(Outcome(outcome)) in answer.content.decode()
    assert ("Retry-After" in answer) == (status == 429)
    assert cure in caplog.text
    assert SignIn.objects.first().outcome == outcome  # type: ignore[union-attr]
    assert not User.objects.exists()
    assert signed_in(site) is None


def test_collection_is_missing(endpoint: str, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = send_photo(client, pictures.hopper())
    assert answer.status_code == 503
    assert "manage.py rekognition_collection create" in caplog.text


def test_credentials_are_missing(
    settings: Settings, client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ENDPOINT": "aws"}
    answer = send_photo(client, pictures.hopper())
    assert answer.status_code == 503
    assert "Check the AWS credentials" in caplog.text


def test_an_index_that_stores_nothing_makes_nobody(site: Client, fault: Fault) -> None:
    question = send_photo(site, pictures.hopper())

    unindexed = [{"Reasons": ["LOW_SHARPNESS"], "FaceDetail": {}}]
    fault("IndexFaces", {"FaceRecords": [], "UnindexedFaces": unindexed, "FaceModelVersion": "7.0"}, status=200)
    answer = answer_consent(site, question, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "blurred")
    assert not User.objects.exists()


def test_a_user_who_cannot_be_saved_leaves_no_face(site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError("the disk is full")

    question = send_photo(site, pictures.hopper())
    monkeypatch.setattr(User, "save", fail)
    site.raise_request_exception = False
    assert answer_consent(site, question).status_code == 500
    assert list(Collection("secretly").faces()) == []


# Where to -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "location"),
    [("/admin/", "/admin/"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("javascript:alert(1)", "/")],
)
def test_next(given: str, location: str, collection: Collection, client: Client) -> None:
    enrol_by_photo(Client(), pictures.hopper())
    assert send_photo(client, pictures.hopper(), next=given)["Location"] == location


def test_the_question_carries_next(collection: Collection, client: Client) -> None:
    question = send_photo(client, pictures.hopper(), next="/admin/")
    assert 'name="next" value="/admin/"' in question.content.decode()


def test_door_is_open_to_a_signed_in_person(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    assert client.get("/login/")["Location"] == "/"


def test_door_is_never_cached(client: Client, db: None) -> None:
    assert "no-store" in client.get("/login/")["Cache-Control"]


# Nothing of a picture stays -------------------------------------------------------------------------------------------


def test_nothing_of_a_picture_is_written_anywhere(
    collection: Collection, client: Client, caplog: pytest.LogCaptureFixture, tmp_path: Any, settings: Settings
) -> None:
    """Search everything that was written for the picture: its JPEG, its base64, and as Python would print it."""
    from django.core.management import call_command

    caplog.set_level(logging.DEBUG)
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    big = pictures.encoded(pictures.opened(pictures.hopper()).resize((3600, 4200)), quality=98)
    assert len(big) > 2_500_000  # Django's own handler would have used a temporary file
    question = send_photo(client, big)
    answer_consent(client, question)
    send_frame(client, pictures.landscape())
    send_frame(client, pictures.collins())
    dump = io.StringIO()
    call_command("dumpdata", stdout=dump)
    written = dump.getvalue() + caplog.text + "".join(Session.objects.values_list("session_data", flat=True))
    for picture in (big, pictures.hopper(), pictures.collins()):
        middle = picture[len(picture) // 2 :][:60]
        assert base64.b64encode(middle).decode()[4:-4] not in written
        assert repr(middle)[2:-1] not in written
    assert "/9j/" not in written  # how every JPEG begins in base64
    assert "JFIF" not in written
    assert not list(tmp_path.iterdir())


def test_while_pictures_have_no_memory_left_one_comes_back_later(
    client: Client, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    def busy(*args: Any, **kwargs: Any) -> None:
        raise Busy

    monkeypatch.setattr("privatekit.images.small_rgb", busy)
    answer = send_photo(client, pictures.hopper(), JSON)
    assert (answer.status_code, answer.json()["outcome"]) == (503, "unavailable")


def test_phones_offer_the_gallery_where_a_photo_is_chosen(settings: Settings) -> None:
    """`capture` would open the camera alone. The notebook has it at "Take a photo", which stands beside "Files"."""
    folders = (settings.BASE_DIR / "templates", settings.BASE_DIR / "faceauth" / "templates")
    pages = {page.name for folder in folders for page in folder.rglob("*.html") if " capture" in page.read_text()}
    assert pages == {"editor_actions.html"}

"""docs/json-api.md, by a client that knows nothing but HTTP: every field and every code that it names."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from faceauth.outcomes import Outcome, Reason
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.hosts.plain_client import PlainClient, Reply

PAGE = (settings.BASE_DIR / "docs" / "json-api.md").read_text()
FOUR = {"outcome", "reason", "message", "next"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(live_server: LiveServer, collection_of_site: Collection) -> PlainClient:
    made = PlainClient(live_server.url)
    made.get("/login/")
    return made


@pytest.fixture
def collection_of_site(transactional_db: None) -> Collection:
    made = Collection(str(settings.FACEAUTH["COLLECTION"]))
    made.create()
    return made


def said(reply: Reply) -> tuple[int, Any, Any]:
    assert reply.json.keys() >= FOUR
    assert reply.json["message"]
    return reply.status, reply.json["outcome"], reply.json["reason"]


def enrol(client: PlainClient, picture: bytes) -> None:
    asked = client.post("/login/", files={"file": picture})
    assert said(client.post(asked.json["next"], {"answer": "yes", "sealed": asked.json["sealed"]}))[1] == "enrolled"


def test_the_page_names_every_outcome_and_reason_and_no_other() -> None:
    table = PAGE.split("## Reasons")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(Reason.values)
    outcomes = re.findall(r"^\| \d+ \| `(\w+)`", PAGE, re.M)
    assert set(outcomes) == set(Outcome.values)


def test_sign_in_consent_and_coming_back(client: PlainClient, live_server: LiveServer) -> None:
    asked = client.post("/login/", files={"file": pictures.hopper()})
    assert said(asked) == (200, "stranger", None)
    assert asked.json.keys() == FOUR | {"sealed"}
    assert asked.json["next"] == "/login/enrol/"
    enrolled = client.post("/login/enrol/", {"answer": "yes", "sealed": asked.json["sealed"], "next": "/account/"})
    assert said(enrolled) == (200, "enrolled", None)
    assert enrolled.json["next"] == "/account/"
    again = PlainClient(live_server.url)
    again.get("/login/")
    back = again.post("/login/", files={"file": pictures.another(pictures.hopper())})
    assert said(back) == (200, "recognised", None)
    assert back.json.keys() == FOUR


def test_what_is_refused_says_why(client: PlainClient) -> None:
    pairs = {
        "no_face": pictures.landscape(),
        "not_an_image": b"no picture",
        "too_dark": pictures.darkened(pictures.hopper()),
    }
    for reason, picture in pairs.items():
        assert said(client.post("/login/", files={"file": picture})) == (422, "refused", reason)
    assert said(client.post("/login/enrol/", {"answer": "yes", "sealed": "made up"})) == (422, "refused", "expired")
    assert client.post("/login/enrol/", {"answer": "no"}).json["outcome"] is None


def test_a_liveness_check_begins_looks_and_fails(client: PlainClient) -> None:
    begun = client.post("/login/liveness/")
    assert begun.json.keys() == {"state", "say", "message"}
    assert (begun.json["state"], begun.json["say"]) == ("looking", "straight")
    frame = {"Accept": "application/json", "Content-Type": "image/jpeg", "X-CSRFToken": client.cookies["csrftoken"]}
    first = client.send(
        "POST", "/login/liveness/frame/?number=1", pictures.encoded(pictures.opened(pictures.hopper())), frame
    )
    fields = {"state", "say", "message", "progress", "keep", "best", "live", "hint"}
    assert first.json.keys() == fields
    assert first.json["live"].keys() == {"yaw", "pitch", "right", "down", "distance", "fits"}
    wrong = client.send("POST", "/login/liveness/frame/?number=7", pictures.hopper(), frame)
    assert wrong.status == 422
    assert wrong.json.keys() == {"state", "say", "why", "message", "progress"}
    assert wrong.json["state"] == "failed"
    for word in fields | {"why", *first.json["live"]}:
        assert f"`{word}`" in PAGE


def test_faces_and_the_proof_that_they_need(client: PlainClient) -> None:
    enrol(client, pictures.hopper())
    listed = client.get("/account/faces/")
    assert listed.json.keys() >= FOUR | {"faces", "most"}
    assert listed.json["faces"][0].keys() >= {"face_id", "enrolled", "brightness", "sharpness"}
    assert client.post("/account/faces/withdraw/").status == 404  # here the face is all there is
    proof = client.post("/reauthenticate/", files={"file": pictures.another(pictures.hopper())})
    assert said(proof)[1] == "recognised"


def test_somebody_with_a_password_and_no_face(client: PlainClient, live_server: LiveServer) -> None:
    User.objects.create_user("ann", password="open sesame 1")
    client.get("/admin/login/")
    # The site has no page for passwords but the operators'; a host has its own, and the session is the same.
    session_of(client, User.objects.get(username="ann"))
    refused = client.post("/account/faces/", files={"file": pictures.collins()})
    assert said(refused) == (403, "refused", "password_required")
    assert refused.json["next"].startswith("/reauthenticate/password/")
    assert said(client.post("/reauthenticate/password/", {"password": "wrong"})) == (422, "refused", "password_failed")
    assert said(client.post("/reauthenticate/password/", {"password": "open sesame 1"}))[1] == "recognised"
    without = client.post("/account/faces/", files={"file": pictures.collins()})
    assert said(without) == (422, "refused", "consent_required")
    added = client.post("/account/faces/", {"consent": "yes"}, {"file": pictures.collins()})
    assert said(added) == (200, "enrolled", None)
    asked = client.post("/account/faces/withdraw/")
    assert said(asked) == (403, "refused", "liveness_required")
    client.post(asked.json["next"], files={"file": pictures.another(pictures.collins())})
    receipt = client.get(client.post("/account/faces/withdraw/").headers["location"])
    assert receipt.json.keys() == {"outcome", "forgotten", "complete", "faces"}
    assert receipt.json["faces"][0].keys() == {"face_id", "requested", "deleted"}
    assert client.get("/account/").status == 200


def session_of(client: PlainClient, user: User) -> None:
    """Sign the user in by other means than a face, long ago."""
    from django.test import Client

    from faceauth.web.reauthentication import SIGNED_IN

    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = browser.session
    session[SIGNED_IN] = 0
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = browser.cookies[settings.SESSION_COOKIE_NAME].value


def test_a_used_up_limit_says_for_how_long(client: PlainClient, settings: Any) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "ATTEMPTS_PER_SESSION": "1/m", "ATTEMPTS_PER_ADDRESS": "1/m"}
    client.post("/login/", files={"file": pictures.landscape()})
    limited = client.post("/login/", files={"file": pictures.landscape()})
    assert said(limited) == (429, "throttled", None)
    assert 1 <= int(limited.headers["retry-after"]) <= 60


def test_being_forgotten_by_a_client(client: PlainClient) -> None:
    enrol(client, pictures.hopper())
    assert client.post("/account/forget/", {"word": "nonsense"}).status == 422
    receipt = client.get(client.post("/account/forget/", {"word": "forget me"}).headers["location"])
    assert (receipt.json["outcome"], receipt.json["complete"]) == ("forgotten", True)
    assert client.get("/account/").status == 302

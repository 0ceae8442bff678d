"""The account pages: sign-ins, sessions, faces, export and "Forget me", at both endpoints."""

import io
import json
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from faceauth.audit import user_agents
from faceauth.audit.sessions import stored_key
from faceauth.enrolment.faces import oldest_of, remove
from faceauth.models import Deletion, Enrolment, Face, PhotoLogin, SignIn
from faceauth.outcomes import Outcome, Reason, sentence
from faceauth.recognition.matching import decide
from faceauth.recognition.search import recognise
from faceauth.rekognition.collection import Collection, Match
from faceauth.tests import pictures
from faceauth.tests.conftest import Fault, read
from faceauth.tests.sign_in import JSON, enrol_by_photo, send_photo, signed_in
from faceauth.web import privacy, reauthentication

FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"


@pytest.fixture
def door(endpoint: str, collection: Collection) -> Client:
    return Client()


def another_client(user: User, data: bytes, agent: str = FIREFOX) -> Client:
    client = Client(headers={"user-agent": agent})
    send_photo(client, data)
    assert signed_in(client) == user
    return client


def add(client: Client, data: bytes, headers: Any = None) -> Any:
    return client.post("/account/faces/", {"file": SimpleUploadedFile("me.jpg", data, "image/jpeg")}, headers=headers)


# The account page -----------------------------------------------------------------------------------------------------


def test_the_account_page_shows_sign_ins_and_open_sessions(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    another_client(user, pictures.hopper())
    page = client.get("/account/").content.decode()
    assert "phone, Firefox, Android" in page
    assert page.count("this one") == 1
    content = client.get("/account/", headers=JSON).json()
    assert [sign_in["outcome"] for sign_in in content["attempts"]] == ["recognised", "enrolled"]
    assert [session["this"] for session in content["sessions"]] == [False, True]


def test_somebody_elses_sign_ins_are_not_shown(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    other = Client()
    enrol_by_photo(other, pictures.collins())
    assert len(client.get("/account/", headers=JSON).json()["attempts"]) == 1


def test_no_session_key_is_shown(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    other = another_client(user, pictures.hopper())
    keys = [
        client.session.session_key,
        other.session.session_key,
        stored_key(client.session),
        stored_key(other.session),
    ]
    archive = b"".join(client.get("/account/export/").streaming_content)  # type: ignore[attr-defined]
    exported = "".join(texts_in(archive).values())
    for page in (client.get("/account/").content.decode(), exported):
        assert not [key for key in keys if key and key in page]


def test_end_one_session(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    other = another_client(user, pictures.hopper())
    [session] = [it for it in client.get("/account/", headers=JSON).json()["sessions"] if not it["this"]]
    assert client.post(f"/account/sessions/{session['pk']}/end/")["Location"] == "/account/#devices"
    assert other.get("/").status_code == 302
    assert signed_in(client) == user
    assert len(client.get("/account/", headers=JSON).json()["sessions"]) == 1


def test_ending_the_others_ends_those_that_the_log_does_not_show(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    thief = another_client(user, pictures.hopper())
    SignIn.objects.filter(session_key=stored_key(thief.session)).delete()  # `prune_sign_ins` does so after a month
    assert thief.get("/").status_code == 200
    assert client.post("/account/sessions/end-others/")["Location"] == "/account/#devices"
    assert thief.get("/").status_code == 302
    assert signed_in(client) == user
    assert [it["this"] for it in client.get("/account/", headers=JSON).json()["sessions"]] == [True]


def test_a_session_is_shown_however_many_have_lapsed_since(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    another_client(user, pictures.hopper())
    SignIn.objects.bulk_create(
        SignIn(outcome="recognised", user=user, session_key=f"{number:032}") for number in range(150)
    )
    SignIn.objects.filter(session_key__startswith="000").update(at=timezone.now() - timedelta(hours=1))
    assert len(client.get("/account/", headers=JSON).json()["sessions"]) == 2
    assert SignIn.objects.exclude(session_key="").count() == 2  # the lapsed ones are not asked for again


def test_end_ones_own_session(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    [session] = client.get("/account/", headers=JSON).json()["sessions"]
    client.post(f"/account/sessions/{session['pk']}/end/")
    assert signed_in(client) is None


def test_end_all_other_sessions(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    others = [another_client(user, pictures.hopper()) for _ in range(3)]
    client.post("/account/sessions/end-others/")
    assert [other.get("/").status_code for other in others] == [302, 302, 302]
    assert signed_in(client) == user


def test_nobody_ends_a_session_of_somebody_else(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    other = Client()
    enrol_by_photo(other, pictures.collins())
    [session] = other.get("/account/", headers=JSON).json()["sessions"]
    assert client.post(f"/account/sessions/{session['pk']}/end/").status_code == 404
    assert signed_in(other) is not None


def test_a_locked_notebook_is_no_open_session(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    another_client(user, pictures.hopper()).post("/logout/")
    assert len(client.get("/account/", headers=JSON).json()["sessions"]) == 1
    # There may be some that are not listed.
    assert "/account/sessions/end-others/" in client.get("/account/").content.decode()
    assert not list(SignIn.objects.filter(session_key="").exclude(outcome="stranger").exclude(outcome="recognised"))


@pytest.mark.parametrize(
    "path",
    [
        "/account/",
        "/account/faces/",
        "/account/export/",
        "/reauthenticate/",
        "/account/forget/",
        "/account/sessions/1/end/",
        "/account/sessions/end-others/",
    ],
)
def test_strangers_see_nothing(path: str, client: Client, db: None) -> None:
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 302
        assert str(answer["Location"]).startswith("/login/?next=")


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (FIREFOX, "phone, Firefox, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604",
            "phone, Safari, iPhone",
        ),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) CriOS/120 Mobile Safari/604", "tablet, Chrome, iPad"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537 Edg/120", "computer, Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Version/17 Safari/605", "computer, Safari, Mac"),
        ("curl/8.5", "program"),
        ("", "unknown device"),
    ],
)
def test_kinds_of_devices(agent: str, kind: str) -> None:
    assert user_agents.describe(agent) == kind


# Faces ----------------------------------------------------------------------------------------------------------------


def test_a_face_is_added_listed_and_removed(door: Client, calls: list[str]) -> None:
    user = enrol_by_photo(door, pictures.hopper())
    assert add(door, pictures.another(pictures.hopper()))["Location"] == "/account/#face"
    first, second = Face.objects.order_by("enrolled")
    assert first.person == second.person == user.username
    assert Face.objects.filter(associated=True).count() == 2
    assert not Enrolment.objects.exists()
    listed = door.get("/account/faces/", headers=JSON).json()["faces"]
    assert {row["face_id"] for row in listed} == {str(first.face_id), str(second.face_id)}
    calls.clear()
    assert recognise(read(pictures.hopper())).user == user
    assert calls == ["SearchUsersByImage"]  # everybody has a vector, so one call is enough
    door.post(f"/account/faces/{second.face_id}/remove/")
    assert [face.face_id for face in Collection("secretly").faces()] == [str(first.face_id)]
    assert Face.objects.get().associated
    assert Deletion.objects.get(face_id=second.face_id).confirmed is not None
    assert recognise(read(pictures.hopper())).user == user


def test_the_last_face_stays(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    answer = client.post(f"/account/faces/{Face.objects.get().face_id}/remove/")
    assert answer.status_code == 422
    assert Face.objects.exists()


def test_photos_alone_do_not_remove_the_oldest_face(collection: Collection, client: Client, settings: Settings) -> None:
    """Or a chain of them, each like the one before, would lead to somebody else, and shut the owner out."""
    user = enrol_by_photo(client, pictures.hopper())
    add(client, pictures.another(pictures.hopper()))
    oldest, newer = user.faces.order_by("enrolled", "pk")
    refused = client.post(f"/account/faces/{oldest.face_id}/remove/")
    assert refused.status_code == 422
    assert "signed in once with the camera" in refused.content.decode()
    page = client.get("/account/").content.decode()
    assert [f"faces/{face.face_id}/remove/" in page for face in (oldest, newer)] == [False, True]
    PhotoLogin.objects.update(liveness_passed=timezone.now())
    assert remove(user, oldest.face_id)


def test_where_a_photo_is_a_face_any_face_goes(collection: Collection, client: Client, settings: Settings) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    add(client, pictures.another(pictures.hopper()))
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "open"}
    assert remove(user, oldest_of(user).face_id)


def test_somebody_else_is_no_face(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    answer = add(client, pictures.collins(), JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "different_person")
    assert Face.objects.count() == 1
    assert len(list(collection.faces())) == 1


def test_another_person_here_is_no_face(collection: Collection, client: Client) -> None:
    enrol_by_photo(Client(), pictures.collins())
    enrol_by_photo(client, pictures.hopper())
    assert add(client, pictures.collins(), JSON).json()["reason"] == "different_person"


def test_a_bad_picture_is_no_face(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    for data, reason in ((b"text", Reason.NOT_AN_IMAGE), (pictures.blurred(pictures.hopper()), Reason.BLURRED)):
        answer = add(client, data)
        assert answer.status_code == 422
        assert sentence(Outcome.REFUSED, reason) in answer.content.decode()


def test_ten_faces_are_enough(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    for _ in range(9):
        Face.objects.create(
            user=user, face_id=uuid.uuid4(), image_id=uuid.uuid4(), collection_id="secretly", person=user.username
        )
    assert add(client, pictures.another(pictures.hopper()), JSON).json()["reason"] == "too_many_faces"
    assert 'type="file"' not in client.get("/account/faces/").content.decode()


def test_the_same_picture_twice_is_one_face(collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    assert add(client, pictures.hopper()).status_code == 302
    assert Face.objects.count() == len(list(collection.faces())) == 1
    assert not Deletion.objects.exists()


def test_a_face_of_somebody_else_is_not_theirs_to_remove(collection: Collection, client: Client) -> None:
    enrol_by_photo(Client(), pictures.collins())
    face = Face.objects.get()
    enrol_by_photo(client, pictures.hopper())
    assert client.post(f"/account/faces/{face.face_id}/remove/").status_code == 404
    assert Face.objects.filter(pk=face.pk).exists()


def test_operators_have_no_faces(operator: User, collection: Collection, client: Client) -> None:
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert add(client, pictures.hopper(), JSON).json()["reason"] == "inactive"
    assert not Face.objects.exists()


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 429), ("InternalServerError", 503)])
def test_a_face_while_rekognition_is_away(
    code: str, status: int, collection: Collection, client: Client, fault: Fault
) -> None:
    enrol_by_photo(client, pictures.hopper())
    fault("IndexFaces", code)
    assert add(client, pictures.another(pictures.hopper())).status_code == status
    assert Face.objects.count() == 1


def test_a_removed_face_opens_nothing_while_rekognition_is_away(
    transactional_db: None, collection: Collection, client: Client, fault: Fault
) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    add(client, pictures.another(pictures.hopper()))
    look = Face.objects.order_by("enrolled")[1]
    fault("DisassociateFaces", "InternalServerError", status=500)
    client.post(f"/account/faces/{look.face_id}/remove/")
    assert not Face.objects.get().associated
    assert decide([Match(str(look.face_id), user.username, 99.9)]).user is None
    assert decide([Match("", user.username, 99.9)]).user is None
    assert recognise(read(pictures.hopper())).user == user


# Vectors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["UnknownOperationException", "AccessDeniedException"])
def test_a_collection_without_vectors_works_with_single_faces(code: str, door: Client, fault: Fault) -> None:
    for operation in ("CreateUser", "AssociateFaces", "SearchUsersByImage"):
        fault(operation, code)
    user = enrol_by_photo(door, pictures.hopper())
    assert add(door, pictures.another(pictures.hopper())).status_code == 302
    assert not Face.objects.filter(associated=True).exists()
    assert recognise(read(pictures.hopper())).user == user
    assert recognise(read(pictures.collins())).outcome == Outcome.STRANGER


def test_vectors_that_cannot_be_searched_any_more_are_searched_by_face(door: Client, fault: Fault) -> None:
    user = enrol_by_photo(door, pictures.hopper())
    fault("SearchUsersByImage", "AccessDeniedException")
    assert recognise(read(pictures.another(pictures.hopper()))).user == user


def test_somebody_enrolled_by_one_face_alone_keeps_working(collection: Collection, calls: list[str]) -> None:
    user = enrol_by_photo(Client(), pictures.hopper())
    enrol_by_photo(Client(), pictures.collins())
    collection.delete_user(user.username)
    Face.objects.filter(user=user).update(associated=False)
    calls.clear()
    assert recognise(read(pictures.another(pictures.hopper()))).user == user
    assert calls == ["SearchUsersByImage", "SearchFacesByImage"]


# A copy of everything -------------------------------------------------------------------------------------------------


def texts_in(archive: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name).decode() for name in opened.namelist()}


def test_export(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    client.post("/", {"text": "The key is under the stone."})
    other = Client()
    enrol_by_photo(other, pictures.collins())
    other.post("/", {"text": "Somebody else's secret."})
    answer = client.get("/account/export/")
    assert answer["Content-Type"] == "application/zip"
    assert "attachment" in answer["Content-Disposition"]
    assert answer.streaming
    texts = texts_in(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert json.loads(texts["profile.json"])["name"] == user.username
    assert [row["text"] for row in json.loads(texts["consents.json"])] == [user.consents.get().text]
    [look] = json.loads(texts["faces.json"])
    assert look["face_id"] == str(user.faces.get().face_id)
    assert [row["outcome"] for row in json.loads(texts["sign_ins.json"])] == ["enrolled"]
    assert [row["text"] for row in json.loads(texts["notes.json"])] == ["The key is under the stone."]
    assert any(name.startswith("notes/") and "under the stone" in text for name, text in texts.items())
    assert "Somebody else" not in "".join(texts.values())
    described = texts.pop("consent_receipts.json")  # names what is processed; the templates themselves are nowhere
    assert "under the stone" not in described
    assert "template" not in "".join(texts.values())


def test_export_comes_piece_by_piece(collection: Collection, client: Client) -> None:
    """However long the log is, no piece is long: nothing is gathered up before it is sent."""
    user = enrol_by_photo(client, pictures.hopper())
    SignIn.objects.bulk_create(SignIn(outcome="recognised", user=user, device=str(uuid.uuid4())) for _ in range(5000))
    pieces = list(client.get("/account/export/").streaming_content)  # type: ignore[attr-defined]
    assert len(json.loads(texts_in(b"".join(pieces))["sign_ins.json"])) == 5001
    assert len(pieces) > 10
    assert max(map(len, pieces)) < 100_000


# Forget me ------------------------------------------------------------------------------------------------------------


def test_forget_me(door: Client) -> None:
    user = enrol_by_photo(door, pictures.hopper())
    other = another_client(user, pictures.hopper())
    door.post("/", {"text": "A secret."})
    add(door, pictures.another(pictures.hopper()))
    face_ids = {face.face_id for face in Collection("secretly").faces()}
    assert door.get("/account/forget/").status_code == 200
    receipt = door.post("/account/forget/", {"word": "Forget me "}, follow=True)
    assert receipt.status_code == 200
    page = receipt.content.decode()
    assert len(face_ids) == 2
    assert all(face_id in page for face_id in face_ids)
    assert page.count("This face was deleted on") == 2
    content = Client().get(receipt.redirect_chain[0][0], headers=JSON).json()
    assert content["complete"] is True
    assert {face["face_id"] for face in content["faces"]} == face_ids
    assert all(face["deleted"] for face in content["faces"])
    assert not User.objects.exists()
    assert not SignIn.objects.exclude(user=None).exists()
    assert not SignIn.objects.exclude(session_key="").exists()
    assert list(Collection("secretly").faces()) == []
    assert list(Collection("secretly").users()) == []
    assert signed_in(door) is None
    assert other.get("/").status_code == 302
    assert "May I remember you?" in send_photo(door, pictures.hopper()).content.decode()


def test_a_person_who_comes_back_is_a_stranger(door: Client) -> None:
    first = enrol_by_photo(door, pictures.hopper())
    door.post("/account/forget/", {"word": "forget me"})
    assert enrol_by_photo(door, pictures.hopper()) != first


@pytest.mark.parametrize("operation", ["DeleteUser", "DeleteFaces"])
def test_forget_me_while_rekognition_is_away(operation: str, door: Client, fault: Fault) -> None:
    enrol_by_photo(door, pictures.hopper())
    fault(operation, "InternalServerError", status=500)
    receipt = door.post("/account/forget/", {"word": "forget me"}, follow=True)
    assert "not deleted yet" in receipt.content.decode()
    assert door.get(receipt.redirect_chain[0][0], headers=JSON).json()["complete"] is False
    assert not User.objects.exists()
    assert signed_in(door) is None
    assert send_photo(Client(), pictures.hopper(), JSON).json()["outcome"] == "stranger"


def test_a_receipt_that_is_opened_later_asks_again(
    transactional_db: None, collection: Collection, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_by_photo(client, pictures.hopper())
    with monkeypatch.context() as patch:
        patch.setattr("faceauth.privacy.deletion_ledger.settle", lambda deletions: None)
        receipt = client.post("/account/forget/", {"word": "forget me"})["Location"]
        assert client.get(receipt, headers=JSON).json()["complete"] is False
    assert client.get(receipt, headers=JSON).json()["complete"] is False
    monkeypatch.setattr(privacy, "TRY_AGAIN_AFTER", -1)
    assert client.get(receipt, headers=JSON).json()["complete"] is True
    assert list(collection.faces()) == []


def test_forget_me_takes_the_name_out_of_the_admins_log(collection: Collection, client: Client, owner: User) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    entry = LogEntry.objects.create(
        user=owner,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.username,
        action_flag=CHANGE,
    )
    client.post("/account/forget/", {"word": "forget me"})
    assert not User.objects.filter(pk=user.pk).exists()
    entry.refresh_from_db()
    assert entry.object_repr == f"#{user.pk}"


@pytest.mark.parametrize("word", ["", "forget", "yes"])
def test_forget_me_needs_the_word(word: str, collection: Collection, client: Client) -> None:
    enrol_by_photo(client, pictures.hopper())
    assert client.post("/account/forget/", {"word": word}).status_code == 422
    assert User.objects.exists()


def test_forget_me_needs_a_recent_face(collection: Collection, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol_by_photo(client, pictures.hopper())
    monkeypatch.setattr(reauthentication, "PROOF_LASTS", -1)
    for answer in (client.get("/account/forget/"), client.post("/account/forget/", {"word": "forget me"})):
        assert answer["Location"] == "/reauthenticate/?next=%2Faccount%2Fforget%2F"
    assert User.objects.exists()


def test_the_recent_face_must_be_of_the_same_person(collection: Collection, client: Client) -> None:
    user = enrol_by_photo(client, pictures.hopper())
    enrol_by_photo(Client(), pictures.collins())
    session = client.session
    session["faceauth.face_verified"] = 0
    session.save()

    def again(data: bytes) -> Any:
        file = SimpleUploadedFile("me.jpg", data, "image/jpeg")
        return client.post("/reauthenticate/", {"file": file, "next": "/account/forget/"})

    for data in (pictures.collins(), pictures.landscape()):
        assert again(data).status_code == 422
        assert client.get("/account/forget/").status_code == 302
    assert again(pictures.another(pictures.hopper()))["Location"] == "/account/forget/"
    assert client.get("/account/forget/").status_code == 200
    assert signed_in(client) == user


def test_forget_me_is_not_for_operators(operator: User, client: Client) -> None:
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/account/forget/", {"word": "forget me"}).status_code == 403
    assert User.objects.exists()


def test_a_receipt_is_found_by_its_address_alone(client: Client, db: None) -> None:
    assert client.get(f"/forgotten/{uuid.uuid4()}/").status_code == 404


# Pictures good enough to enrol ----------------------------------------------------------------------------------------


def test_a_photo_good_enough_to_recognise_may_be_too_bad_to_enrol(collection: Collection, client: Client) -> None:
    small = pictures.encoded(pictures.opened(pictures.hopper()).resize((160, 188)))
    answer = send_photo(client, small, JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "too_small")
    assert "closer" in answer.json()["message"]
    user = enrol_by_photo(client, pictures.hopper())
    visitor = Client()
    send_photo(visitor, small)
    assert signed_in(visitor) == user


def familiar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody known is almost, but not quite, recognised."""

    def near(self: Collection, jpeg: bytes, threshold: float) -> list[Match]:
        return [Match(face.face_id, face.external_id, 87.0) for face in self.faces()]

    monkeypatch.setattr(Collection, "search", near)
    monkeypatch.setattr(Collection, "search_users", lambda *args: [])


def test_who_looks_familiar_is_asked_to_try_once_more(
    collection: Collection, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = enrol_by_photo(Client(), pictures.hopper())
    familiar(monkeypatch)
    first = send_photo(client, pictures.collins(), JSON)
    assert (first.status_code, first.json()["reason"]) == (422, "near_match")
    assert "familiar" in first.json()["message"]
    assert SignIn.objects.latest("pk").user == user  # who sees it at their door
    assert send_photo(client, pictures.collins(), JSON).json()["outcome"] == "stranger"


def test_who_looks_familiar_is_asked_in_an_open_house_too(
    collection: Collection, client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    enrol_by_photo(Client(), pictures.hopper())
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": "open"}
    familiar(monkeypatch)
    assert send_photo(client, pictures.collins(), JSON).json()["reason"] == "near_match"
    assert User.objects.count() == 1
    assert send_photo(client, pictures.collins(), JSON).json()["outcome"] == "enrolled"

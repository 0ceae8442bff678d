"""The second factor at sign-in and on the account pages."""

import json
import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from faceauth.audit.sessions import stored_key
from faceauth.mfa import authenticators, webauthn
from faceauth.models import AuthenticatorApp, MFAReset, Passkey, RateCount, Receipt, SignIn
from faceauth.outcomes import Outcome, Reason, Recognition, sentence
from faceauth.policy import photo_logins
from faceauth.policy.photo_logins import Choice
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.authenticator import Authenticator, another_challenge, options_in
from faceauth.tests.conftest import Fault
from faceauth.tests.mfa_cast import (
    add_passkey,
    code_of,
    enrolled,
    looking_like,
    open_notebook,
    reset,
    show_face,
    with_app,
)
from faceauth.tests.sign_in import JSON, enrol_by_photo, send_photo, signed_in
from faceauth.tests.test_account import texts_in
from faceauth.web import pending_login, reauthentication

LOCK = "/login/second-factor/"
PRIVATE = [
    "/",
    "/account/",
    "/account/faces/",
    "/account/mfa/",
    "/account/mfa/passkey/",
    "/account/export/",
    "/account/forget/",
    "/trash/",
    "/admin/",
]


@pytest.fixture
def known(owner: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """Somebody whom everybody looks like who shows a picture."""
    looking_like(enrolled(owner), monkeypatch)
    return owner


@pytest.fixture
def at_lock(known: User, client: Client) -> Client:
    """A visitor who looks like somebody with a one-time-code app."""
    with_app(known)
    assert show_face(client)["Location"] == LOCK
    return client


def code_for(user: User) -> str:
    return code_of(AuthenticatorApp.objects.get(user=user))


# The way in -----------------------------------------------------------------------------------------------------------


def test_after_the_face_the_factor(at_lock: Client, known: User) -> None:
    page = at_lock.get(LOCK)
    assert "I know you. Now your second factor." in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert at_lock.post(LOCK, {"code": code_for(known)})["Location"] == "/"
    assert signed_in(at_lock) == known
    assert at_lock.get("/").status_code == 200


def test_without_a_factor_the_face_is_enough(known: User, client: Client) -> None:
    assert show_face(client)["Location"] == "/"
    assert signed_in(client) == known


def test_json(known: User, client: Client) -> None:
    with_app(known)
    face = show_face(client, JSON, next="/trash/")
    assert face.json() == {
        "outcome": "recognised",
        "reason": None,
        "message": "I know you. Now your second factor.",
        "next": "/login/second-factor/?next=%2Ftrash%2F",
    }
    wrong = client.post(face.json()["next"], {"code": "abc"}, headers=JSON)
    assert (wrong.status_code, wrong.json()["outcome"], wrong.json()["reason"]) == (422, "refused", "mfa_failed")
    right = client.post(face.json()["next"], {"code": code_for(known)}, headers=JSON)
    assert right.json() == {
        "outcome": "recognised",
        "reason": None,
        "message": "I know you. Come in.",
        "next": "/trash/",
    }


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_opens_while_only_the_face_is_done(path: str, at_lock: Client) -> None:
    answer = at_lock.get(path)
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]
    assert signed_in(at_lock) is None
    assert not SignIn.objects.exclude(session_key="").exists()


def test_the_session_that_waits_knows_nobody_and_is_new(known: User, client: Client) -> None:
    with_app(known)
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    show_face(client)
    waiting = client.session
    assert waiting.session_key != planted
    assert "planted" not in waiting
    assert "_auth_user_id" not in waiting
    client.post(LOCK, {"code": code_for(known)})
    assert client.session.session_key != waiting.session_key
    assert pending_login.PENDING not in client.session


def test_showing_the_face_again_closes_an_open_notebook(known: User) -> None:
    with_app(known)
    client = open_notebook(known)
    show_face(client)
    assert signed_in(client) is None
    assert client.get("/").status_code == 302


def test_the_sign_in_log(at_lock: Client, known: User) -> None:
    assert [(sign_in.outcome, sign_in.reason) for sign_in in SignIn.objects.all()] == [("refused", "mfa_required")]
    at_lock.post(LOCK, {"code": "abc"})
    at_lock.post(LOCK, {"code": code_for(known)})
    assert list(SignIn.objects.order_by("pk").values_list("outcome", "reason", "user", "method")) == [
        ("recognised", "", known.pk, "file"),
        ("refused", "mfa_failed", known.pk, "file"),
    ]
    assert SignIn.objects.get(outcome="recognised").session_key == stored_key(at_lock.session)
    page = at_lock.get("/account/").content.decode()
    assert "this one" in page
    assert "gave a wrong second factor" in page


def test_who_stops_at_the_factor_is_seen_by_its_owner(at_lock: Client, known: User) -> None:
    page = open_notebook(known).get("/account/").content.decode()
    assert "did not give the second factor" in page


def test_nobody_comes_to_the_factor_without_a_face(client: Client, owner: User) -> None:
    with_app(owner)
    for answer in (client.get(LOCK), client.post(LOCK, {"code": code_for(owner)})):
        assert answer["Location"] == "/login/"
    assert signed_in(client) is None


def test_what_was_not_checked_is_no_failure(known: User, settings: Settings) -> None:
    """Neighbours behind one address must not be able to close the lock for each other by asking for nothing."""
    settings.FACEAUTH = {**settings.FACEAUTH, "FAILURES_PER_ADDRESS": "2/h"}
    for _ in range(4):
        assert Client().post(LOCK, {"code": "123456"})["Location"] == "/login/"
    assert not RateCount.objects.filter(key__startswith="failures", count__gt=0).exists()


def test_the_factor_waits_for_five_minutes(at_lock: Client, known: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("faceauth.web.pending_login.time.time", lambda: now + 299)
    assert at_lock.get(LOCK).status_code == 200
    monkeypatch.setattr("faceauth.web.pending_login.time.time", lambda: now + 301)
    assert at_lock.post(LOCK, {"code": code_for(known)})["Location"] == "/login/"
    assert signed_in(at_lock) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}])
def test_who_may_not_enter_any_more_does_not(change: dict[str, bool], at_lock: Client, known: User) -> None:
    User.objects.filter(pk=known.pk).update(**change)
    assert at_lock.post(LOCK, {"code": code_for(known)})["Location"] == "/login/"
    assert signed_in(at_lock) is None


def test_a_factor_that_was_reset_meanwhile_sends_back_to_the_sign_in_page(at_lock: Client, known: User) -> None:
    reset(known)
    assert at_lock.get(LOCK)["Location"] == "/login/"
    assert signed_in(at_lock) is None


def test_where_to(known: User, client: Client) -> None:
    with_app(known)
    to = show_face(client, next="/trash/")["Location"]
    assert 'name="next" value="/trash/"' in client.get(to).content.decode()
    assert client.post(LOCK, {"code": code_for(known), "next": "/trash/"})["Location"] == "/trash/"


def test_never_to_another_site(at_lock: Client, known: User) -> None:
    assert at_lock.post(LOCK, {"code": code_for(known), "next": "https://evil.example/"})["Location"] == "/"


def test_an_attempt_needs_a_token(known: User) -> None:
    client = Client(enforce_csrf_checks=True)
    with_app(known)
    token = str(client.get("/login/").context["csrf_token"])
    assert show_face(client, csrfmiddlewaretoken=token)["Location"] == LOCK
    assert client.post(LOCK, {"code": code_for(known)}).status_code == 403
    assert signed_in(client) is None


# Attempts -------------------------------------------------------------------------------------------------------------


def test_after_five_wrong_codes_the_face_is_asked_for_again(at_lock: Client, known: User) -> None:
    for _ in range(4):
        assert at_lock.post(LOCK, {"code": "wrong"}).status_code == 422
    last = at_lock.post(LOCK, {"code": "wrong"})
    assert last.status_code == 422
    assert "Look at me" in last.content.decode()
    assert at_lock.post(LOCK, {"code": code_for(known)})["Location"] == "/login/"
    assert signed_in(at_lock) is None


def test_a_code_that_was_seen_opens_nothing_later(at_lock: Client, known: User) -> None:
    code = code_for(known)
    at_lock.post(LOCK, {"code": code})
    other = Client()
    show_face(other)
    assert other.post(LOCK, {"code": code}).status_code == 422
    assert signed_in(other) is None


def test_a_wrong_code_is_said(at_lock: Client) -> None:
    answer = at_lock.post(LOCK, {"code": "wrong"})
    assert answer.status_code == 422
    assert sentence(Outcome.REFUSED, Reason.MFA_FAILED) in answer.content.decode()


def test_after_a_wrong_code_one_waits(at_lock: Client, known: User) -> None:
    right = code_for(known)
    wrong = next(code for code in ("000000", "111111") if code != right)
    for _ in range(2):
        answer = at_lock.post(LOCK, {"code": wrong})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 2
    assert "wait" in answer.content.decode()
    assert SignIn.objects.filter(reason="mfa_failed").count() == 1  # what was not looked at counts for nothing
    assert (
        sum(RateCount.objects.filter(key__startswith="failures").values_list("count", flat=True)) == 2
    )  # an hour, a day


def test_a_stranger_who_guesses_does_not_lock_the_owner_out(at_lock: Client, known: User) -> None:
    owner = open_notebook(known)
    device = add_passkey(owner)
    codes = authenticators.make_recovery_codes(known)
    AuthenticatorApp.objects.update(throttling_failure_count=AuthenticatorApp.MOST_WRONG)
    rests = at_lock.post(LOCK, {"code": code_for(known)})
    assert rests.status_code == 422
    assert "Use a passkey or a recovery code" in rests.content.decode()
    for field, answer in (("credential", device.use), ("code", lambda _options: codes[0])):
        AuthenticatorApp.objects.update(throttling_failure_count=AuthenticatorApp.MOST_WRONG)
        visitor = Client()
        show_face(visitor)
        visitor.post(LOCK, {field: answer(options_in(visitor.get(LOCK)))})
        assert signed_in(visitor) == known
        assert AuthenticatorApp.objects.get().throttling_failure_count == 0


def test_a_recovery_code_opens_once(at_lock: Client, known: User) -> None:
    code = authenticators.make_recovery_codes(known)[0]
    at_lock.post(LOCK, {"code": code})
    assert signed_in(at_lock) == known
    other = Client()
    show_face(other)
    assert other.post(LOCK, {"code": code}).status_code == 422


def test_a_secret_that_cannot_be_read_is_said(at_lock: Client, known: User, caplog: pytest.LogCaptureFixture) -> None:
    code = code_for(known)
    codes = authenticators.make_recovery_codes(known)
    AuthenticatorApp.objects.update(key="")
    answer = at_lock.post(LOCK, {"code": code})
    assert answer.status_code == 503
    assert "recovery code" in answer.content.decode()
    assert "put it back" in caplog.text
    assert code not in caplog.text
    at_lock.post(LOCK, {"code": codes[0]})
    assert signed_in(at_lock) == known


# Passkeys -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def device(known: User) -> Authenticator:
    return add_passkey(open_notebook(known))


def test_a_passkey_opens(device: Authenticator, known: User, client: Client) -> None:
    show_face(client)
    answer = device.use(options_in(client.get(LOCK)))
    assert client.post(LOCK, {"credential": answer})["Location"] == "/"
    assert signed_in(client) == known
    assert Passkey.objects.get().last_used_at is not None


def replayed(device: Authenticator, client: Client) -> str:
    answer = device.use(options_in(client.get(LOCK)))
    client.post(LOCK, {"credential": answer})
    client.post("/logout/")
    show_face(client)
    client.get(LOCK)
    return answer


def for_another_page(device: Authenticator, client: Client) -> str:
    return device.use(another_challenge(options_in(client.get(LOCK))))


def of_another_device(device: Authenticator, client: Client) -> str:
    return Authenticator().use(options_in(client.get(LOCK)))


def with_another_key(device: Authenticator, client: Client) -> str:
    other = Authenticator()
    other.id = device.id
    return other.use(options_in(client.get(LOCK)))


def at_another_site(device: Authenticator, client: Client) -> str:
    device.origin = "https://testserver.evil.example"
    return device.use(options_in(client.get(LOCK)))


def at_another_name(device: Authenticator, client: Client) -> str:
    return device.use(json.dumps(json.loads(options_in(client.get(LOCK))) | {"rpId": "evil.example"}))


def cloned(device: Authenticator, client: Client) -> str:
    Passkey.objects.update(sign_count=7)
    return device.use(options_in(client.get(LOCK)))


def made_instead_of_used(device: Authenticator, client: Client) -> str:
    options = json.loads(options_in(client.get(LOCK)))
    return device.make(json.dumps({"rp": {"id": options["rpId"]}, "challenge": options["challenge"]}))


def text(content: str) -> Any:
    return lambda device, client: client.get(LOCK) and content


NESTED = '{"a":' * 5000 + "1" + "}" * 5000


@pytest.mark.parametrize(
    "answer",
    [
        replayed,
        for_another_page,
        of_another_device,
        with_another_key,
        at_another_site,
        at_another_name,
        cloned,
        made_instead_of_used,
        text("no JSON"),
        text("[]"),
        text("{}"),
        text('{"id": "a", "rawId": "a", "type": "public-key", "response": {"userHandle": "?"}}'),
        text(NESTED),
    ],
    ids=lambda answer: getattr(answer, "__name__", ""),
)
def test_an_answer_that_does_not_hold(answer: Any, device: Authenticator, known: User, client: Client) -> None:
    show_face(client)
    given = answer(device, client)
    assert client.post(LOCK, {"credential": given}).status_code == 422
    assert signed_in(client) is None


def test_a_passkey_of_somebody_else(known: User, stranger: User, device: Authenticator, client: Client) -> None:
    theirs = add_passkey(open_notebook(enrolled(stranger)))
    show_face(client)
    client.post(LOCK, {"credential": theirs.use(options_in(client.get(LOCK)))})
    assert signed_in(client) is None


def test_an_answer_of_endless_length(device: Authenticator, client: Client) -> None:
    show_face(client)
    client.get(LOCK)
    assert client.post(LOCK, {"credential": "x" * (webauthn.LONGEST_ANSWER + 1)}).status_code == 400


def test_a_passkey_answers_under_its_own_name_alone(device: Authenticator, known: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    elsewhere = Client(headers={"host": "notes.example"})
    show_face(elsewhere)
    page = elsewhere.get(LOCK).content.decode()
    assert "data-options" not in page
    assert "made for this site at testserver" in page
    assert signed_in(elsewhere) is None  # and the lock stays: the face alone is not enough


def test_the_same_passkey_is_not_added_twice(known: User, stranger: User) -> None:
    device = Authenticator()
    for user, status in ((known, 200), (stranger, 422)):
        client = open_notebook(user)
        answer = device.make(options_in(client.get("/account/mfa/passkey/")))
        assert client.post("/account/mfa/passkey/", {"credential": answer}).status_code == status
    assert Passkey.objects.get().user == known


@pytest.mark.parametrize("how", ["another origin", "another challenge", "nothing", "used", "twice"])
def test_a_passkey_that_is_not_made_as_asked(how: str, known: User) -> None:
    client, device = open_notebook(known), Authenticator()
    options = options_in(client.get("/account/mfa/passkey/"))
    if how == "another origin":
        device.origin = "http://evil.example"
    answer = device.make(another_challenge(options) if how == "another challenge" else options)
    if how == "used":
        answer = device.use(json.dumps({"rpId": "testserver", "challenge": json.loads(options)["challenge"]}))
    if how == "twice":
        client.post("/account/mfa/passkey/", {"credential": "{}"})  # which uses the challenge up
        client.session.pop(webauthn.CHALLENGE)
        options_in(client.get("/account/mfa/passkey/"))
    refused = client.post("/account/mfa/passkey/", {"credential": "" if how == "nothing" else answer})
    assert refused.status_code == 422
    assert not authenticators.has_mfa(known)


# Adding and removing --------------------------------------------------------------------------------------------------


def test_the_first_factor_brings_recovery_codes(known: User) -> None:
    client = open_notebook(known)
    device = Authenticator()
    page = client.post(
        "/account/mfa/passkey/", {"credential": device.make(options_in(client.get("/account/mfa/passkey/")))}
    )
    assert "shown only this once" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    codes = page.context["codes"]
    assert len(codes) == authenticators.codes_left(known) == 10
    assert all(code in page.content.decode() for code in codes)
    later = client.get("/account/").content.decode()
    assert not [code for code in codes if code in later]
    second = Authenticator()
    answer = second.make(options_in(client.get("/account/mfa/passkey/")))
    assert (
        client.post("/account/mfa/passkey/", {"credential": answer})["Location"] == "/account/#second-factors"
    )  # and the codes stay


def test_an_app_is_added_without_a_script(known: User) -> None:
    client = open_notebook(known)
    page = client.get("/account/mfa/app/")
    app = AuthenticatorApp.objects.get()
    assert authenticators.secret_text(app) in page.content.decode()
    assert "data:image/svg+xml" in page.content.decode()
    assert 'href="otpauth://totp/Secretly' in page.content.decode()
    assert client.post("/account/mfa/app/", {"code": "wrong"}).status_code == 422
    assert not authenticators.has_mfa(known)
    AuthenticatorApp.objects.update(throttling_failure_count=0)
    done = client.post("/account/mfa/app/", {"code": code_of(app), "name": "My telephone"})
    assert "shown only this once" in done.content.decode()
    assert [lock.name for lock in authenticators.factors_of(known)] == ["My telephone"]
    assert (
        client.get("/account/mfa/app/")["Location"] == "/account/#second-factors"
    )  # the secret is not shown again, nor a second made
    assert authenticators.secret_text(app) not in client.get("/account/").content.decode()


@pytest.mark.parametrize("path", ["/account/mfa/passkey/", "/account/mfa/app/"])
def test_the_first_factor_needs_a_recent_face(path: str, known: User) -> None:
    client = open_notebook(known, seen=False)
    assert client.get(path)["Location"] == f"/reauthenticate/?next={quote(path, safe='')}"
    assert client.post(path, {"code": "123456"})["Location"] == f"/reauthenticate/?next={quote(path, safe='')}"
    assert not AuthenticatorApp.objects.exists()


CHANGES = [
    ("get", "/account/mfa/passkey/"),
    ("post", "/account/mfa/passkey/"),
    ("post", "/account/mfa/codes/"),
    ("post", "/account/mfa/photos/"),
    ("post", "/account/mfa/app/{app}/remove/"),
    ("get", "/account/export/"),
    ("get", "/account/forget/"),
    ("post", "/account/forget/"),
    ("post", "/account/sessions/end-others/"),
    ("post", "/account/sessions/1/end/"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("given", ["never", "long ago"])
def test_the_factor_is_asked_for_again(
    method: str, path: str, given: str, known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = with_app(known)
    client = open_notebook(known, lock=given == "long ago")
    if given == "long ago":
        monkeypatch.setattr(reauthentication, "PROOF_LASTS", -1)
    answer = getattr(client, method)(path.format(app=app.pk), {"word": "forget me", "choice": "open"})
    assert answer.status_code == 302
    asked = LOCK if given == "never" else "/reauthenticate/"
    assert answer["Location"].startswith(f"{asked}?next=")
    assert authenticators.has_mfa(known)
    assert User.objects.filter(pk=known.pk).exists()
    assert not Receipt.objects.exists()


def test_and_then_it_goes_on(known: User) -> None:
    with_app(known)
    client = open_notebook(known, lock=False)
    key = client.session.session_key
    to = client.get("/account/forget/")["Location"]
    page = client.get(to).content.decode()
    assert "once more" in page
    assert client.post(to, {"code": "wrong"}).status_code == 422
    assert client.get("/account/forget/").status_code == 302
    assert client.post(to, {"code": code_for(known)})["Location"] == "/account/forget/"
    assert client.get("/account/forget/").status_code == 200
    assert signed_in(client) == known
    assert client.session.session_key == key
    assert SignIn.objects.get().reason == "mfa_failed"
    assert client.get("/account/export/", headers=JSON).status_code == 200


def test_json_that_needs_the_factor_again(known: User) -> None:
    with_app(known)
    answer = open_notebook(known, lock=False).get("/account/export/", headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (403, "mfa_required")
    assert answer.json()["next"] == "/login/second-factor/?next=%2Faccount%2Fexport%2F"


def test_without_a_factor_nothing_is_asked(known: User) -> None:
    client = open_notebook(known, lock=False)
    assert client.get("/account/export/").status_code == 200
    assert client.get("/account/forget/").status_code == 200
    assert client.get(LOCK)["Location"] == "/"


@pytest.mark.parametrize("kind", ["passkey", "app"])
def test_adding_a_factor_ends_all_other_sessions(kind: str, known: User) -> None:
    logged = Client()
    show_face(logged)
    unknown_to_the_log = open_notebook(known)
    client = open_notebook(known)
    assert [one.get("/").status_code for one in (logged, unknown_to_the_log, client)] == [200, 200, 200]
    if kind == "passkey":
        add_passkey(client)
    else:
        client.get("/account/mfa/app/")
        client.post("/account/mfa/app/", {"code": code_for(known)})
    assert [one.get("/").status_code for one in (logged, unknown_to_the_log, client)] == [302, 302, 200]
    assert authenticators.has_mfa(known)


def test_the_session_that_adds_a_factor_stays_in_the_list(known: User) -> None:
    client = Client()
    show_face(client)
    client.get("/account/mfa/app/")
    client.post("/account/mfa/app/", {"code": code_for(known)})
    [session] = client.get("/account/", headers=JSON).json()["sessions"]
    assert session["this"]


def test_a_factor_is_removed(known: User) -> None:
    client = open_notebook(known)
    app = with_app(known)
    add_passkey(client)
    assert client.post(f"/account/mfa/app/{app.pk}/remove/")["Location"] == "/account/#second-factors"
    assert [lock.kind for lock in authenticators.factors_of(known)] == ["passkey"]
    client.post(f"/account/mfa/passkey/{Passkey.objects.get().pk}/remove/")
    assert authenticators.codes_left(known) == 0
    visitor = Client()
    show_face(visitor)
    assert signed_in(visitor) == known


@pytest.mark.parametrize(
    "path", ["/account/mfa/app/{theirs}/remove/", "/account/mfa/key/1/remove/", "/account/mfa/passkey/99/remove/"]
)
def test_what_is_not_there_is_not_removed(path: str, known: User, stranger: User) -> None:
    theirs = with_app(stranger)
    assert open_notebook(known).post(path.format(theirs=theirs.pk)).status_code == 404
    assert authenticators.has_mfa(stranger)


def test_without_a_factor_there_are_no_recovery_codes(known: User) -> None:
    assert open_notebook(known).post("/account/mfa/codes/")["Location"] == "/account/#second-factors"
    assert authenticators.codes_left(known) == 0


def test_operators_have_no_second_factor(operator: User) -> None:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    for path in ("/account/mfa/passkey/", "/account/mfa/app/"):
        assert client.get(path).status_code == 403
    assert not AuthenticatorApp.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["/account/mfa/", "/account/mfa/passkey/", "/account/mfa/app/", "/account/mfa/codes/", "/account/mfa/photos/"],
)
def test_strangers_see_nothing(path: str, client: Client, db: None) -> None:
    assert client.post(path)["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", ["/account/mfa/codes/", "/account/mfa/photos/", "/account/mfa/app/1/remove/"])
def test_wrong_method(path: str, known: User) -> None:
    assert open_notebook(known).get(path).status_code == 405


# The odds -------------------------------------------------------------------------------------------------------------


def test_where_the_odds_are_not_enough_the_factor_is_needed(
    known: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlikely = Recognition(Outcome.RECOGNISED, user=known, similarity=91.0, needs_mfa=True)
    monkeypatch.setattr("faceauth.backends.FaceBackend.recognise", lambda *args, **kwargs: unlikely)
    answer = show_face(client, JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "mfa_required")
    assert signed_in(client) is None
    assert SignIn.objects.get().user == known
    with_app(known)
    assert show_face(client)["Location"] == LOCK


# The photo path -------------------------------------------------------------------------------------------------------


@pytest.fixture
def looks_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_logins, "offered", lambda: True)


def small(data: bytes, width: int) -> bytes:
    """With a face of some sixty pixels: large enough to be recognised, too small to be remembered by."""
    image = pictures.opened(data)
    return pictures.encoded(image.resize((width, width * image.height // image.width)))


def anonymous(page: Any) -> str:
    """A page without what is new each time: the sealed photo, the tokens of the form, and the photo that was sent."""
    html = re.sub(r'(data-refused src=")[^"]+', r"\1", page.content.decode())
    return re.sub(r'(name="(?:sealed|csrfmiddlewaretoken)" value=")[^"]+', r"\1", html)


@pytest.mark.parametrize(
    ("headers", "picture", "enrolment"),
    [(None, "good", "consent"), (JSON, "good", "consent"), (JSON, "small", "consent"), (None, "good", "closed")],
    ids=["page", "json", "small", "closed"],
)
def test_a_refused_photo_is_answered_as_a_stranger_is(
    headers: Any, picture: str, enrolment: str, collection: Collection, settings: Settings
) -> None:
    user = enrol_by_photo(Client(), pictures.hopper())
    photo_logins.choose(user, Choice.NEVER)
    settings.FACEAUTH = {**settings.FACEAUTH, "ENROLMENT": enrolment}

    faces = [pictures.hopper(), pictures.collins()]
    if picture == "small":
        faces = [small(faces[0], 170), small(faces[1], 360)]
    mine, theirs = (send_photo(Client(), face, headers) for face in faces)
    assert mine.status_code == theirs.status_code
    if headers:
        told = [{name: value for name, value in one.json().items() if name != "sealed"} for one in (mine, theirs)]
        assert told[0] == told[1]
    else:
        assert anonymous(mine) == anonymous(theirs)
    assert sorted(mine.headers) == sorted(theirs.headers)
    assert sorted(mine.cookies) == sorted(theirs.cookies)


def test_a_refused_photo_costs_as_many_calls_as_a_stranger(collection: Collection, calls: list[str]) -> None:
    photo_logins.choose(enrol_by_photo(Client(), pictures.hopper()), Choice.NEVER)
    for face in (pictures.hopper(), pictures.collins()):
        calls.clear()
        send_photo(Client(), face)
        assert calls == ["SearchUsersByImage", "SearchFacesByImage"]


def test_a_refused_photo_while_rekognition_is_away(collection: Collection, client: Client, fault: Fault) -> None:
    photo_logins.choose(enrol_by_photo(Client(), pictures.hopper()), Choice.NEVER)
    fault("SearchFacesByImage", "ThrottlingException")
    assert [send_photo(client, face).status_code for face in (pictures.hopper(), pictures.collins())] == [429, 429]


def test_a_photo_with_the_second_factor(known: User, client: Client, collection: Collection) -> None:
    photo_logins.choose(known, Choice.WITH_MFA)
    assert "May I remember you?" in send_photo(client, pictures.hopper()).content.decode()
    with_app(known)
    assert send_photo(client, pictures.hopper())["Location"] == LOCK
    client.post(LOCK, {"code": code_for(known)})
    assert signed_in(client) == known


def test_a_refused_photo_is_no_recent_face_either(known: User) -> None:
    photo_logins.choose(known, Choice.NEVER)
    client = open_notebook(known, seen=False)
    file = SimpleUploadedFile("me.jpg", pictures.landscape(), "image/jpeg")
    answer = client.post("/reauthenticate/", {"file": file}, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (422, "liveness_required")
    assert client.get("/account/forget/")["Location"].startswith("/reauthenticate/")


def test_the_choice(known: User, looks_offered: None) -> None:
    client = open_notebook(known)
    page = client.get("/account/").content.decode()
    assert "whoever has a picture of you can show it" in page
    assert client.post("/account/mfa/photos/", {"choice": "with_mfa"}).status_code == 422
    assert client.post("/account/mfa/photos/", {"choice": "never"})["Location"] == "/account/#face"
    assert photo_logins.choice_of(known) == Choice.NEVER
    with_app(known)
    client.post("/account/mfa/photos/", {"choice": "with_mfa"})
    assert photo_logins.choice_of(known) == Choice.WITH_MFA
    assert "photos of you open nothing" not in client.get("/account/").content.decode()
    AuthenticatorApp.objects.all().delete()
    assert "photos of you open nothing" in client.get("/account/").content.decode()
    with_app(known)
    assert client.post("/account/mfa/photos/", {"choice": "sometimes"}).status_code == 404


def test_where_no_liveness_check_is_offered_there_is_nothing_to_choose(
    known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_logins, "offered", lambda: False)
    client = open_notebook(known)
    assert "can show it" not in client.get("/account/").content.decode()
    assert client.post("/account/mfa/photos/", {"choice": "never"}).status_code == 404


# Operators ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(operator: User) -> Client:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_an_operator_resets_the_second_factor(
    desk: Client, operator: User, known: User, stranger: User, settings: Settings
) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "MFA_RESET_HOURS": 0}
    with_app(known)
    codes = authenticators.make_recovery_codes(known)
    url = reverse("admin:auth_user_action", args=["reset_mfa"])
    question = desk.get(url, {"person": known.pk})
    assert known.username in question.content.decode()
    assert "Make sure that they asked for it" in question.content.decode()
    assert authenticators.has_mfa(known)
    sent = {"people": f"{known.pk},{stranger.pk}", "confirmed": "yes", "reason": "Lost her phone."}
    done = desk.post(url, sent, follow=True)
    assert "there was nothing to do" in done.content.decode()  # for the stranger
    assert not authenticators.has_mfa(known)
    assert authenticators.codes_left(known) == 0
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.object_id) == (operator, str(known.pk))
    assert entry.change_message == "Requested a reset of the second factor."
    visitor = open_notebook(known)
    page = visitor.get("/account/")
    assert "An operator reset your second factor on" in page.content.decode()
    assert not [code for code in codes if code in page.content.decode()]
    assert len(visitor.get("/account/", headers=JSON).json()["mfa_resets"]) == 1
    assert desk.get(reverse("admin:faceauth_mfareset_changelist")).status_code == 200


def test_the_admin_offers_it_where_there_is_a_factor(desk: Client, known: User) -> None:
    url = reverse("admin:auth_user_change", args=[known.pk])
    assert "reset_mfa" not in desk.get(url).content.decode()
    with_app(known)
    assert "reset_mfa" in desk.get(url).content.decode()


def test_nobody_else_resets_the_second_factor(known: User, stranger: User) -> None:
    with_app(known)
    stranger.is_staff = True
    stranger.save()
    client = Client()
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("admin:auth_user_action", args=["reset_mfa"])
    assert client.post(url, {"people": str(known.pk), "confirmed": "yes"}).status_code == 403
    assert authenticators.has_mfa(known)


def test_the_admin_shows_no_secret(desk: Client, known: User) -> None:
    app = with_app(known)
    index = desk.get("/admin/").content.decode()
    assert "otp_totp" not in index
    assert "otp_static" not in index
    assert desk.get(f"/admin/otp_totp/totpdevice/{app.pk}/change/").status_code == 404


# What is kept and what is told ----------------------------------------------------------------------------------------


def test_the_export_tells_of_factors_and_no_secret(known: User) -> None:
    client = open_notebook(known)
    device = add_passkey(client, "My key")
    app = with_app(known)
    codes = authenticators.make_recovery_codes(known)
    MFAReset.objects.create(user=known)
    photo_logins.choose(known, Choice.WITH_MFA)
    texts = texts_in(b"".join(client.get("/account/export/").streaming_content))  # type: ignore[attr-defined]
    told = json.loads(texts["second_factors.json"])
    assert [(lock["kind"], lock["name"]) for lock in told["factors"]] == [("passkey", "My key"), ("app", "telephone")]
    assert all(lock["added"] for lock in told["factors"])
    assert (told["recovery_codes_left"], told["photos"], len(told["resets"])) == (10, "with_mfa", 1)
    everything = "".join(texts.values())
    for secret in (app.key, app.bin_key.hex(), authenticators.secret_text(app), codes[0], device.id.hex()):
        assert secret not in everything


def test_a_session_holds_no_secret(known: User) -> None:
    client = open_notebook(known)
    client.get("/account/mfa/app/")
    page = client.post("/account/mfa/app/", {"code": code_for(known)})
    secrets = [*page.context["codes"], AuthenticatorApp.objects.get().bin_key.hex(), AuthenticatorApp.objects.get().key]
    kept = "".join(str(one.get_decoded()) for one in Session.objects.all())
    assert not [secret for secret in secrets if secret in kept]

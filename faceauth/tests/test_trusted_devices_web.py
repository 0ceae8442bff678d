"""The pages: trust after a liveness check, the list, the end of trust, and a yes to a new device."""

import json
import re
import time
from io import StringIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from faceauth.mfa import trusted_devices
from faceauth.models import TrustedDevice
from faceauth.operators import actions
from faceauth.privacy import export
from faceauth.rekognition.collection import Collection
from faceauth.tests.device_cast import enrolled, new_key, public_text, signature
from faceauth.tests.mfa_cast import open_notebook, with_app
from faceauth.web.http import LIVENESS_VERIFIED

pytestmark = pytest.mark.django_db

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ada(owner: User) -> User:
    return enrolled(owner)


@pytest.fixture
def ben(stranger: User) -> User:
    return enrolled(stranger)


def after_liveness(user: User, client: Client | None = None, **proofs: bool) -> Client:
    made = open_notebook(user, **proofs)
    if client is not None:  # the same browser, in another session
        made.cookies.update({name: value for name, value in client.cookies.items() if name.startswith("device")})
    put(made, LIVENESS_VERIFIED, time.time())
    return made


def put(client: Client, key: str, value: object) -> None:
    session = client.session
    session[key] = value
    session.save()


def trust(client: Client, key: ec.EllipticCurvePrivateKey | None = None) -> Any:
    client.get("/account/devices/trust/")
    fields = {"answer": "yes"}
    if key is not None:
        asked = client.session[trusted_devices.CHALLENGE][0]
        fields |= {"public_key": public_text(key), "signature": signature(key, asked)}
    return client.post("/account/devices/trust/", fields, headers={"User-Agent": AGENT})


def prove(client: Client, key: ec.EllipticCurvePrivateKey) -> bool:
    asked = client.get("/login/device/").json()["challenge"]
    return bool(client.post("/login/device/", {"signature": signature(key, asked)}).json()["proven"])


def shown(client: Client) -> list[dict[str, Any]]:
    devices = client.get("/account/devices/", headers={"Accept": "application/json"}).json()["devices"]
    return list(devices)


# Trust ----------------------------------------------------------------------------------------------------------------


def test_a_browser_with_a_key_is_trusted_and_shown(ada: User) -> None:
    client, key = after_liveness(ada), new_key()
    response = trust(client, key)
    assert response.status_code == 302
    assert "device_token" in response.cookies
    (device,) = shown(client)
    assert (device["name"], device["keyed"], device["this"]) == ("computer, Firefox, Linux", True, True)


def test_the_sign_in_page_shows_the_key_once(ada: User) -> None:
    """Its own script brings device.js. A second copy would ask for another challenge, and spoil the first answer."""
    client = after_liveness(ada)
    trust(client, new_key())
    visitor = Client()
    visitor.cookies["device_token"] = client.cookies["device_token"].value
    page = visitor.get("/login/").content.decode()
    assert "data-device-proof=" in page
    assert [script for script in re.findall(r"<script[^>]*src=[^>]*>", page) if "device" in script] == []


def test_without_a_script_the_cookie_is_enough_and_the_list_says_so(ada: User) -> None:
    client = after_liveness(ada)
    assert trust(client).status_code == 302
    page = client.get("/account/").content.decode()
    assert "cookie only, without a key" in page
    assert "this one" in page


def test_a_key_that_did_not_sign_is_not_kept(ada: User) -> None:
    client = after_liveness(ada)
    client.get("/account/devices/trust/")
    fields = {"answer": "yes", "public_key": public_text(new_key()), "signature": "A" * 86}
    client.post("/account/devices/trust/", fields)
    assert bytes(TrustedDevice.objects.get().public_key) == b""


def test_trust_takes_a_liveness_check_and_not_a_photo(ada: User) -> None:
    client = open_notebook(ada)
    for response in (client.get("/account/devices/trust/"), trust(client)):
        assert response.status_code == 302
        assert response["Location"].startswith("/reauthenticate/")
    put(client, LIVENESS_VERIFIED, time.time() - 301)
    assert trust(client)["Location"].startswith("/reauthenticate/")
    assert not TrustedDevice.objects.exists()


def test_trust_takes_the_second_factor_where_there_is_one(ada: User) -> None:
    with_app(ada)
    client = after_liveness(ada, lock=False)
    assert trust(client)["Location"].startswith("/login/second-factor/")
    assert not TrustedDevice.objects.exists()


def test_nobody_is_trusted_where_there_is_no_liveness_check(ada: User, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "PHOTOS": "open"}
    assert trust(after_liveness(ada)).status_code == 404


def test_operators_and_visitors_are_not_asked(operator: User) -> None:
    client = Client()
    assert client.get("/account/devices/trust/").status_code == 302
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    put(client, LIVENESS_VERIFIED, time.time())
    assert trust(client).status_code == 404


def test_who_says_no_is_remembered_by_the_browser_alone(ada: User) -> None:
    client = after_liveness(ada)
    response = client.post("/account/devices/trust/", {"answer": "no", "next": "/account/"})
    assert response["Location"] == "/account/"
    assert response.cookies["device_asked"].value == "1"
    assert not TrustedDevice.objects.exists()


@pytest.mark.parametrize(("where", "goes_to"), [("/account/", "/account/"), ("https://evil.example/", "")])
def test_it_goes_on_to_a_page_of_this_site_alone(ada: User, where: str, goes_to: str) -> None:
    client = after_liveness(ada)
    response = client.post("/account/devices/trust/", {"answer": "yes", "next": where})
    assert response["Location"] == (goes_to or "/account/#devices")


# Coming back ----------------------------------------------------------------------------------------------------------


def test_a_visitor_without_the_cookie_is_asked_nothing_and_gets_no_session(ada: User) -> None:
    client = Client()
    assert client.get("/login/device/").json() == {"challenge": ""}
    assert client.post("/login/device/", {"signature": "A" * 86}).json() == {"proven": False}
    assert "sessionid" not in client.cookies


def test_a_copied_cookie_proves_nothing_over_the_wire(ada: User) -> None:
    client, key = after_liveness(ada), new_key()
    trust(client, key)
    thief = Client()
    thief.cookies["device_token"] = client.cookies["device_token"].value
    assert not prove(thief, new_key())
    home = Client()
    home.cookies["device_token"] = client.cookies["device_token"].value
    assert prove(home, key)


def test_signature_cookie_and_key_reach_no_log_and_no_report(
    ada: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def broken(*args: object) -> bool:
        raise RuntimeError("broken")

    client, key = after_liveness(ada), new_key()
    with caplog.at_level(0):
        trust(client, key)
        put(client, trusted_devices.PROOF, None)
        asked = client.get("/login/device/").json()["challenge"]
        monkeypatch.setattr(trusted_devices, "signed_by", broken)
        client.raise_request_exception = False
        settings.DEBUG = True
        signed = signature(key, asked)
        response = client.post("/login/device/", {"signature": signed})
    assert response.status_code == 500
    said = caplog.text + response.content.decode()
    for secret in (signed, client.cookies["device_token"].value, public_text(key), asked):
        assert secret not in said


# The list and the end -------------------------------------------------------------------------------------------------


def test_one_device_ends_and_nobody_elses(ada: User, ben: User) -> None:
    client, other = after_liveness(ada), after_liveness(ben)
    trust(client)
    pk = TrustedDevice.objects.get().pk
    assert other.post(f"/account/devices/{pk}/end/").status_code == 404
    assert client.get(f"/account/devices/{pk}/end/").status_code == 405
    assert client.post(f"/account/devices/{pk}/end/")["Location"] == "/account/#devices"
    assert not TrustedDevice.objects.exists()


def test_all_end(ada: User) -> None:
    for _ in range(2):
        trust(after_liveness(ada))
    assert TrustedDevice.objects.count() == 2
    after_liveness(ada).post("/account/devices/end/")
    assert not TrustedDevice.objects.exists()


@pytest.mark.parametrize("path", ["end/", "1/end/", "approve/"])
def test_each_change_takes_a_fresh_face_and_second_factor(ada: User, path: str) -> None:
    assert open_notebook(ada, seen=False).post(f"/account/devices/{path}")["Location"].startswith("/reauthenticate/")
    with_app(ada)
    assert (
        open_notebook(ada, lock=False).post(f"/account/devices/{path}")["Location"].startswith("/login/second-factor/")
    )
    assert Client().post(f"/account/devices/{path}")["Location"].startswith("/login/")


@pytest.mark.parametrize("name", ["sign_out", "deactivate", "forget"])
def test_what_an_operator_does_ends_them(ada: User, operator: User, name: str) -> None:
    trust(after_liveness(ada))
    actions.ACTIONS[name].perform(ada, actions.Order(operator))
    assert not TrustedDevice.objects.exists()


def test_deleting_the_collection_ends_them(ada: User, ben: User, collection: Collection) -> None:
    for user in (ada, ben):
        trust(after_liveness(user))
    ben.faces.update(collection_id="another")
    call_command("rekognition_collection", "delete", "--yes", stdout=StringIO())
    assert [device.user for device in TrustedDevice.objects.all()] == [ben]


def test_losing_the_last_appearance_ends_them(ada: User) -> None:
    trust(after_liveness(ada))
    enrolled(ada)
    first, second = ada.faces.order_by("pk")
    first.delete()
    assert TrustedDevice.objects.exists()
    second.delete()
    assert not TrustedDevice.objects.exists()


def test_forget_me_ends_them(ada: User) -> None:
    client = after_liveness(ada)
    trust(client)
    client.post("/account/forget/", {"word": "forget me"})
    assert not TrustedDevice.objects.exists()


def test_a_no_needs_the_same_proof_as_a_yes(ada: User) -> None:
    for answer in ("yes", "no"):
        client = after_liveness(ada)
        put(client, LIVENESS_VERIFIED, time.time() - 301)
        response = client.post("/account/devices/trust/", {"answer": answer})
        assert response["Location"].startswith("/reauthenticate/")
        assert "device_asked" not in response.cookies


def test_the_export_tells_of_them_without_their_secrets(ada: User) -> None:
    trust(after_liveness(ada), new_key())
    content = {name: "".join(map(str, pieces)) for name, pieces in export.files(ada)}["second_factors.json"]
    (device,) = json.loads(content)["trusted_devices"]
    assert (device["name"], device["key"]) == ("computer, Firefox, Linux", True)
    row = TrustedDevice.objects.get()
    assert row.cookie_hash not in content

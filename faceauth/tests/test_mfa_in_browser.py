"""The second factor in a real Chromium, with a virtual authenticator."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from faceauth.conf import conf
from faceauth.mfa import authenticators
from faceauth.models import AuthenticatorApp, Passkey, SignIn
from faceauth.rekognition.collection import Collection
from faceauth.tests import pictures
from faceauth.tests.mfa_cast import code_of, with_app
from faceauth.tests.sign_in import enrol_by_photo
from secretly.tests.transitions import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

Visit = Callable[..., Page]


@pytest.fixture
def person(transactional_db: None) -> User:
    """Grace Hopper, whom the door knows."""
    Collection(conf().COLLECTION).create()
    return enrol_by_photo(Client(), pictures.hopper())


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """Whatever the browser complains of: errors on the console, exceptions, violations of the content policy."""
    found: list[str] = []
    yield found
    assert found == []


def note(message: ConsoleMessage, problems: list[str]) -> None:
    if message.type in ("error", "warning") and "status of 422" not in message.text:
        problems.append(message.text)


@pytest.fixture
def sign_in(chromium: Browser, live_server: LiveServer, problems: list[str]) -> Iterator[Visit]:
    """The door in a new browser, at a name (localhost) that may have passkeys."""
    contexts: list[BrowserContext] = []

    def open_door(script: bool = True, width: int = 1000) -> Page:
        context = chromium.new_context(java_script_enabled=script, viewport={"width": width, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", faults(problems))
        page.on("console", lambda message: note(message, problems))
        page.goto(f"http://localhost:{live_server.thread.port}/")
        return page

    yield open_door
    for context in contexts:
        context.close()


def device(page: Page) -> tuple[CDPSession, str]:
    """Give the page's browser a device for passkeys, which says yes at once."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    added = protocol.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return protocol, added["authenticatorId"]


def keys_in(protocol: CDPSession, authenticator: str) -> list[dict[str, object]]:
    found = protocol.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    return list(found)


def show_face(page: Page) -> None:
    choose = page.locator("button", has_text="Choose a photo")  # with a script it opens the file's own control
    if choose.is_visible():
        choose.click()
    photo = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": pictures.another(pictures.hopper())}
    page.set_input_files("#file", photo)  # type: ignore[arg-type]


def open_notebook(page: Page) -> None:
    show_face(page)
    expect(page).to_have_title("Your notebook · Secretly")


def at(page: Page, path: str) -> str:
    return re.sub(r"^(https?://[^/]+).*", r"\1", page.url) + path


def add_passkey(page: Page) -> list[str]:
    """By way of the notebook; the recovery codes that are shown."""
    page.goto(at(page, "/account/"))
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name (optional)").fill("This computer")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes, shown only this once")).to_be_visible()
    codes = page.locator(".codes li").all_text_contents()
    page.get_by_role("link", name="I have saved them").click()
    expect(page.get_by_role("region", name="Second factors").get_by_text("This computer")).to_be_visible()
    return codes


def lock(page: Page) -> None:
    page.get_by_role("button", name="Lock", exact=True).click()
    page.wait_for_url("**/login/?locked=1")


def closed(page: Page) -> None:
    """Nothing opens at any address."""
    here = page.url
    for path in ("/", "/account/", "/account/mfa/", "/account/export/", "/trash/"):
        page.goto(at(page, path))
        expect(page).to_have_url(re.compile("/login/"))
    page.goto(here)


def test_face_then_passkey(sign_in: Visit, person: User) -> None:
    page = sign_in()
    protocol, authenticator = device(page)
    open_notebook(page)
    assert len(add_passkey(page)) == 10
    assert len(keys_in(protocol, authenticator)) == 1
    lock(page)
    open_notebook(page)  # the device is asked without a click, and says yes
    assert SignIn.objects.filter(outcome="recognised").first() == SignIn.objects.first()
    assert Passkey.objects.get().sign_count > 0


def test_nothing_opens_while_only_the_face_is_done(sign_in: Visit, person: User) -> None:
    with_app(person)
    page = sign_in()
    show_face(page)
    expect(page.get_by_role("heading", name="I know you. Now your second factor.")).to_be_visible()
    closed(page)
    page.get_by_label("The code in your app").fill(code_of(AuthenticatorApp.objects.get()))
    page.get_by_role("button", name="Open").click()
    expect(page).to_have_title("Your notebook · Secretly")


def test_another_device_opens_nothing(sign_in: Visit, person: User) -> None:
    page = sign_in()
    device(page)
    open_notebook(page)
    codes = add_passkey(page)
    other = sign_in()
    protocol, authenticator = device(other)
    show_face(other)
    expect(other.get_by_role("heading", name="No passkey was given.")).to_be_visible()
    closed(other)
    # A device that has a key of its own, for the same page, and claims that it is the right one.
    page_of_key = {
        "credentialId": credential_id(),
        "isResidentCredential": True,
        "rpId": "localhost",
        "privateKey": somebodys_private_key(),
        "userHandle": "AAAA",
        "signCount": 9,
    }
    protocol.send("WebAuthn.addCredential", {"authenticatorId": authenticator, "credential": page_of_key})
    other.reload()
    expect(other.get_by_role("heading", name="That is not your second factor.")).to_be_visible()
    closed(other)
    expect(other.get_by_role("heading", name="That is not your second factor.")).to_be_visible()  # asked once more
    other.get_by_label("Or a recovery code").fill(codes[0])
    other.get_by_role("button", name="Open").click()
    expect(other).to_have_title("Your notebook · Secretly")
    again = sign_in()
    device(again)  # with nothing in it; where there is none at all, the browser waits for one to be plugged in
    show_face(again)
    expect(again.get_by_role("heading", name="No passkey was given.")).to_be_visible()
    again.get_by_label("Or a recovery code").fill(codes[0])
    again.get_by_role("button", name="Open").click()
    expect(again.get_by_role("heading", name="That is not your second factor.")).to_be_visible()
    closed(again)


def credential_id() -> str:
    """Of the one passkey there is, as the protocol of the browser writes bytes."""
    text = Passkey.objects.get().credential_id.replace("-", "+").replace("_", "/")
    return str(text + "=" * (-len(text) % 4))


def somebodys_private_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def test_a_passkey_is_removed(sign_in: Visit, person: User) -> None:
    page = sign_in()
    device(page)
    open_notebook(page)
    add_passkey(page)
    page.get_by_role("button", name="Remove This computer").click()
    expect(page.get_by_text("You have none: your face alone opens your notebook.")).to_be_visible()
    lock(page)
    open_notebook(page)
    assert not authenticators.has_mfa(person)


def test_recovery_codes_are_kept_as_a_file(sign_in: Visit, person: User, tmp_path: Path) -> None:
    with_app(person)
    page = sign_in()
    show_face(page)
    page.get_by_label("The code in your app").fill(code_of(AuthenticatorApp.objects.get()))
    page.get_by_role("button", name="Open").click()
    page.goto(at(page, "/account/"))
    page.get_by_role("button", name="Make new ones").click()
    codes = page.locator(".codes li").all_text_contents()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a file").click()
    download.value.save_as(tmp_path / "codes.txt")
    written = (tmp_path / "codes.txt").read_text()
    assert download.value.suggested_filename == "recovery-codes.txt"
    assert all(code in written for code in codes)
    assert "localhost" in written


def test_everything_but_passkeys_without_javascript(sign_in: Visit, person: User) -> None:
    page = sign_in(script=False)
    show_face(page)
    page.get_by_role("button", name="Open my notes").click()
    page.goto(at(page, "/account/mfa/passkey/"))
    expect(page.get_by_text("A passkey needs JavaScript.")).to_be_visible()
    page.get_by_role("link", name="Add an authenticator app").click()
    page.get_by_text("Or type this secret into the app").click()
    app = AuthenticatorApp.objects.get()
    expect(page.get_by_text(authenticators.secret_text(app))).to_be_visible()
    page.get_by_label("Then type the six digits").fill(code_of(app, -1))
    page.get_by_role("button", name="Add the app").click()
    code = page.locator(".codes li").first.text_content() or ""
    page.goto(at(page, "/"))
    lock(page)
    for given in (code_of(app), code):
        show_face(page)
        page.get_by_role("button", name="Open my notes").click()
        page.get_by_label("The code in your app, or a recovery code").fill(given)
        page.get_by_role("button", name="Open").click()
        expect(page).to_have_title("Your notebook · Secretly")
        lock(page)


def test_an_operator_resets_the_second_factor(sign_in: Visit, person: User, operator: User, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "MFA_RESET_HOURS": 0}
    with_app(person)
    operator.set_password("one two three four")
    operator.save()
    desk = sign_in()
    desk.goto(at(desk, "/admin/auth/user/"))
    desk.get_by_label("Username").fill("operator")
    desk.get_by_label("Password").fill("one two three four")
    desk.get_by_role("button", name="Log in").click()
    desk.locator(f"input[name=_selected_action][value='{person.pk}']").check()
    desk.locator("select[name=action]").select_option("reset_mfa")
    desk.locator("button[name=index]").click()
    expect(desk.get_by_text(person.username)).to_be_visible()
    desk.get_by_label("Reason").fill("Lost her phone.")
    desk.get_by_role("button", name="Reset second factor").click()
    expect(desk.get_by_text("Reset second factor: 1 person.")).to_be_visible()
    page = sign_in()
    show_face(page)  # a photo opens nothing now, and does not tell that there is a notebook
    expect(page.get_by_role("heading", name="We have not met.")).to_be_visible()
    assert not authenticators.has_mfa(person)


def test_an_operator_sets_up_a_passkey_and_signs_in_with_it(sign_in: Visit, operator: User, settings: Settings) -> None:
    settings.FACEAUTH = {**settings.FACEAUTH, "OPERATOR_MFA": True}
    operator.set_password("one two three four")
    operator.save()
    page = sign_in()
    device(page)
    for button in ("Add a passkey", "Use passkey"):
        page.goto(at(page, "/admin/"))
        page.get_by_label("Username").fill("operator")
        page.get_by_label("Password").fill("one two three four")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name=button).click()
        if button == "Add a passkey":
            expect(page.locator("#content li code")).to_have_count(10)
            page.get_by_role("link", name="I have saved them").click()
        expect(page.locator("#dashboard")).to_be_visible()
        page.get_by_role("button", name="Log out").click()


@pytest.mark.parametrize("width", [320])
def test_nothing_reaches_over_the_edge(width: int, sign_in: Visit, person: User) -> None:
    page = sign_in(width=width)
    device(page)
    open_notebook(page)
    for path in ("/account/mfa/", "/account/mfa/app/", "/account/mfa/passkey/"):
        page.goto(at(page, path))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    other = sign_in(width=width)
    show_face(other)
    expect(other.get_by_role("button", name="Use my passkey")).to_be_visible()
    assert other.evaluate("document.documentElement.scrollWidth") <= width

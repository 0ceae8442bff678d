"""Error pages, the service worker, the manifest, and what every page has."""

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.test import Client
from django.urls import include, path
from PIL import Image


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the reason, which is nobody's business")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def misunderstood(request: HttpRequest) -> HttpResponse:
    raise BadRequest


urlpatterns = [
    path("broken/", broken),
    path("forbidden/", forbidden),
    path("misunderstood/", misunderstood),
    path("", include("secretly.urls")),
]
ERRORS = [
    ("/misunderstood/", 400, "The request could not be read."),
    ("/forbidden/", 403, "This page is not open to you."),
    ("/nothing-here/", 404, "This page does not exist."),
    ("/broken/", 500, "Something went wrong on this site."),
]


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("address", "status", "sentence"), ERRORS)
def test_error_pages_say_what_to_do(browser: Client, address: str, status: int, sentence: str) -> None:
    answer = browser.get(address)
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{sentence}</h1>" in page
    assert 'href="/"' in page
    assert "nobody's business" not in page
    assert "Traceback" not in page


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("address", "status", "sentence"), ERRORS)
def test_error_pages_have_the_security_headers(browser: Client, address: str, status: int, sentence: str) -> None:
    headers = browser.get(address).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "411", "500", "503"])
def test_error_pages_need_neither_request_nor_database(name: str) -> None:
    assert "<h1>" in get_template(f"{name}.html").render()


@pytest.mark.urls(__name__)
def test_the_500_page_does_not_need_the_static_files_manifest(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.staticfiles.storage import staticfiles_storage

    def missing(name: str) -> str:
        raise ValueError(f"Missing staticfiles manifest entry for {name!r}")

    monkeypatch.setattr(staticfiles_storage, "url", missing)
    answer = browser.get("/login/")
    assert answer.status_code == 500
    assert "Something went wrong on this site." in answer.content.decode()


@pytest.mark.parametrize("path", ["/login/", "/login/liveness/frame/", "/notes/import/"])
def test_a_body_of_untold_length_is_refused_with_a_sentence(db: None, path: str) -> None:
    answer = Client().generic("POST", path, headers={"Transfer-Encoding": "chunked"})
    assert answer.status_code == 411
    assert "Please send it with a Content-Length." in answer.content.decode()
    answer = Client().generic("POST", path, headers={"Transfer-Encoding": "chunked", "Accept": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (411, "length_required")
    assert "Content-Length" in answer.json()["message"]


def test_a_form_without_a_csrf_token_says_what_to_do(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/", {"text": "x"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Please go back, reload the page, and try again." in page
    assert 'href="/"' in page
    assert "CSRF" not in page


JSON = {"Accept": "application/json"}


@pytest.mark.parametrize("path", ["/login/", "/login/liveness/frame/", "/login/enrol/"])
def test_a_form_of_another_address_is_told_both(db: None, path: str) -> None:
    strict, elsewhere = Client(enforce_csrf_checks=True), {"Origin": "https://testserver:8443"}
    page = strict.post(path, headers=elsewhere).content.decode()
    assert "opened at https://testserver:8443, but the site&#x27;s address is http://testserver." in page
    answer = strict.post(path, headers=elsewhere | JSON)
    said = answer.json()
    assert (answer.status_code, said["outcome"], said["reason"]) == (403, "refused", "csrf")
    assert (said["opened_under"], said["own_address"]) == ("https://testserver:8443", "http://testserver")
    assert "SECRETLY_TRUSTED_ORIGINS" in said["message"]


def test_a_form_without_a_token_is_refused_in_json(db: None) -> None:
    said = Client(enforce_csrf_checks=True).post("/login/", headers=JSON).json()
    assert (said["reason"], said["opened_under"]) == ("csrf", "http://testserver")
    assert "open for too long" in said["message"]


def test_who_sends_json_is_refused_in_json(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    for place in ("/login/", "/notes/import/", "/login/liveness/"):
        for accept in ({}, {"Accept": "*/*"}):
            answer = strict.post(place, "{}", content_type="application/json", headers=accept)
            assert (answer.status_code, answer.json()["reason"]) == (403, "csrf")
    page = strict.post("/login/", "{}", content_type="application/json", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["Content-Type"].startswith("text/html")


def test_a_method_that_is_not_allowed_is_refused_in_json(db: None) -> None:
    answer = Client().get("/login/liveness/", headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    assert not Client().get("/login/liveness/").content


def test_a_page_that_is_not_there_is_refused_in_json(db: None) -> None:
    answer = Client().get("/nothing-here/", headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


@pytest.mark.parametrize("address", ["/login/", "/login/enrol/"])
def test_a_second_click_on_sign_in_opens_the_notebook(owner: User, address: str) -> None:
    """Its CSRF token is from before the first click, which has signed the person in."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(address).status_code == 403
    client.force_login(owner)
    assert client.post(address, {"csrfmiddlewaretoken": "x" * 64}).headers["Location"] == "/"
    assert client.post("/account/sessions/end-others/").status_code == 403


def test_pages_hold_no_inline_script_or_style(db: None, owner: User) -> None:
    """The CSP blocks inline scripts and styles."""
    client = Client()
    client.force_login(owner)
    for address in ("/", "/nothing-here/"):
        page = client.get(address).content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count('<script type="module" src=')


def test_the_notebook_can_be_locked(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    assert '<form method="post" action="/logout/" data-lock>' in client.get("/").content.decode()
    assert client.post("/logout/").headers["Location"] == "/login/?locked=1"
    assert client.get("/").headers["Location"].startswith("/login/")


def test_pages_name_their_language_and_direction(db: None) -> None:
    assert '<html lang="en" dir="ltr">' in get_template("404.html").render()


def test_the_site_can_be_installed(client: Client) -> None:
    answer = client.get("/manifest.webmanifest")
    manifest = answer.json()
    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert (manifest["name"], manifest["start_url"], manifest["display"]) == ("Secretly", "/", "standalone")
    assert {icon["sizes"] for icon in manifest["icons"]} == {"any", "192x192", "512x512"}
    assert [one["form_factor"] for one in manifest["screenshots"]] == ["wide", "narrow"]
    for icon in manifest["icons"] + manifest["screenshots"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        assert path
        if icon["type"] == "image/png":
            with Image.open(path) as image:
                assert f"{image.width}x{image.height}" == icon["sizes"]
    assert [(one["name"], one["url"]) for one in manifest["shortcuts"]] == [("New note", "/new/")]
    assert (manifest["share_target"]["action"], manifest["share_target"]["method"]) == ("/share/", "POST")
    assert 'rel="manifest" href="/manifest.webmanifest"' in get_template("404.html").render()


def test_the_service_worker_stores_no_personal_data(client: Client) -> None:
    answer = client.get("/worker.js")
    script = answer.content.decode()
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert 'const PAGE = "/offline/";' in script
    assert "cache.put" not in script  # answers; what is shared waits in another place, encrypted
    assert "export " not in script
    assert "There is no connection." in client.get("/offline/").content.decode()


def test_favicon_ico_redirects_to_the_icon(client: Client) -> None:
    assert client.get("/favicon.ico").headers["Location"].endswith("icon.svg")

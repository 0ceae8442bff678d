"""The database or the cache is down: every page answers 503, never 500, and a note that was sent is not lost."""

from typing import Any

import pytest
import redis.exceptions
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from notes.models import Note
from notes.tests.browser import open_form, send
from notes.tests.conftest import BACKEND

WORDS = "The kettle is on <b>the</b> shelf."


def raising(request: HttpRequest) -> HttpResponse:
    raise {
        "database": OperationalError("server closed the connection at 10.1.2.3"),
        "closed": InterfaceError("connection already closed"),
        "cache": redis.exceptions.ConnectionError("Error 111 connecting to 10.1.2.3:6379."),
        "slow": redis.exceptions.TimeoutError("Timeout reading from socket"),
        "mistake": ProgrammingError("relation does not exist"),
    }[request.GET["what"]]


urlpatterns = [path("raising/", raising), path("", include("secretly.urls"))]
handler500 = "secretly.views.broken"


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(owner, BACKEND)
    return client


class Away:
    """A database that stops answering."""

    def __call__(self, execute: Any, sql: str, *args: Any) -> Any:
        raise OperationalError("the connection is lost")


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("what", ["database", "closed", "cache", "slow"])
def test_an_outage_is_answered_with_503(browser: Client, what: str) -> None:
    answer = browser.get("/raising/", {"what": what})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "<h1>The site will be back in a moment.</h1>" in page
    assert "10.1.2.3" not in page
    assert answer.headers["Retry-After"] == "5"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    told = browser.get("/raising/", {"what": what}, headers={"accept": "application/json"})
    assert (told.status_code, told.json()["outcome"]) == (503, "unavailable")
    assert "Nothing is lost" in told.json()["message"]


@pytest.mark.urls(__name__)
def test_other_errors_are_answered_with_500(browser: Client) -> None:
    assert browser.get("/raising/", {"what": "mistake"}).status_code == 500


@pytest.mark.parametrize("address", ["/", "/trash/", "/account/", "/account/faces/", "/login/", "/admin/"])
def test_every_page_answers_503_without_a_database(browser: Client, address: str) -> None:
    """The session middleware fails first, where no other middleware could catch it."""
    with connection.execute_wrapper(Away()):
        answer = browser.get(address)
        told = browser.get(address, headers={"accept": "application/json"})
    assert answer.status_code == told.status_code == 503
    assert "The site will be back in a moment." in answer.content.decode()
    assert told.json()["outcome"] == "unavailable"
    assert browser.get("/").status_code == 200  # and nobody was signed out by it


def test_a_note_that_cannot_be_saved_comes_back(browser: Client, owner: User) -> None:
    fields = open_form(browser, "/").fields | {"text": WORDS}
    with connection.execute_wrapper(Away()):
        answer = send(browser, "/", fields)
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "The notes are unavailable." in page
    assert "The kettle is on &lt;b&gt;the&lt;/b&gt; shelf." in page
    assert f'name="page" value="{fields["page"]}"' in page
    assert "no-store" in answer.headers["Cache-Control"]
    assert not Note.objects.exists()


def test_json_says_that_nothing_was_saved(browser: Client) -> None:
    with connection.execute_wrapper(Away()):
        told = browser.post("/", {"text": WORDS}, headers={"accept": "application/json"})
    assert (told.status_code, told.json()["outcome"]) == (503, "unavailable")


def test_a_photo_is_not_written_to_disk_in_an_outage(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's own handlers would write a large one to a temporary folder."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.core.files.uploadhandler import TemporaryFileUploadHandler

    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("A photo is on its way to the disk.")

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", never)
    photo = SimpleUploadedFile("me.jpg", b"\xff\xd8" + bytes(3_000_000), "image/jpeg")
    with connection.execute_wrapper(Away()):
        assert browser.post("/login/", {"file": photo}).status_code == 503

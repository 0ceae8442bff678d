"""Text that another app shares comes onto a blank page; nothing else is taken in, and nothing is saved unasked."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from notes.models import Note
from notes.tests.browser import Form
from notes.tests.conftest import signed_in

OURS = {"sec-fetch-site": "none"}


def test_shared_text_is_on_a_blank_page_and_not_saved(owner: User) -> None:
    own = signed_in(owner, enforce_csrf_checks=True)  # no share sheet has a token
    sent = {"title": "Bread", "text": "The dark one", "url": "https://example.org/"}
    page = own.post("/share/", sent, headers=OURS)
    assert Form(page.content.decode()).fields["text"] == "Bread\n\nThe dark one\n\nhttps://example.org/"
    assert "not saved yet" in page.content.decode()
    assert not Note.objects.exists()


@pytest.mark.parametrize("origin", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {}])
def test_no_other_site_puts_words_on_the_page(own: Client, origin: dict[str, str]) -> None:
    page = own.post("/share/", {"text": "From elsewhere"}, headers=origin)
    assert page.status_code == 403
    assert "From elsewhere" not in page.content.decode()


def test_locked_it_is_refused_plainly(client: Client) -> None:
    page = client.post("/share/", {"text": "The kettle"}, headers=OURS)
    assert page.status_code == 403
    assert "The notebook is locked, and nothing was kept." in page.content.decode()
    assert "The kettle" not in page.content.decode()


def test_pictures_need_the_app(own: Client) -> None:
    sent = {"text": "x", "file": SimpleUploadedFile("a.png", b"x" * 5_000_000)}
    page = own.post("/share/", sent, headers=OURS)
    assert page.status_code == 403
    assert "attach the file to a note" in page.content.decode()


def test_a_link_shares_nothing(own: Client) -> None:
    assert own.get("/share/").status_code == 405

"""Words are not thrown away when a session or a form is too old, and never end in somebody else's notebook."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notes.models import Note
from notes.tests.browser import Form, open_form, send
from notes.tests.conftest import BACKEND, signed_in

HOME = reverse("notes:list")


@pytest.fixture
def strict(owner: User) -> Client:
    """The owner's browser, with the CSRF check that test clients usually leave out."""
    return signed_in(owner, enforce_csrf_checks=True)


def words_in(answer: object) -> str:
    return Form(answer.content.decode()).fields.get("text", "")  # type: ignore[attr-defined]


def test_after_the_session_has_ended_the_text_comes_back(strict: Client) -> None:
    form = open_form(strict, HOME)
    strict.cookies.pop("sessionid")
    answer = send(strict, HOME, form.fields | {"text": "half a thought"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert words_in(answer) == "half a thought"
    assert "The notebook locked while you were writing." in page
    assert 'href="/login/" target="_blank" rel="noopener"' in page
    assert "no-store" in answer.headers["Cache-Control"]
    assert not Note.objects.exists()


def test_and_can_be_saved_when_the_writer_is_back(strict: Client, owner: User) -> None:
    form = open_form(strict, HOME)
    strict.cookies.pop("sessionid")
    kept = Form(send(strict, HOME, form.fields | {"text": "half a thought"}).content.decode())
    open_form_of_login(strict, owner)
    # Coming in changes the form's token: one more page, the same words.
    once_more = send(strict, kept.action or "", kept.fields)
    assert once_more.status_code == 403
    assert "Please save once more." in once_more.content.decode()
    again = Form(once_more.content.decode())
    assert again.fields["text"] == "half a thought"
    assert send(strict, again.action or "", again.fields).status_code == 302
    assert Note.objects.of(owner).get().text == "half a thought"


def open_form_of_login(client: Client, user: User) -> None:
    """Sign in as the door does it, with a new CSRF token."""
    client.force_login(user, BACKEND)
    client.cookies.pop("csrftoken", None)


def test_the_version_survives_as_well(strict: Client, owner: User) -> None:
    note = Note.objects.write(owner, "before")
    path = reverse("notes:note", args=[note.pk])
    form = open_form(strict, path)
    del form.fields["csrfmiddlewaretoken"]
    again = Form(send(strict, path, form.fields | {"text": "after"}).content.decode())
    assert again.action == path
    assert send(strict, path, again.fields).status_code == 302
    note.refresh_from_db()
    assert note.text == "after"


def test_a_person_who_came_in_meanwhile_gets_nothing(strict: Client, owner: User, stranger: User) -> None:
    form = open_form(strict, HOME)
    strict.force_login(stranger, BACKEND)
    fresh = open_form(strict, HOME).fields["csrfmiddlewaretoken"]
    for token in (fresh, form.fields["csrfmiddlewaretoken"], ""):
        fields = form.fields | {"text": "half a thought", "csrfmiddlewaretoken": token}
        answer = send(strict, HOME, fields)
        assert answer.status_code == 403
        assert "Another person has opened their notebook." in answer.content.decode()
        assert "half a thought" not in answer.content.decode()
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    ("back", "to"),
    [
        ("/notes/x/", "/notes/x/"),
        ("https://testserver/x/", "https://testserver/x/"),
        ("http://testserver/x/", HOME),
        ("https://elsewhere.example/", HOME),
        ("//elsewhere.example/", HOME),
        ("javascript:alert(1)", HOME),
    ],
)
def test_a_form_leads_back_to_this_site_alone_and_never_out_of_https(owner: User, back: str, to: str) -> None:
    note = Note.objects.write(owner, "x")
    answer = signed_in(owner).post(reverse("notes:pin", args=[note.pk]), {"back": back}, secure=True)
    assert answer["Location"] == to


def test_the_next_person_cannot_delete_with_a_page_left_open(strict: Client, owner: User, stranger: User) -> None:
    note = Note.objects.write(owner, "before")
    form = open_form(strict, reverse("notes:note", args=[note.pk]))
    strict.force_login(stranger, BACKEND)
    send(strict, reverse("notes:delete", args=[note.pk]), form.fields)
    assert Note.objects.of(owner).filter(pk=note.pk).exists()


def test_a_form_from_another_site_gets_no_text_back(strict: Client) -> None:
    answer = send(strict, HOME, {"text": "planted"})
    assert answer.status_code == 403
    assert "planted" not in answer.content.decode()
    assert "go back" in answer.content.decode()


@pytest.mark.parametrize("text", ["</textarea><script>alert(1)</script>", "a\0b"])
def test_what_comes_back_is_only_text(strict: Client, text: str) -> None:
    form = open_form(strict, HOME)
    strict.cookies.pop("sessionid")
    page = send(strict, HOME, form.fields | {"text": text, "writer": '"><script>'}).content.decode()
    assert "<script>" not in page
    assert "\0" not in page


def test_as_json_a_locked_notebook_says_so(strict: Client) -> None:
    form = open_form(strict, HOME)
    strict.cookies.pop("sessionid")
    answer = send(strict, HOME, form.fields | {"text": "half"}, accept="application/json")
    assert answer.status_code == 403
    assert answer.json()["outcome"] == "locked"
    assert "token" not in answer.json()


def test_as_json_an_old_form_gets_a_new_token(strict: Client, owner: User) -> None:
    fields = open_form(strict, HOME).fields | {"text": "half", "csrfmiddlewaretoken": "old"}
    answer = send(strict, HOME, fields, accept="application/json")
    assert (answer.status_code, answer.json()["outcome"]) == (403, "stale")
    fields["csrfmiddlewaretoken"] = answer.json()["token"]
    assert send(strict, HOME, fields, accept="application/json").json()["outcome"] == "saved"
    assert Note.objects.of(owner).get().text == "half"


def test_as_json_somebody_else_gets_no_token(strict: Client, stranger: User) -> None:
    fields = open_form(strict, HOME).fields | {"text": "half"}
    strict.force_login(stranger, BACKEND)
    answer = send(strict, HOME, fields, accept="application/json")
    assert (answer.status_code, answer.json()["outcome"]) == (403, "somebody_else")
    assert "token" not in answer.json()

"""The list, the blank page, and writing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notes.models import MAX_LENGTH, Note
from notes.tests.browser import Form, open_form, send, send_raw

CountQueries = Callable[[int], Any]

HOME = reverse("notes:list")


def test_a_new_person_gets_a_blank_page(own: Client) -> None:
    page = own.get(HOME).content.decode()
    assert "New note" in page
    assert "No notes yet." in page
    assert 'class="notebook two one"' in page  # where there is no room for both, the blank page comes first
    assert open_form(own, HOME).fields["text"] == ""


def test_writing(own: Client, owner: User) -> None:
    form = open_form(own, HOME)
    answer = send(own, HOME, form.fields | {"text": "  A line\n\n  and <b>another</b> & “more” 🗝 "})
    assert answer.status_code == 302
    assert answer.url == HOME
    assert Note.objects.of(owner).get().text == "  A line\n\n  and <b>another</b> & “more” 🗝 "
    page = own.get(HOME).content.decode()
    assert "Saved." in page
    assert "&lt;b&gt;another&lt;/b&gt;" in page


def test_only_a_text_is_needed(own: Client, owner: User) -> None:
    assert own.post(HOME, {"text": "bare"}).status_code == 302
    assert Note.objects.of(owner).get().text == "bare"


def test_newest_first(own: Client, owner: User) -> None:
    now = timezone.now()
    for days, text in ((2, "oldest"), (0, "newest"), (1, "middle")):
        Note.objects.write(owner, text, created=now - timedelta(days=days))
    page = own.get(HOME).content.decode()
    assert page.index(">newest<") < page.index(">middle<") < page.index(">oldest<")


def test_the_list_shows_how_a_note_begins_and_not_all_of_it(own: Client, owner: User) -> None:
    Note.objects.write(owner, "\n\n  Heading \n\nrest of it\n" + "long " * 100 + "the end")
    page = own.get(HOME).content.decode()
    assert ">Heading</a>" in page
    assert "rest of it" in page
    assert "the end" not in page


def test_fifty_to_a_page(own: Client, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(101))
    first, last = own.get(HOME), own.get(HOME, {"page": 3})
    assert len(first.context["notes"]) == 50
    assert "Page 1 of 3" in first.content.decode()
    assert "?page=2" in first.content.decode()
    assert len(last.context["notes"]) == 1
    assert "Newer" in last.content.decode()
    assert "Older" not in last.content.decode()


@pytest.mark.parametrize(("asked", "given"), [("0", 3), ("-1", 3), ("99", 3), ("x", 1), ("", 1), ("\0", 1)])
def test_a_page_that_is_not_there_is_the_nearest(own: Client, owner: User, asked: str, given: int) -> None:
    Note.objects.bulk_create(Note.written(owner, f"note {i}") for i in range(101))
    assert own.get(HOME, {"page": asked}).context["notes"].number == given


@pytest.mark.parametrize("count", [1, 50, 120])
def test_a_list_takes_the_same_few_queries_whatever_its_length(
    own: Client, owner: User, count: int, django_assert_num_queries: CountQueries
) -> None:
    Note.objects.bulk_create(Note.written(owner, "words " * 100) for _ in range(count))
    # The session and the person; how many notes, fifty of them, their attachments, the key; the choices; the
    # session's new end; a reset of the second factor that waits; changes of other sessions. The first request of a
    # session also asks whether there is a second factor, and once in ten seconds how many people there are.
    own.get(HOME)
    with django_assert_num_queries(7 + 1 + 1 + 1):
        own.get(HOME)


def test_the_list_does_not_read_whole_notes(own: Client, owner: User) -> None:
    Note.objects.write(owner, "words")
    [note] = own.get(HOME).context["notes"]
    assert "sealed_text" in note.get_deferred_fields()


@pytest.mark.parametrize("text", ["", "   ", "\n\t\n", " "])
def test_nothing_is_no_note(own: Client, text: str) -> None:
    answer = send(own, HOME, {"text": text})
    assert answer.status_code == 422
    assert "This note is empty." in answer.content.decode()
    assert not Note.objects.exists()


def test_a_page_holds_its_limit_however_its_lines_end(own: Client, owner: User) -> None:
    text = "é\n" * (MAX_LENGTH // 2)
    assert send(own, HOME, {"text": text}).status_code == 302
    assert Note.objects.of(owner).get().text == text


def test_too_long_a_text_comes_back_whole(own: Client) -> None:
    form = open_form(own, HOME)
    text = "x" * MAX_LENGTH + "🗝"
    answer = send(own, HOME, form.fields | {"text": text})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "A note holds 100,000 characters. Please move the last 1 character to another note." in page
    assert f"{text}</textarea>" in page
    assert 'aria-invalid="true"' in page
    assert form.fields["page"] in page
    assert not Note.objects.exists()


def test_ten_megabytes_come_back_whole_and_the_limit_is_named(own: Client) -> None:
    text = "x" * 10_000_000
    page = send(own, HOME, {"text": text}).content.decode()
    assert "A note holds 100,000 characters. Please move the last 9,900,000 characters to another note." in page
    assert f"{text}</textarea>" in page


def test_what_no_form_should_send_is_refused(own: Client) -> None:
    assert send(own, HOME, {"text": "x" * 30_000_000}).status_code == 400


def test_a_nul_is_taken_out_and_named(own: Client) -> None:
    answer = send_raw(own, HOME, b"text=before%00after")
    assert answer.status_code == 422
    assert "invisible character (NUL)" in answer.content.decode()
    assert "beforeafter</textarea>" in answer.content.decode()
    assert not Note.objects.exists()


@pytest.mark.parametrize("broken", [b"%FF", b"%C3", b"%ED%A0%80", b"\xff", b"%F4%90%80%80"])
def test_broken_utf8_is_named_and_not_kept(own: Client, broken: bytes) -> None:
    answer = send_raw(own, HOME, b"text=caf" + broken + b"+in+town")
    assert answer.status_code == 422
    assert "not UTF-8" in answer.content.decode()
    assert " in town</textarea>" in answer.content.decode()
    assert not Note.objects.exists()


def test_a_replacement_character_that_was_typed_is_kept(own: Client, owner: User) -> None:
    assert send(own, HOME, {"text": "a \ufffd in the middle"}).status_code == 302
    assert Note.objects.of(owner).get().text == "a \ufffd in the middle"


def test_broken_utf8_in_a_multipart_form_is_not_kept(own: Client) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\ncaf\xff\r\n--x--\r\n'
    answer = own.post(HOME, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422
    assert not Note.objects.exists()


@pytest.mark.parametrize("damage", [{"page": "1"}, {"version": "one"}, {"version": "-1"}, {"version": "9" * 30}])
def test_a_damaged_form_returns_the_text(own: Client, damage: dict[str, str]) -> None:
    answer = send(own, HOME, {"text": "these words", **damage})
    assert answer.status_code == 422
    assert "these words</textarea>" in answer.content.decode()


def test_an_impatient_second_click_keeps_one_note(own: Client, owner: User) -> None:
    fields = open_form(own, HOME).fields | {"text": "once"}
    assert send(own, HOME, fields).status_code == 302
    assert send(own, HOME, fields).status_code == 302
    assert Note.objects.of(owner).count() == 1


def test_going_back_to_a_page_and_writing_another_note_keeps_both(own: Client, owner: User) -> None:
    fields = open_form(own, HOME).fields
    send(own, HOME, fields | {"text": "one"})
    answer = send(own, HOME, fields | {"text": "two"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "one</blockquote>" in page
    assert "two</textarea>" in page
    assert fields["page"] not in Form(page).fields["page"]  # the new page has an id of its own


def test_unsafe_methods_other_than_post_are_refused(own: Client) -> None:
    for method in (own.put, own.patch, own.delete):
        assert method(HOME).status_code == 405


def test_as_json(own: Client, owner: User) -> None:
    answer = send(own, HOME, {"text": "from the script"}, accept="application/json")
    note = Note.objects.of(owner).get()
    assert answer.status_code == 200
    assert answer.json() == {
        "outcome": "saved",
        "message": "Saved.",
        "url": reverse("notes:note", args=[note.pk]),
        "version": 1,
    }


def test_a_refusal_as_json(own: Client) -> None:
    answer = send(own, HOME, {"text": " "}, accept="application/json")
    assert answer.status_code == 422
    assert answer.json() == {"outcome": "refused", "message": "This note is empty. Write something first."}

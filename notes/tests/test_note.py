"""Reading, changing and deleting one note."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notes import editing
from notes.models import MAX_LENGTH, Note
from notes.tests.browser import Form, open_form, send


def at(note: Note) -> str:
    return reverse("notes:note", args=[note.pk])


def deletion_of(note: Note) -> str:
    return reverse("notes:delete", args=[note.pk])


@pytest.mark.parametrize(
    "text", ["plain", "\n\nleads with lines", "trails \n\n", "</textarea><script>", "a\tb   c", "‏سر"]
)
def test_a_note_comes_back_as_it_was_written(own: Client, owner: User, text: str) -> None:
    note = Note.objects.write(owner, text)
    assert open_form(own, at(note)).fields["text"] == text
    send(own, at(note), open_form(own, at(note)).fields)
    note.refresh_from_db()
    assert (note.text, note.version) == (text, 1)


def test_changing(own: Client, note: Note) -> None:
    answer = send(own, at(note), open_form(own, at(note)).fields | {"text": "new words"})
    assert (answer.status_code, answer.url) == (302, reverse("notes:list"))
    note.refresh_from_db()
    assert (note.text, note.version) == ("new words", 2)


def test_a_note_takes_few_queries(own: Client, note: Note, django_assert_num_queries: Callable[[int], Any]) -> None:
    # The session, the person, the note, the key, attachments, earlier versions, the choices; the session's new end. For
    # the list beside it: the note's place, how many notes, fifty of them, their attachments; a reset of the second
    # factor that waits, and changes to be confirmed. The first request of a session asks more.
    own.get(at(note))
    with django_assert_num_queries(7 + 1 + 4 + 2):
        own.get(at(note))
    with django_assert_num_queries(7 + 1):
        own.get(at(note), {"pane": ""})


def test_the_list_beside_a_note_is_the_page_with_it(own: Client, owner: User) -> None:
    now = timezone.now()
    notes = [Note.objects.write(owner, f"note {i}", created=now - timedelta(hours=i)) for i in range(101)]
    Note.objects.filter(pk=notes[100].pk).update(pinned=True)
    for place, number in ((0, 1), (48, 1), (49, 2), (98, 2), (99, 3), (100, 1)):
        page = own.get(at(notes[place]))
        assert page.context["notes"].number == number, place
        assert f'href="{at(notes[place])}" aria-current="true"' in page.content.decode()


def test_the_pane_is_the_note_without_the_list(own: Client, note: Note) -> None:
    page = own.get(at(note), {"pane": ""}).content.decode()
    assert f'data-note="{note.pk}"' in page
    assert f'name="back" value="{at(note)}"' in page
    assert "data-notes" not in page


def test_two_tabs(own: Client, note: Note) -> None:
    one, other = open_form(own, at(note)), open_form(own, at(note))
    send(own, at(note), one.fields | {"text": "from one tab"})
    answer = send(own, at(note), other.fields | {"text": "from the other tab"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "from one tab</blockquote>" in page
    assert "from the other tab</textarea>" in page
    note.refresh_from_db()
    assert note.text == "from one tab"


def test_after_a_conflict_both_can_be_kept(own: Client, owner: User, note: Note) -> None:
    old = open_form(own, at(note))
    send(own, at(note), old.fields | {"text": "from one tab"})
    offer = Form(send(own, at(note), old.fields | {"text": "from the other"}).content.decode())
    assert offer.action == reverse("notes:list")
    assert send(own, offer.action, offer.fields).status_code == 302
    assert {note.text for note in Note.objects.of(owner)} == {"from one tab", "from the other"}


def test_after_a_conflict_the_other_can_be_replaced_but_only_as_it_was_shown(own: Client, note: Note) -> None:
    old = open_form(own, at(note))
    send(own, at(note), old.fields | {"text": "from one tab"})
    page = send(own, at(note), old.fields | {"text": "from the other"}).content.decode()
    assert f'formaction="{at(note)}" name="version" value="2"' in page
    choice = Form(page).fields | {"version": "2"}
    assert send(own, at(note), choice).status_code == 302
    note.refresh_from_db()
    assert note.text == "from the other"
    assert send(own, at(note), choice | {"text": "again"}).status_code == 409


def test_a_change_that_names_no_version_replaces_nothing(own: Client, note: Note) -> None:
    assert own.post(at(note), {"text": "blind"}).status_code == 409
    note.refresh_from_db()
    assert note.version == 1


def test_too_long_a_change_comes_back_whole_and_can_be_mended(own: Client, note: Note) -> None:
    text = "x" * (MAX_LENGTH + 2)
    answer = send(own, at(note), open_form(own, at(note)).fields | {"text": text})
    assert answer.status_code == 422
    form = Form(answer.content.decode())
    assert form.fields["text"] == text
    assert send(own, at(note), form.fields | {"text": text[2:]}).status_code == 302


def test_text_for_a_note_deleted_elsewhere_becomes_a_new_note(own: Client, owner: User, note: Note) -> None:
    form = open_form(own, at(note))
    editing.delete(owner, note.pk, 1)
    answer = send(own, at(note), form.fields | {"text": "is below"})
    assert answer.status_code == 404
    offer = Form(answer.content.decode())
    assert offer.fields["text"] == "is below"
    assert send(own, offer.action or "", offer.fields).status_code == 302
    assert Note.objects.of(owner).get().text == "is below"


def test_too_long_a_text_for_a_deleted_note_comes_back(own: Client, owner: User, note: Note) -> None:
    form = open_form(own, at(note))
    editing.delete(owner, note.pk, 1)
    text = "x" * (MAX_LENGTH + 1)
    answer = send(own, at(note), form.fields | {"text": text})
    assert answer.status_code == 404
    assert Form(answer.content.decode()).fields["text"] == text


@pytest.mark.parametrize(
    ("spoil", "status", "outcome"),
    [({}, 200, "saved"), ({"version": "0"}, 409, "conflict"), ({"text": " "}, 422, "refused")],
)
def test_as_json(own: Client, note: Note, spoil: dict[str, str], status: int, outcome: str) -> None:
    fields = open_form(own, at(note)).fields | {"text": "typed on"} | spoil
    answer = send(own, at(note), fields, accept="application/json")
    assert answer.status_code == status
    assert answer.json()["outcome"] == outcome
    assert answer.json()["message"]


def test_a_missing_note_as_json(own: Client) -> None:
    answer = send(own, reverse("notes:note", args=[uuid4()]), {"text": "typed"}, accept="application/json")
    assert (answer.status_code, answer.json()["outcome"]) == (404, "gone")


def test_deleting_puts_into_the_trash_and_offers_to_undo(own: Client, owner: User, note: Note) -> None:
    answer = own.post(deletion_of(note), {"version": 1})
    assert (answer.status_code, answer["Location"]) == (302, reverse("notes:list") + f"?deleted={note.pk}")
    assert not Note.objects.of(owner).exists()
    page = own.get(answer["Location"]).content.decode()
    assert "data-undo>" in page
    assert f'action="{reverse("notes:restore", args=[note.pk])}"' in page


def test_deleting_asks_when_the_note_has_changed(own: Client, owner: User, note: Note) -> None:
    editing.change(owner, note.pk, 1, "newer words")
    answer = own.post(deletion_of(note), {"version": 1})
    assert answer.status_code == 409
    assert "newer words</blockquote>" in answer.content.decode()
    assert Note.objects.of(owner).filter(pk=note.pk).exists()
    assert send(own, deletion_of(note), Form(answer.content.decode()).fields).status_code == 302
    assert not Note.objects.of(owner).exists()


def test_deleting_twice_is_not_found(own: Client, note: Note) -> None:
    own.post(deletion_of(note), {"version": 1})
    assert own.post(deletion_of(note), {"version": 1}).status_code == 404


def test_a_deletion_that_names_no_version_deletes_nothing(own: Client, owner: User, note: Note) -> None:
    assert own.post(deletion_of(note)).status_code == 409
    assert Note.objects.of(owner).filter(pk=note.pk).exists()


def test_deleting_is_never_done_by_following_a_link(own: Client, note: Note) -> None:
    for name in ("delete", "pin", "tick", "restore", "delete_forever"):
        assert own.get(reverse(f"notes:{name}", args=[note.pk])).status_code == 405


def test_deleting_as_json(own: Client, note: Note) -> None:
    answer = own.post(deletion_of(note), {"version": 1}, headers={"accept": "application/json"})
    assert answer.json()["outcome"] == "deleted"
    assert answer.json()["restore"] == reverse("notes:restore", args=[note.pk])


def test_a_pinned_note_stands_above(own: Client, owner: User, note: Note) -> None:
    Note.objects.write(owner, "newer")
    pin = reverse("notes:pin", args=[note.pk])
    assert own.post(pin, {"pinned": "1", "back": "/?page=1"})["Location"] == "/?page=1"
    page = own.get(reverse("notes:list")).content.decode()
    assert page.index(">The kitchen at five<") < page.index(">newer<")
    own.post(pin, {"pinned": "0"})
    page = own.get(reverse("notes:list")).content.decode()
    assert page.index(">newer<") < page.index(">The kitchen at five<")


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_a_button_leads_to_no_other_site(own: Client, note: Note, elsewhere: str) -> None:
    answer = own.post(reverse("notes:pin", args=[note.pk]), {"pinned": "1", "back": elsewhere})
    assert answer["Location"] == reverse("notes:list")


@pytest.mark.parametrize("view", ["tick", "pin", "delete", "attach", "restore", "search", "import"])
def test_after_signing_in_nobody_is_sent_to_an_address_for_post(view: str, client: Client, note: Note) -> None:
    url = reverse(f"notes:{view}", args=[] if view in ("search", "import") else [note.pk])
    assert client.post(url, {"back": "/trash/"})["Location"] == "/login/?next=/trash/"
    assert client.post(url)["Location"] == "/login/?next=/"
    assert client.post(url, {"back": "//elsewhere.example/"})["Location"] == "/login/?next=/"


def test_what_is_found_has_buttons_that_come_back_to_a_page(own: Client, note: Note) -> None:
    page = own.post(reverse("notes:search"), {"words": "kettle"}).content.decode()
    assert 'name="back" value="/"' in page
    assert 'value="/search/"' not in page


def test_ticking(own: Client, owner: User) -> None:
    note = Note.objects.write(owner, "To do\n\n- [ ] milk\n- [ ] bread")
    path = reverse("notes:tick", args=[note.pk])
    page = own.get(at(note)).content.decode()
    assert 'name="line" value="3" role="checkbox" aria-checked="false" aria-label="bread"' in page
    assert own.post(path, {"version": 1, "line": 3}).status_code == 302
    note.refresh_from_db()
    assert (note.text, note.version) == ("To do\n\n- [ ] milk\n- [x] bread", 2)
    assert 'name="line" value="3" role="checkbox" aria-checked="true"' in own.get(at(note)).content.decode()
    assert own.post(path, {"version": 1, "line": 2})["Location"] == at(note)  # what was shown is not there any more
    note.refresh_from_db()
    assert note.version == 2


@pytest.mark.parametrize("fields", [{}, {"version": 1}, {"version": 1, "line": "x"}, {"version": 1, "line": -1}])
def test_a_damaged_tick_is_not_found(own: Client, note: Note, fields: dict[str, str]) -> None:
    assert own.post(reverse("notes:tick", args=[note.pk]), fields).status_code == 404


def test_a_line_without_a_box_is_left_alone(own: Client, note: Note) -> None:
    assert own.post(reverse("notes:tick", args=[note.pk]), {"version": 1, "line": 0})["Location"] == at(note)
    note.refresh_from_db()
    assert note.version == 1

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from notes import attachments
from notes.hits import fold, hit, marked, tags_in
from notes.models import Note
from notes.search import LONGEST, search

SEARCH = reverse("notes:search")


def found(owner: User, words: str) -> list[str]:
    return [note.opening for note in search(owner, words, 0, 50)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Kettle", "kettle"),
        ("a kettle", "KETT"),
        ("the end of the kettle", "kettle end"),
        ("Café au lait", "cafe"),
        ("cafe", "CAFÉ"),
        ("Straße", "strasse"),
        ("رِسالة", "رسالة"),
        ("الســـلام", "السلام"),
        ("with ❤️", "❤"),
        ("with ❤", "❤️"),
        ("\N{MATHEMATICAL BOLD CAPITAL H}ello", "hello"),
        ("می‌خواهم", "میخواهم"),
        ("co\u00adop", "coop"),
        ("100%", "100%"),
        ("a_b", "a_b"),
        ("it\u2019s \u201cfine\u201d", 'it\'s "fine"'),
        ('it\'s "fine"', "it\u2019s \u201efine\u201c"),
        ("\u00abfine\u00bb", '"fine"'),
        ("5\u2032 7\u2033", "5' 7\""),
        ("non\u2011smoker", "non-smoker"),
        ("1914\u20131918 \u2014 so", "1914-1918 -"),
        ("\u22125", "-5"),
        ("Łódź", "lodz"),
        ("lodz", "ŁÓDŹ"),
        ("smørrebrød", "SMORREBROD"),
        ("ĐORĐE ħaġar ŧ ƶ", "dorde hagar t z"),
        ("Diyarbak\u0131r ISPARTA", "DIYARBAKIR \u0131sparta"),
        ("İstanbul", "istanbul"),
        ("Encyclopædia, cœur", "encyclopaedia coeur"),
        ("کتاب علی", "كتاب علي"),
        ("كتاب على", "کتاب علی"),
        ("مدرسة", "مدرسه"),
        ("أحمد ٱلله", "احمد الله"),
        ("سنة ١٩٨٤", "1984"),
        ("سال ۱۳۶۳", "1363 ١٣٦٣"),
        ("१२३", "123"),
        ("نعم؟", "نعم?"),
    ],
)
def test_found(owner: User, text: str, words: str) -> None:
    Note.objects.write(owner, text)
    assert found(owner, words) == [text]


@pytest.mark.parametrize("words", ["kettles", "kettle tea", "", "   ", "%", "_"])
def test_not_found(owner: User, words: str) -> None:
    Note.objects.write(owner, "kettle")
    assert found(owner, words) == []


def test_the_end_of_a_long_note_is_found(owner: User) -> None:
    note = Note.objects.write(owner, "x " * 20_000 + "kettle")
    assert search(owner, "kettle", 0, 1) == [note]


def test_in_the_order_of_the_list_and_in_pages(own: Client, owner: User) -> None:
    Note.objects.bulk_create(Note.written(owner, f"kettle {i}") for i in range(60))
    Note.objects.write(owner, "something else")
    first = own.post(SEARCH, {"words": "kettle"})
    assert [note.opening for note in first.context["found"]] == [
        note.opening for note in Note.objects.of(owner) if "kettle" in note.text
    ][:50]
    assert first.context["more"] == 50
    rest = own.post(SEARCH, {"words": "kettle", "start": "50"})
    assert (len(rest.context["found"]), rest.context["more"]) == (10, None)


def test_a_page_of_results(own: Client, note: Note) -> None:
    page = own.post(SEARCH, {"words": "kettle <b>"}).content.decode()
    assert "No note has all of these words." in page
    assert 'value="kettle &lt;b&gt;"' in page
    page = own.post(SEARCH, {"words": "kettle"}).content.decode()
    assert f'href="{reverse("notes:note", args=[note.pk])}"' in page


def test_no_address_contains_text(own: Client, note: Note) -> None:
    assert own.get(SEARCH, {"words": "kettle"}).status_code == 405
    assert 'role="search"' in own.get("/").content.decode()
    assert 'method="get"' not in own.get("/").content.decode()


@pytest.mark.parametrize("fields", [{}, {"words": "\0"}, {"words": "a" * 10_000}, {"words": "kettle", "start": "-1"}])
def test_odd_questions_are_answered(own: Client, note: Note, fields: dict[str, str]) -> None:
    assert own.post(SEARCH, fields).status_code == 200


def test_only_so_much_is_searched_for(owner: User) -> None:
    Note.objects.write(owner, "a" * LONGEST)
    assert found(owner, "a" * LONGEST + "b")


def test_what_was_found_is_marked_and_the_excerpt_is_where_it_is(own: Client, owner: User) -> None:
    note = Note.objects.write(owner, "A <Café>\n\n" + "far away " * 100 + "\n- [ ] the **Kettle** is & " + "so " * 99)
    Note.objects.write(owner, "Nothing of it")
    page = own.post(SEARCH, {"words": "CAFE kettle"}).content.decode()
    assert "A &lt;<mark>Café</mark>&gt;</a>" in page
    assert "☐ the <mark>Kettle</mark> is &amp; so" in page
    assert "far away" not in page
    assert f'id="n-{note.pk}"' in page


@pytest.mark.parametrize(
    ("text", "words", "html"),
    [
        ("Straße & <b>", "strasse", "<mark>Straße</mark> &amp; &lt;b&gt;"),
        ("رِسالة", "رسالة", "<mark>رِسالة</mark>"),
        ("cafe\u0301s", "cafe", "<mark>cafe\u0301</mark>s"),
        ("aaa ab", "ab aa", "<mark>aa</mark>a <mark>ab</mark>"),
        ("İstanbul", "ist", "<mark>İst</mark>anbul"),
        ("(a.b)", "a.b (", "<mark>(</mark><mark>a.b</mark>)"),
        ("x", "", "x"),
    ],
)
def test_marks(text: str, words: str, html: str) -> None:
    assert marked(text, tuple(fold(words).split())) == html


def test_an_excerpt_of_a_long_line_is_around_the_hit() -> None:
    found = hit("title\n" + "before " * 50 + "kettle " + "after " * 50, [], ("kettle",))
    assert found.excerpt.startswith("…before")
    assert found.excerpt.endswith("…")
    assert 20 < found.excerpt.index("kettle") < 60
    assert len(found.excerpt) < 170


def test_names_of_attachments_are_found(own: Client, owner: User, note: Note, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    attachments.attach(owner, note.pk, "Plan für Sonntag.txt", ContentFile(b"Sleep."))
    assert found(owner, "sonntag kettle") == [note.opening]
    assert found(owner, "sonntag nowhere") == []
    assert "Plan für <mark>Sonntag</mark>.txt" in own.post(SEARCH, {"words": "sonntag"}).content.decode()


def test_a_search_takes_the_same_few_queries_however_much_it_finds(
    own: Client, owner: User, django_assert_num_queries: Callable[[int], Any]
) -> None:
    Note.objects.bulk_create(Note.written(owner, f"kettle {i}") for i in range(60))
    # The session, the person, the key; the names of attachments; the texts; the notes, their attachments; the choices;
    # the session's new end; a reset of the second factor that waits, and changes to be confirmed. The
    # first request of a session asks more.
    own.get("/")
    with django_assert_num_queries(3 + 1 + 1 + 2 + 1 + 1 + 2):
        own.post(SEARCH, {"words": "kettle"})


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#garden and (#work), #Garden", ["#garden", "#work"]),
        ("# Heading\n## two\n#1 #2b C# a#b https://example.org/#part", ["#2b"]),
        ("#حديقة #to-do.", ["#حديقة", "#to-do"]),
    ],
)
def test_tags(text: str, tags: list[str]) -> None:
    assert tags_in(text) == tags


def test_a_tag_is_searched_for_instead_of_the_words(own: Client, owner: User) -> None:
    note = Note.objects.write(owner, "One #garden")
    page = own.get(reverse("notes:note", args=[note.pk])).content.decode()
    assert 'form="search" name="tag" value="#garden"' in page
    answer = own.post(SEARCH, {"words": "something else", "tag": "#garden"})
    assert answer.context["found"] == [note]
    assert 'value="#garden"' in answer.content.decode()

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

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
    assert "I have found no note with these words." in page
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

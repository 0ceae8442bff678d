"""The site speaks English and Arabic, as the browser wishes."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

ROOT: Path = settings.BASE_DIR
MESSAGES = ROOT / "locale" / "ar" / "LC_MESSAGES"
TEMPLATES = [*ROOT.glob("templates/*.html"), *ROOT.glob("templates/notes/*.html")]
STRING = r'"((?:[^"\\]|\\.)*)"'


def entries() -> list[tuple[str, list[str]]]:
    """Each English sentence of the catalogue, and what it is in Arabic: one sentence, or its six plurals."""
    found = []
    for block in (MESSAGES / "django.po").read_text().split("\n\n")[1:]:
        english = re.search(rf"^msgid {STRING}$", block, re.MULTILINE)
        assert english, block
        arabic = re.findall(rf"^msgstr(?:\[\d\])? {STRING}$", block, re.MULTILINE)
        found.append((unquote(english[1]), [unquote(text) for text in arabic]))
    return found


def unquote(text: str) -> str:
    return str(ast.literal_eval(f'"{text}"'))


def catalogue() -> gettext.GNUTranslations:
    with (MESSAGES / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_every_sentence_is_translated_and_compiled() -> None:
    compiled = catalogue()
    assert len(entries()) > 250
    for english, arabic in entries():
        assert all(arabic), english
        if len(arabic) == 1:
            assert compiled.gettext(english) == arabic[0], "Say `make messages`."


@pytest.mark.parametrize("name", [r"%\(\w+\)s", "%s"])
def test_what_stands_for_a_value_stays(name: str) -> None:
    for english, arabic in entries():
        for text in arabic:
            assert set(re.findall(name, text)) == set(re.findall(name, english)), english


def test_the_templates_say_nothing_that_is_not_in_the_catalogue() -> None:
    known = {english for english, _ in entries()}
    said = set()
    for path in TEMPLATES:
        html = path.read_text()
        said |= {second for _, second in re.findall(r"""\{% translate (["'])(.+?)\1""", html)}
    assert len(said) > 100
    assert said - known == set()


@pytest.mark.parametrize(
    ("wish", "language", "direction"),
    [
        ("ar", "ar", "rtl"),
        ("ar-EG,ar;q=0.9,en;q=0.5", "ar", "rtl"),
        ("en-GB", "en", "ltr"),
        ("tlh,fr;q=0.8", "en", "ltr"),
        ("", "en", "ltr"),
        ("../../etc", "en", "ltr"),
    ],
)
def test_the_language_follows_the_browser(db: None, wish: str, language: str, direction: str) -> None:
    answer = Client(headers={"accept-language": wish}).get("/login/")
    assert f'<html lang="{language}" dir="{direction}">' in answer.content.decode()
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_notebook_in_arabic(owner: User) -> None:
    client = Client(headers={"accept-language": "ar"})
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert "حدّثني بشيء." in client.get("/").content.decode()
    answer = client.post("/", {"text": " "}, headers={"accept": "application/json"})
    assert answer.json()["message"] == "هذه الصفحة فارغة. اكتب شيئًا أولًا."
    assert client.get("/manifest.webmanifest").json()["dir"] == "rtl"
    assert '<html lang="ar" dir="rtl">' in client.get("/nothing-here/").content.decode()


def test_plurals() -> None:
    with override("ar"):
        from django.utils.translation import ngettext

        for count in (0, 1, 2, 3, 11, 100):
            text = ngettext("I have found %(count)s note.", "I have found %(count)s notes.", count) % {"count": count}
            assert str(count) in text
            assert "found" not in text

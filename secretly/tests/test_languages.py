"""Pages in English and Arabic, as the browser asks."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.translation import ngettext, override

from faceauth.conf import conf
from faceauth.models import SignIn
from faceauth.operators import actions
from faceauth.rekognition.collection import Collection
from faceauth.web.reauthentication import SIGNED_IN

ROOT: Path = settings.BASE_DIR
TEMPLATES = sorted(path for place in ("", "faceauth") for path in (ROOT / place / "templates").rglob("*.html"))
SCRIPTS = sorted(path for place in ("", "faceauth") for path in (ROOT / place / "static").rglob("*.js"))

# The name of the site, names of keys, and the clock: the same in every language.
NAMES = re.compile(r"\b(Secretly|UTC|Ctrl|Enter|n|L)\b")


class Spoken(HTMLParser):
    """What people see or hear of a page: its text, and the attributes that hold words."""

    SILENT = ("script", "style", "code")
    WORDS = {"alt", "title", "placeholder", "label", "aria-label", "aria-description", "aria-roledescription"}  # noqa: RUF012

    def __init__(self, html: str) -> None:
        super().__init__()
        self.silent = 0
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.silent += tag in self.SILENT
        button = tag == "input" and ("type", "submit") in attributes
        for name, value in attributes:
            # Hooks for the scripts are single words; their sentences are more than one.
            sentence = name.startswith("data-") and re.search(r"[A-Za-z] +[A-Za-z]", value or "")
            if name in self.WORDS or sentence or (button and name == "value"):
                self.found.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in self.SILENT

    def handle_data(self, text: str) -> None:
        if not self.silent:
            self.found.append(text)

    def english(self) -> list[str]:
        return [text.strip() for text in self.found if re.search("[A-Za-z]", NAMES.sub("", text))]


def without_tags(template: str) -> str:
    """The words that a template has outside of its tags for translation."""
    template = re.sub(r"{#.*?#}", "", template)
    template = re.sub(r"{% comment.*?{% endcomment %}", "", template, flags=re.DOTALL)
    template = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", template, flags=re.DOTALL)
    template = re.sub(r"{% block body_class %}.*?{% endblock", "{% endblock", template)
    return re.sub(r"{%.*?%}|{{.*?}}", " ", template, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_hold_no_untranslated_text(path: Path) -> None:
    template = path.read_text()
    assert Spoken(without_tags(template)).english() == []
    tags = re.findall(r"{{.*?}}|{% (?:with|include|firstof) .*?%}", template)
    assert [tag for tag in tags if re.search(r"""(?<!_\()(["'])[^"']*[A-Za-z]{2,} [^"']*\1""", tag)] == []


@pytest.mark.parametrize(
    ("template", "english"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p>{% translate "Hello" %} you</p>', ["you"]),
        ('<img alt="A cat">', ["A cat"]),
        ('<form data-denied="Not now" data-passkey="create">', ["Not now"]),
        ('<input type="submit" value="Go"><input type="hidden" value="yes">', ["Go"]),
        ("{# a note #}<p>{% blocktranslate %}Hello{% endblocktranslate %} · Secretly, 12:00 UTC</p>", []),
    ],
)
def test_english_in_a_template_is_found(template: str, english: list[str]) -> None:
    assert Spoken(without_tags(template)).english() == english


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_take_their_texts_from_the_page(path: Path) -> None:
    script = re.sub(r"\$\{.*?\}", "", path.read_text())
    said = re.findall(r"""(?:textContent|innerText|ariaLabel|placeholder|title|alt) = ["'`]([^"'`]*)""", script)
    assert [text for text in said if re.search("[A-Za-z]", NAMES.sub("", text))] == []
    assert not re.search(r"\b(alert|confirm|prompt)\(", script)


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
    client = arabic(owner)
    assert "ملاحظة جديدة" in client.get("/").content.decode()
    answer = client.post("/", {"text": " "}, headers={"accept": "application/json"})
    assert answer.json()["message"] == "هذه الملاحظة فارغة. اكتب شيئًا أولًا."
    assert client.get("/manifest.webmanifest").json()["dir"] == "rtl"
    assert '<html lang="ar" dir="rtl">' in client.get("/nothing-here/").content.decode()


def speaking(language: str, user: User | None = None) -> Client:
    client = Client(headers={"accept-language": language})
    if user:
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def arabic(user: User | None = None) -> Client:
    return speaking("ar", user)


def seen(user: User) -> Client:
    """The same, where the person's face was seen just now."""
    client = arabic(user)
    session = client.session
    session["faceauth.face_verified"] = session[SIGNED_IN] = time.time()
    session.save()
    return client


# What is called by its own name in Arabic too; Django's pictures for yes and no are called True and False.
OWN_NAMES = re.compile(
    r"\b(Secretly|UTC|JavaScript|JPEG|PNG|WebP|HEIC|TIFF|ZIP|Markdown|https|FaceId|Rekognition|ImageId|CollectionId"
    r"|JEX|ENEX|Google|Keep|Takeout|Evernote|Joplin|Standard|Notes|Obsidian|Notion"
    r"|ExternalImageId|Chrome|Edge|Android|ChromeOS|CSV|Ctrl|Enter|English|YuNet|SFace|local|secretly|operator|QR|True|False|n|L)\b"
)


PAGES = (
    *("faceauth:account", "faceauth:faces", "faceauth:add_passkey", "faceauth:add_app"),
    *("faceauth:reauthenticate", "faceauth:forget", "notes:list", "notes:trash", "notes:export"),
)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_arabic(owner: User, name: str) -> None:
    client = seen(owner)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert english_on(answer.content.decode()) == []


@pytest.mark.parametrize("name", ["faceauth:login", "offline", "admin:login"])
def test_a_page_for_everybody_in_arabic(db: None, name: str) -> None:
    assert english_on(arabic().get(reverse(name)).content.decode()) == []


@pytest.mark.parametrize(("word", "gone"), [("انسني", True), ("forget me", True), ("انس", False), ("", False)])
def test_forget_me_is_confirmed_in_either_language(owner: User, word: str, gone: bool) -> None:
    answer = seen(owner).post(reverse("faceauth:forget"), {"word": word})
    assert answer.status_code == (302 if gone else 422)
    assert User.objects.filter(pk=owner.pk).exists() != gone


def test_the_dashboard_in_arabic(operator: User, owner: User) -> None:
    Collection(conf().COLLECTION).create()
    SignIn.objects.create(outcome="refused", reason="too_dark", user=owner, method="file", similarity=42)
    client = arabic(operator)
    pages = [reverse("admin:index"), reverse("admin:auth_user_change", args=[owner.pk])]
    pages += [f"{reverse('admin:auth_user_action', args=[act])}?person={owner.pk}" for act in actions.ACTIONS]
    pages += [
        reverse(f"admin:faceauth_{model}_changelist") for model in ("signin", "consent", "mfareset", "healthcheck")
    ]
    for page in pages:
        english = [it for it in english_on(client.get(page).content.decode()) if str(owner)[:8] not in it]
        assert set(english) <= {"Search"}, page  # which Django's own form says in every language


def test_cached_figures_are_shown_in_each_language(operator: User) -> None:
    for language, notes in (("en", "notes"), ("ar", "ملاحظات")):
        page = speaking(language, operator).get(reverse("admin:index")).content.decode()
        assert f"<dt>{notes}</dt>" in page


def test_what_an_operator_did_is_told_in_arabic(operator: User, owner: User) -> None:
    actions.carry_out("deactivate", actions.Order(operator), [owner.pk])
    page = arabic(operator).get(reverse("admin:auth_user_history", args=[owner.pk])).content.decode()
    assert "عُطّل." in page
    assert "Deactivated" not in page


def test_the_cure_of_a_broken_rekognition_in_arabic(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here there is no collection yet."""
    page = arabic(operator).get(reverse("admin:index")).content.decode()
    assert "أنشئها بالأمر" in page


def english_on(html: str) -> list[str]:
    """What is said in Latin letters on a page in Arabic, and is nobody's name."""
    return [text.strip() for text in Spoken(html).found if re.search(r"[A-Za-z]{2}", OWN_NAMES.sub("", text))]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 11, 100])
def test_plurals(count: int) -> None:
    with override("ar"):
        text = ngettext("%(count)s note found", "%(count)s notes found", count) % {"count": count}
    assert (str(count) in text) == (count not in (1, 2))  # the noun itself says one and two
    assert "found" not in text

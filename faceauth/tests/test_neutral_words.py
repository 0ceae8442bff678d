"""What another site's people read of faceauth: no word of the notebook that this site is."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from faceauth.outcomes import SENTENCES
from tools.neutral_words import SENTENCES as CHANGED
from tools.neutral_words import arabic, neutral, python, template

OURS = re.compile(r"(?i)notebook|\bnotes\b|secretly")

MODULE = """# of the notebook
def f():
    \"\"\"Open the notebook.\"\"\"
    yield _(
        "A long "
        "notebook"
    )
    yield f"notes {1}", "Grüße an my notebook"
"""

TEMPLATE = """{% translate "Your notebook" as notes %}<p class="notes">
{% blocktranslate count n=notes %}{{ n }} notebook{% plural %}{{ n }} notebooks{% endblocktranslate %}</p>
{% translate 'Open my notes' %}"""

CATALOGUE = """msgid ""
msgstr "head"

#, python-format
msgid "%(count)s notebook"
msgid_plural "%(count)s notebooks"
msgstr[0] "دفتر"
msgstr[1] "دفاتر"

msgid ""
"A long "
"notebook"
msgstr "دفترك"

msgid "Open my notes"
msgstr "افتح ملاحظاتي"

msgid "Sign in"
msgstr "تسجيل الدخول"
"""


@pytest.mark.parametrize("what", SENTENCES, ids=str)
def test_sentences_of_outcomes_are_neutral(what: str) -> None:
    assert not OURS.search(neutral(str(SENTENCES[what])))  # type: ignore[index]


def test_sentences_of_modules_change_and_nothing_else() -> None:
    changed = MODULE.replace('"A long "\n        "notebook"', '"A long account"').replace("my notebook", "my account")
    assert python(MODULE) == changed


def test_sentences_of_templates_change_and_nothing_else() -> None:
    changed = TEMPLATE.replace("Your notebook", "Your account").replace("}} notebook", "}} account")
    assert template(TEMPLATE) == changed.replace("Open my notes", "Sign in")


def test_arabic_is_of_the_sentences_that_the_package_says() -> None:
    said = arabic(CATALOGUE)
    assert 'msgid "%(count)s account"\nmsgid_plural "%(count)s accounts"\nmsgstr[0] "حساب"\nmsgstr[1] "حسابات"' in said
    assert 'msgid "A long account"\nmsgstr "حسابك"' in said
    assert "#, python-format" in said
    assert re.findall('msgid "Sign in"\nmsgstr "(.*)"', said) == ["تسجيل الدخول"]


def test_every_sentence_with_words_of_its_own_is_still_said() -> None:
    catalogue = (Path(settings.BASE_DIR) / "locale" / "ar" / "LC_MESSAGES" / "django.po").read_text()
    assert [sentence for sentence in CHANGED if f'"{sentence}"' not in catalogue] == []


@pytest.mark.parametrize("kind", ["py", "html"])
def test_no_word_of_the_notebook_is_left_in_what_people_read(kind: str) -> None:
    """Docstrings and comments are for developers, who read the source of this site."""
    for file in (Path(settings.BASE_DIR) / "faceauth").rglob(f"*.{kind}"):
        if "tests" not in file.parts:
            text = file.read_text()
            assert OURS.findall(said_by(python(text)) if kind == "py" else template(text)) == [], file


def said_by(source: str) -> str:
    """All strings of a module but docstrings."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return "\n".join(node.value for node in strings if isinstance(node.value, str))

"""What another site's people read of faceauth: no word of the notebook that this site is."""

import re

import pytest

from faceauth.outcomes import SENTENCES
from tools.neutral_words import arabic, english, neutral

OURS = re.compile(r"(?i)notebook|\bnotes?\b|secretly")

CATALOGUE = """# head
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

#, python-format
msgid "%(count)s notebook"
msgid_plural "%(count)s notebooks"
msgstr[0] ""
msgstr[1] ""

msgid ""
"A long "
"notebook"
msgstr ""

msgid "A face"
msgstr ""
"""


@pytest.mark.parametrize("what", SENTENCES, ids=str)
def test_sentences_of_outcomes_are_neutral(what: str) -> None:
    assert not OURS.search(neutral(str(SENTENCES[what])))  # type: ignore[index]


def test_english_says_what_needs_other_words_and_no_more() -> None:
    said = english(CATALOGUE)
    assert 'msgstr[0] "%(count)s account"\nmsgstr[1] "%(count)s accounts"' in said
    assert 'msgid "A long notebook"\nmsgstr "A long account"' in said
    assert 'msgid "A face"\nmsgstr ""' in said
    assert "#, python-format" in said


def test_arabic_has_other_words_with_the_same_endings() -> None:
    assert arabic("دفترك") == "حسابك"
